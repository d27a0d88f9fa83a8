#pragma once

#include "api/cluster/cluster.hpp"
#include "api/core/node.hpp"
#include "cloud/machines.hpp"
#include "cloud/node_logic.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"
#include "tenant/tenant_key.hpp"

namespace nestor::cloud {

/// The life of every tenant's Nodes: initialises them, keeps what the cloud knows of them, taints
/// the stopped (which also says that their pods and volumes may be taken away) and removes those
/// whose machine is gone. It alone writes a Node's providerID, addresses, labels of type, zone and
/// region, and the taints of cloud providers. A Node that is no machine of ours is left alone.
class NodeController {
 public:
  /// `zones`: whether the manager may read the management cluster's nodes.
  NodeController(kube::Runtime& runtime, tenant::Sessions& sessions, Machines& machines, bool zones)
      : runtime_(runtime), sessions_(sessions), machines_(machines), zones_(zones) {}

  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;
  using NodePtr = tenant::Sessions::NodePtr;
  using SessionPtr = std::shared_ptr<tenant::Session>;

  void watch_machines(kube::Controller& controller);
  void watch_places(kube::Controller& controller);
  void enqueue_all(kube::Controller& controller, const kube::ObjectKey& cluster);
  /// The keys of the Nodes that are `machine`.
  std::vector<kube::ObjectKey> nodes_of(const kube::ObjectKey& cluster,
                                        const std::string& machine) const;
  std::optional<Place> place_of(const Machine& machine);
  Task<> remove_if_gone(SessionPtr session, NodePtr node, std::string machine);
  Task<> bring_up_to_date(SessionPtr session, NodePtr node, Machine machine, bool needs_place);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  Machines& machines_;
  bool zones_;
};

}  // namespace nestor::cloud
