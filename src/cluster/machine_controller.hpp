#pragma once

#include "cluster/context.hpp"
#include "cluster/machine_deletion.hpp"
#include "cluster/machine_logic.hpp"

namespace nestor::cluster {

/// Follows a Machine from bootstrap data over infrastructure to its Node, and back.
class MachineController {
 public:
  explicit MachineController(Context& context)
      : context_(context),
        begun_(context.runtime.clock().now()),
        deletion_(context, [this](const kube::ObjectKey& key) { controller_->enqueue(key); }) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using MachinePtr = kube::Informer<api::cluster::Machine>::Ptr;
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;
  Task<kube::ReconcileResult> reconcile_normal(MachinePtr machine, ClusterPtr cluster);
  /// Fills in whether the tenant's Nodes are known; until when to look again if not.
  std::optional<Duration> look_at_tenant(const kube::ObjectKey& cluster,
                                         const std::shared_ptr<tenant::Session>& session,
                                         MachineView& view);
  /// Fills in what the Machine's deployment says; until when that holds.
  std::optional<Duration> look_at_deployment(MachineView& view);
  void add_indexes();
  void watch_references(kube::Controller& controller);
  std::vector<kube::ObjectKey> machines_at(std::string index, std::string value);
  void watch_deployments();
  void node_changed(const kube::ObjectKey& cluster, const api::core::Node& node);

  Context& context_;
  WallTime begun_;
  kube::Controller* controller_ = nullptr;
  MachineDeletion deletion_;
};

}  // namespace nestor::cluster
