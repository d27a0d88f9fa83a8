#pragma once

#include "cluster/context.hpp"
#include "cluster/machine_health_logic.hpp"

namespace nestor::cluster {

/// Marks unhealthy Machines for their owners to replace, while not too many are. Woken by Machines,
/// Nodes and the Cluster, and at the very time when the next Machine would become unhealthy.
class MachineHealthCheckController {
 public:
  explicit MachineHealthCheckController(Context& context) : context_(context) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using CheckPtr = kube::Informer<api::cluster::MachineHealthCheck>::Ptr;
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;
  Task<kube::ReconcileResult> examine(CheckPtr stored, ClusterPtr cluster,
                                      std::shared_ptr<tenant::Session> session);
  /// While a tenant that has just come (back) has nothing held against it.
  std::optional<Duration> until_settled(const kube::ObjectKey& cluster);
  Task<Health> verdict_on(CheckPtr check, ClusterPtr cluster,
                          std::shared_ptr<tenant::Session> session, HealthTarget target);
  /// The Machines the check looks at, with their Nodes.
  Task<std::vector<HealthTarget>> find_targets(CheckPtr check,
                                               std::shared_ptr<tenant::Session> session);
  Task<> mark(CheckPtr check, std::shared_ptr<const api::cluster::Machine> machine, Health health,
              bool allowed);
  std::vector<kube::ObjectKey> checks_of(const api::cluster::Machine& machine);
  std::vector<kube::ObjectKey> checks_of_cluster(const kube::ObjectKey& cluster);

  Context& context_;
};

}  // namespace nestor::cluster
