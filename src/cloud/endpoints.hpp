#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "api/core/service.hpp"
#include "api/discovery/endpoint_slice.hpp"
#include "cloud/machines.hpp"

/// The EndpointSlices of a parent Service without selector. Pure.
namespace nestor::cloud {

/// A machine that may serve, as the management cluster reaches it.
struct Backend {
  std::string name;
  /// Node of the management cluster it runs on.
  std::string node;
  std::vector<std::string> addresses;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  friend bool operator==(const Backend&, const Backend&) = default;
};

/// On a Node: its label when it is to get no traffic, its taint when the autoscaler removes it.
inline constexpr std::string_view kExcludeBalancersLabel =
    "node.kubernetes.io/exclude-from-external-load-balancers";
inline constexpr std::string_view kToBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";

/// Whether load balancers may send traffic to the Node: not when its label excludes it or the
/// autoscaler removes it, and beyond a Service of policy Local only when it is ready.
/// Source: k8s.io/cloud-provider, controllers/service, node predicates.
bool takes_traffic(const api::core::Node& node, bool local);

/// A tenant's Nodes, by the machines they are.
using NodesByMachine = std::map<std::string, std::shared_ptr<const api::core::Node>>;

/// Every running worker whose Node takes traffic.
std::vector<Backend> all_backends(const std::vector<Machine>& machines, const NodesByMachine& nodes,
                                  bool local = false);

/// The running machines with an endpoint of the tenant's Service, as ready as their best one.
/// Endpoints without a Node cannot be placed and are passed over; when a Service has only such,
/// every worker can take its traffic.
std::vector<Backend> local_backends(
    const std::vector<Machine>& machines, const NodesByMachine& nodes,
    const std::vector<std::shared_ptr<const api::discovery::EndpointSlice>>& tenant_slices);

/// Takes out of `slice` what is no address of a running machine.
void keep_running(api::discovery::EndpointSlice& slice, const std::vector<Machine>& machines);

/// The slices of `parent`: a family each, at most 100 endpoints each, in order of names. At least
/// one, so that it shows whose they are.
std::vector<api::discovery::EndpointSlice> slices_of(const api::core::Service& parent,
                                                     const std::vector<Backend>& backends);

}  // namespace nestor::cloud
