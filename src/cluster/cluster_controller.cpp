#include "cluster/cluster_controller.hpp"

#include "api/cluster/labels.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "cluster/contract.hpp"

namespace nestor::cluster {

using api::cluster::Cluster;

namespace {

template <kube::Resource T>
std::vector<kube::ObjectKey> cluster_of(const T& object) {
  return {{object.metadata.namespace_, object.spec.clusterName}};
}

template <kube::Resource T>
bool belongs_to(const T& object, const Cluster& cluster) {
  return object.metadata.namespace_ == cluster.metadata.namespace_ &&
         object.spec.clusterName == cluster.metadata.name;
}

}  // namespace

void ClusterController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.cluster", [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(context_.clusters());
  context_.kinds.on_change([this, &controller](const std::string& kind, const auto& key) {
    for (const auto& cluster : context_.clusters_referring_to(kind, key)) {
      controller.enqueue(cluster->metadata.key());
    }
  });
  auto& informers = context_.runtime.informers();
  using api::infrastructure::KubevirtCluster;
  controller.watch_mapped<KubevirtCluster>(
      informers.of<KubevirtCluster>(), [this](const KubevirtCluster& object) {
        return clusters_referring_to(KubevirtCluster::kType.kind, object.metadata);
      });
  using api::controlplane::KamajiControlPlane;
  controller.watch_mapped<KamajiControlPlane>(
      informers.of<KamajiControlPlane>(), [this](const KamajiControlPlane& object) {
        return clusters_referring_to(KamajiControlPlane::kType.kind, object.metadata);
      });
  controller.watch_mapped<api::cluster::Machine>(context_.machines(),
                                                 cluster_of<api::cluster::Machine>);
  controller.watch_mapped<api::cluster::MachineSet>(context_.machine_sets(),
                                                    cluster_of<api::cluster::MachineSet>);
  controller.watch_mapped<api::cluster::MachineDeployment>(
      context_.machine_deployments(), cluster_of<api::cluster::MachineDeployment>);
  context_.sessions.on_change(
      [&controller](const kube::ObjectKey& cluster, bool) { controller.enqueue(cluster); });
}

std::vector<kube::ObjectKey> ClusterController::clusters_referring_to(
    std::string_view kind, const kube::ObjectMeta& object) {
  std::vector<kube::ObjectKey> keys;
  for (const auto& cluster : context_.clusters_referring_to(std::string(kind), object.key())) {
    keys.push_back(cluster->metadata.key());
  }
  return keys;
}

ClusterView ClusterController::view_of(const Cluster& cluster) {
  ClusterView view;
  view.cluster = cluster;
  view.now = context_.now();
  const auto probe = context_.sessions.probe(cluster.metadata.key());
  view.remote_connected = probe.connected;
  view.remote_message = probe.message;
  for (const auto& deployment : context_.machine_deployments().list(cluster.metadata.namespace_)) {
    if (belongs_to(*deployment, cluster)) view.deployments.push_back(*deployment);
  }
  return view;
}

Task<kube::ReconcileResult> ClusterController::reconcile(kube::ObjectKey key) {
  const auto cluster = context_.clusters().get(key);
  if (!cluster) co_return kube::ReconcileResult{};
  if (api::cluster::paused(*cluster, cluster->metadata)) {
    co_return co_await show_paused(context_, cluster, cluster);
  }
  if (cluster->metadata.deleting()) co_return co_await reconcile_delete(cluster);
  if (const auto valid = validate(*cluster); !valid) {
    co_return co_await show_invalid(context_, cluster, "Available", valid.error().message);
  }
  if (!cluster->metadata.has_finalizer(api::cluster::kClusterFinalizer)) {
    Cluster after = *cluster;
    after.metadata.finalizers.emplace_back(api::cluster::kClusterFinalizer);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *cluster, after));
    // The change comes back through the watch.
    co_return kube::ReconcileResult{};
  }
  co_return co_await reconcile_normal(cluster);
}

Task<kube::ReconcileResult> ClusterController::reconcile_normal(ClusterPtr cluster) {
  const auto& spec = cluster->spec;
  const std::string& ns = cluster->metadata.namespace_;
  NESTOR_CO_TRY(auto infra, co_await fetch(context_, spec.infrastructureRef, ns));
  NESTOR_CO_TRY(auto plane, co_await fetch(context_, spec.controlPlaneRef, ns));
  const auto owner = kube::owner_reference(*cluster, false);
  for (auto* one : {&infra, &plane}) {
    if (!*one) continue;
    Referenced object = **one;
    NESTOR_CO_TRY_VOID(co_await adopt(context_, object, cluster->metadata.name, owner));
  }
  ClusterView view = view_of(*cluster);
  if (infra) view.infrastructure = std::move(infra->object);
  if (plane) view.control_plane = std::move(plane->object);
  view.infrastructure_known = context_.kinds.knows(spec.infrastructureRef);
  view.control_plane_known = context_.kinds.knows(spec.controlPlaneRef);
  const Cluster after = observe(view);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *cluster, after));
  announce(*cluster, after);
  co_return kube::ReconcileResult{};
}

void ClusterController::announce(const Cluster& before, const Cluster& after) {
  auto& events = context_.runtime.events();
  if (before.status.phase != after.status.phase) {
    events.normal(after, after.status.phase, "the cluster is " + after.status.phase);
  }
  const auto& was = before.status.initialization;
  const auto& is = after.status.initialization;
  if (is.infrastructureProvisioned && !was.infrastructureProvisioned) {
    events.normal(after, "InfrastructureReady", "the infrastructure is provisioned");
  }
  if (is.controlPlaneInitialized && !was.controlPlaneInitialized) {
    events.normal(after, "ControlPlaneInitialized", "the control plane answers");
  }
}

template <kube::Resource T>
Task<bool> ClusterController::remove_all(kube::Informer<T> informer, ClusterPtr cluster) {
  bool any = false;
  for (const auto& object : informer.list(cluster->metadata.namespace_)) {
    if (!belongs_to(*object, *cluster)) continue;
    any = true;
    if (object->metadata.deleting()) continue;
    kube::DeleteOptions options{.uid = object->metadata.uid};
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context_.client(), T::kType,
                                                     object->metadata.key(), options));
  }
  co_return any;
}

Task<bool> ClusterController::remove_workers(ClusterPtr cluster) {
  NESTOR_CO_TRY(const bool deployments,
                co_await remove_all(context_.machine_deployments(), cluster));
  NESTOR_CO_TRY(const bool sets, co_await remove_all(context_.machine_sets(), cluster));
  NESTOR_CO_TRY(const bool machines, co_await remove_all(context_.machines(), cluster));
  co_return deployments || sets || machines;
}

Task<kube::ReconcileResult> ClusterController::reconcile_delete(ClusterPtr cluster) {
  if (!cluster->metadata.has_finalizer(api::cluster::kClusterFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  const std::string& ns = cluster->metadata.namespace_;
  Remaining remaining;
  NESTOR_CO_TRY(remaining.workers, co_await remove_workers(cluster));
  NESTOR_CO_TRY(auto plane, co_await fetch(context_, cluster->spec.controlPlaneRef, ns));
  NESTOR_CO_TRY(auto infra, co_await fetch(context_, cluster->spec.infrastructureRef, ns));
  remaining.control_plane = plane.has_value();
  remaining.infrastructure = infra.has_value();
  const DeleteStep step = next_delete_step(remaining);
  if (step == DeleteStep::kControlPlane) {
    NESTOR_CO_TRY_VOID(co_await begin_removal(context_, *plane));
  }
  if (step == DeleteStep::kInfrastructure) {
    NESTOR_CO_TRY_VOID(co_await begin_removal(context_, *infra));
  }

  Cluster after = *cluster;
  after.status.phase = "Deleting";
  kube::set_condition(after.status.conditions,
                      kube::make_condition("Deleting", true, deleting_reason(step)),
                      context_.now());
  if (step == DeleteStep::kDone) {
    std::erase(after.metadata.finalizers, api::cluster::kClusterFinalizer);
    context_.runtime.events().normal(*cluster, "Deleted", "the cluster is deleted");
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *cluster, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::cluster
