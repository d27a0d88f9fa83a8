#pragma once

#include <map>

#include "cluster/context.hpp"
#include "cluster/machine_deployment_logic.hpp"
#include "cluster/rollout_plan.hpp"

namespace nestor::cluster {

/// Keeps one MachineSet per template of a MachineDeployment and moves Machines from old to new.
class MachineDeploymentController {
 public:
  explicit MachineDeploymentController(Context& context) : context_(context) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using DeploymentPtr = std::shared_ptr<const api::cluster::MachineDeployment>;
  Task<kube::ReconcileResult> reconcile_delete(DeploymentPtr deployment);
  /// Metadata, and the number of replicas if there is none: autoscalers and `kubectl scale` read it
  /// there. A number that is there is never written.
  Task<bool> complete(DeploymentPtr deployment, kube::Informer<api::cluster::Cluster>::Ptr cluster);
  /// Templates in use belong to the Cluster.
  Task<> adopt_templates(DeploymentPtr deployment,
                         kube::Informer<api::cluster::Cluster>::Ptr cluster);
  Task<> create_set(DeploymentPtr deployment, const MachineSets& sets);
  /// Brings the sets to `plan`, with what the deployment propagates; empty old ones go.
  Task<> write_sets(DeploymentPtr deployment, MachineSets sets, RolloutPlan plan);
  /// `wanted` differs from `set` in what the deployment decides, replicas among it.
  Task<> write_set(DeploymentPtr deployment, MachineSetPtr set, api::cluster::MachineSet wanted);

  Context& context_;
  /// A set this process made and the cache has not shown yet.
  std::map<kube::ObjectKey, kube::ObjectKey> created_;
};

}  // namespace nestor::cluster
