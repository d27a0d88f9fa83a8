#include "cluster/machine_deployment_controller.hpp"

#include "api/cluster/labels.hpp"
#include "base/random.hpp"

namespace nestor::cluster {

using api::cluster::Cluster;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;

void MachineDeploymentController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.machinedeployment",
      [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(context_.machine_deployments());
  controller.watch_owned(context_.machine_sets(), MachineDeployment::kType);
  context_.watch_clusters(controller, [this](const Cluster& cluster) {
    std::vector<kube::ObjectKey> keys;
    for (const auto& one : context_.machine_deployments().list(cluster.metadata.namespace_)) {
      if (one->spec.clusterName == cluster.metadata.name) keys.push_back(one->metadata.key());
    }
    return keys;
  });
}

Task<kube::ReconcileResult> MachineDeploymentController::reconcile(kube::ObjectKey key) {
  const auto stored = context_.machine_deployments().get(key);
  if (!stored) {
    created_.erase(key);
    co_return kube::ReconcileResult{};
  }
  const auto cluster = context_.clusters().get({key.ns, stored->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, stored->metadata)) {
    co_return co_await show_paused(context_, stored, cluster);
  }
  if (stored->metadata.deleting()) co_return co_await reconcile_delete(stored);
  auto defaulted = std::make_shared<MachineDeployment>(*stored);
  api::cluster::set_defaults(*defaulted);
  const DeploymentPtr deployment = defaulted;
  if (const auto valid = validate(*deployment); !valid) {
    co_return co_await show_invalid(context_, stored, "Available", valid.error().message);
  }
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(const bool wrote, co_await complete(stored, cluster));
  if (wrote) co_return kube::ReconcileResult{};

  NESTOR_CO_TRY_VOID(co_await adopt_templates(deployment, cluster));
  const WallTime now = context_.runtime.clock().now();
  MachineSets sets =
      sort_sets(*deployment, context_.controlled_by<MachineSet>(deployment->metadata), now);
  const bool paused = deployment->spec.paused.value_or(false);
  if (!sets.current && !paused) {
    NESTOR_CO_TRY_VOID(co_await create_set(deployment, sets));
  } else {
    RolloutPlan plan;
    plan = paused ? plan_paused(*deployment, sets) : plan_rollout(*deployment, sets);
    NESTOR_CO_TRY_VOID(co_await write_sets(deployment, sets, std::move(plan)));
  }
  MachineDeployment after = *stored;
  sets = sort_sets(*deployment, context_.controlled_by<MachineSet>(deployment->metadata), now);
  if (sets.current) {
    after.metadata.annotations[std::string(api::cluster::kRevisionAnnotation)] =
        std::to_string(current_revision(sets));
  }
  after.status = observe(*deployment, sets, context_.now()).status;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *stored, after));
  kube::ReconcileResult result;
  result.requeue_after = until_rollout(*deployment, now);
  co_return result;
}

Task<bool> MachineDeploymentController::complete(DeploymentPtr deployment,
                                                 kube::Informer<Cluster>::Ptr cluster) {
  MachineDeployment after = *deployment;
  complete_metadata(after.metadata, api::cluster::kMachineDeploymentFinalizer, *cluster);
  if (!after.spec.replicas) {
    after.spec.replicas =
        missing_replicas(*deployment, context_.controlled_by<MachineSet>(deployment->metadata));
  }
  if (after == *deployment) co_return false;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *deployment, after));
  co_return true;
}

Task<> MachineDeploymentController::adopt_templates(DeploymentPtr deployment,
                                                    kube::Informer<Cluster>::Ptr cluster) {
  const auto owner = kube::owner_reference(*cluster, false);
  const auto& spec = deployment->spec.template_.spec;
  for (const auto* ref : {&spec.bootstrap.configRef, &spec.infrastructureRef}) {
    NESTOR_CO_TRY(const auto found,
                  co_await fetch(context_, *ref, deployment->metadata.namespace_));
    if (!found) continue;
    NESTOR_CO_TRY_VOID(co_await adopt(context_, *found, deployment->spec.clusterName, owner));
  }
  co_return Result<>{};
}

Task<> MachineDeploymentController::create_set(DeploymentPtr deployment, const MachineSets& sets) {
  const auto key = deployment->metadata.key();
  auto informer = context_.machine_sets();
  kube::ObjectKey made;
  // A second set for the same template would be made if the cache had not caught up with the first.
  if (const auto known = created_.find(key);
      known != created_.end() && !informer.get(known->second)) {
    made = known->second;
    auto live = co_await context_.client().get(MachineSet::kType, made);
    if (!live && live.error().code != Code::kNotFound) co_return std::unexpected(live.error());
    // It came and went.
    if (!live) made = {};
  }
  if (made.name.empty()) {
    const WallTime now = context_.runtime.clock().now();
    MachineSet set = machine_set_of(*deployment, SystemRandom().name_suffix(), now);
    set.metadata.annotations[std::string(api::cluster::kRevisionAnnotation)] =
        std::to_string(current_revision(sets));
    set.spec.replicas = plan_rollout(*deployment, sets).current;
    made = set.metadata.key();
    auto written = co_await kube::create(context_.client(), std::move(set));
    if (!written) {
      context_.runtime.events().warning(*deployment, "FailedCreate", written.error().message);
      co_return std::unexpected(std::move(written).error());
    }
    created_[key] = made;
    context_.runtime.events().normal(*deployment, "SuccessfulCreate",
                                     "created MachineSet " + made.name);
  }
  co_return co_await informer.wait_until([informer, made] { return informer.get(made) != nullptr; },
                                         kCacheTimeout);
}

Task<> MachineDeploymentController::write_set(DeploymentPtr deployment, MachineSetPtr set,
                                              MachineSet wanted) {
  const int before = set->spec.replicas.value_or(1);
  const int now = wanted.spec.replicas.value_or(1);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *set, wanted));
  if (before != now) {
    context_.runtime.events().normal(*deployment, "SuccessfulScale",
                                     "scaled MachineSet " + set->metadata.name + " from " +
                                         std::to_string(before) + " to " + std::to_string(now));
  }
  co_return Result<>{};
}

Task<> MachineDeploymentController::write_sets(DeploymentPtr deployment, MachineSets sets,
                                               RolloutPlan plan) {
  if (sets.current) {
    MachineSet current = propagated(*deployment, *sets.current, true);
    current.metadata.annotations[std::string(api::cluster::kRevisionAnnotation)] =
        std::to_string(current_revision(sets));
    current.spec.replicas = plan.current;
    NESTOR_CO_TRY_VOID(co_await write_set(deployment, sets.current, std::move(current)));
  }
  const bool paused = deployment->spec.paused.value_or(false);
  for (std::size_t i = 0; i < sets.old.size(); ++i) {
    const auto& set = sets.old[i];
    if (set->metadata.deleting()) continue;
    const bool empty = plan.old[i] == 0 && set->spec.replicas == 0 && set->status.replicas == 0;
    if (empty && !paused) {
      kube::DeleteOptions options{.uid = set->metadata.uid};
      NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context_.client(), MachineSet::kType,
                                                       set->metadata.key(), options));
      continue;
    }
    MachineSet wanted = propagated(*deployment, *set, false);
    wanted.spec.replicas = plan.old[i];
    NESTOR_CO_TRY_VOID(co_await write_set(deployment, set, std::move(wanted)));
  }
  co_return Result<>{};
}

Task<kube::ReconcileResult> MachineDeploymentController::reconcile_delete(
    DeploymentPtr deployment) {
  if (!deployment->metadata.has_finalizer(api::cluster::kMachineDeploymentFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  const auto owned = context_.controlled_by<MachineSet>(deployment->metadata);
  for (const auto& set : owned) {
    if (set->metadata.deleting()) continue;
    kube::DeleteOptions options{.uid = set->metadata.uid};
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context_.client(), MachineSet::kType,
                                                     set->metadata.key(), options));
  }
  MachineDeployment defaulted = *deployment;
  api::cluster::set_defaults(defaulted);
  MachineDeployment after = *deployment;
  const MachineSets sets = sort_sets(defaulted, owned, context_.runtime.clock().now());
  after.status = observe(defaulted, sets, context_.now()).status;
  if (owned.empty()) {
    std::erase(after.metadata.finalizers, api::cluster::kMachineDeploymentFinalizer);
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *deployment, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::cluster
