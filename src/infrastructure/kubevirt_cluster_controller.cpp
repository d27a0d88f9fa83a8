#include "infrastructure/kubevirt_cluster_controller.hpp"

#include "api/cluster/cluster.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"

namespace nestor::infrastructure {

using api::cluster::Cluster;
using api::infrastructure::KubevirtCluster;

void KubevirtClusterController::add() {
  auto& informers = runtime_.informers();
  auto& controller =
      runtime_.add_controller("infrastructure.kubevirtcluster",
                              [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(informers.of<KubevirtCluster>());
  controller.watch_mapped<Cluster>(informers.of<Cluster>(), [](const Cluster& cluster) {
    std::vector<kube::ObjectKey> keys;
    const auto& reference = cluster.spec.infrastructureRef;
    if (reference.kind == KubevirtCluster::kType.kind) {
      keys.push_back({cluster.metadata.namespace_, reference.name});
    }
    return keys;
  });
}

std::shared_ptr<const Cluster> KubevirtClusterController::owner_of(
    const KubevirtCluster& infrastructure) {
  for (const auto& owner : infrastructure.metadata.ownerReferences) {
    if (owner.kind != Cluster::kType.kind) continue;
    return runtime_.informers().of<Cluster>().get({infrastructure.metadata.namespace_, owner.name});
  }
  return nullptr;
}

Task<kube::ReconcileResult> KubevirtClusterController::reconcile(kube::ObjectKey key) {
  const auto infrastructure = runtime_.informers().of<KubevirtCluster>().get(key);
  if (!infrastructure || infrastructure->metadata.deleting()) co_return kube::ReconcileResult{};
  const auto& annotations = infrastructure->metadata.annotations;
  if (annotations.contains(std::string(api::cluster::kManagedByAnnotation))) {
    co_return kube::ReconcileResult{};
  }
  const auto cluster = owner_of(*infrastructure);
  if (!cluster) co_return kube::ReconcileResult{};
  KubevirtCluster after = *infrastructure;
  const std::string now = format_rfc3339(runtime_.clock().now());
  api::cluster::set_paused(after.status.conditions, *cluster, infrastructure->metadata, now);
  if (!api::cluster::paused(*cluster, infrastructure->metadata)) {
    after.status.ready = true;
    after.status.initialization.provisioned = true;
    kube::set_condition(after.status.conditions, kube::make_condition("Ready", true, "Ready"), now);
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *infrastructure, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::infrastructure
