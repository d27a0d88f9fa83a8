#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

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

/// Every running worker.
std::vector<Backend> all_backends(const std::vector<Machine>& machines);

/// The running machines with an endpoint of the tenant's Service, as ready as their best one.
/// `machine_at` names the machine that a tenant's Node is. Endpoints without a Node cannot be
/// placed and are passed over; when a Service has only such, every worker can take its traffic.
std::vector<Backend> local_backends(
    const std::vector<Machine>& machines,
    const std::vector<std::shared_ptr<const api::discovery::EndpointSlice>>& tenant_slices,
    const std::function<std::string(const std::string& node)>& machine_at);

/// The slices of `parent`: a family each, at most 100 endpoints each, in order of names. At least
/// one, so that it shows whose they are.
std::vector<api::discovery::EndpointSlice> slices_of(const api::core::Service& parent,
                                                     const std::vector<Backend>& backends);

}  // namespace nestor::cloud
