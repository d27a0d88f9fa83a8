#include "infrastructure/kubevirt_cluster_controller.hpp"

#include <algorithm>

#include "api/cluster/cluster.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"

namespace nestor::infrastructure {

using api::cluster::Cluster;
using api::infrastructure::KubevirtCluster;

void KubevirtClusterController::add() {
  auto& controller =
      runtime_.add_controller("infrastructure.kubevirtcluster",
                              [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(runtime_.informers().of<KubevirtCluster>());
}

Task<kube::ReconcileResult> KubevirtClusterController::reconcile(kube::ObjectKey key) {
  const auto cluster = runtime_.informers().of<KubevirtCluster>().get(key);
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  const auto& annotations = cluster->metadata.annotations;
  if (annotations.contains(std::string(api::cluster::kManagedByAnnotation))) {
    co_return kube::ReconcileResult{};
  }
  const bool owned = std::ranges::any_of(cluster->metadata.ownerReferences, [](const auto& owner) {
    return owner.kind == Cluster::kType.kind;
  });
  if (!owned) co_return kube::ReconcileResult{};
  KubevirtCluster after = *cluster;
  after.status.ready = true;
  after.status.initialization.provisioned = true;
  kube::Condition ready;
  ready.type = "Ready";
  ready.status = "True";
  ready.reason = "Ready";
  kube::set_condition(after.status.conditions, ready, format_rfc3339(runtime_.clock().now()));
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *cluster, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::infrastructure
