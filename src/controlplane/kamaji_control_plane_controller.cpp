#include "controlplane/kamaji_control_plane_controller.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/cluster/labels.hpp"
#include "controlplane/cluster_secrets.hpp"
#include "controlplane/names.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

constexpr std::string_view kFinalizer = "nestor.dev/kamajicontrolplane";

bool is_ready(const TenantControlPlane& tcp) {
  const std::string& status = tcp.status.kubernetesResources.version.status;
  return status == "Ready" || status == "Upgrading" || status == "WriteLimited";
}

/// Nodes can join as soon as the API server answers and kubeadm's objects are in it.
bool can_be_joined(const TenantControlPlane& tcp) {
  return tcp.status.kubernetesResources.version.status == "Ready" &&
         !tcp.status.kubeadmPhase.bootstrapToken.checksum.empty();
}

}  // namespace

KamajiControlPlaneController::KamajiControlPlaneController(kube::Runtime& runtime)
    : runtime_(runtime),
      caches_(runtime),
      planes_(runtime),
      cluster_secrets_(runtime.informers().of<api::core::Secret>(
          kube::Scope{.label_selector = std::string(api::cluster::kClusterNameLabel)})),
      infrastructures_(runtime.informers().of<KubevirtCluster>()),
      applier_("nestor-kamajicontrolplane") {
  auto& controller = runtime.add_controller(
      "kamajicontrolplane", [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(planes_.kcps);
  controller.watch_owned(caches_.tcps, KamajiControlPlane::kType);
  // A TenantControlPlane has the name of its KamajiControlPlane, so its Secrets lead here too.
  controller.watch_owned(caches_.secrets, TenantControlPlane::kType);
  controller.watch_owned(cluster_secrets_, KamajiControlPlane::kType);
  controller.watch_mapped<Cluster>(planes_.clusters, [this](const Cluster& cluster) {
    return planes_.of_cluster(cluster.metadata.key());
  });
  controller.watch_mapped<KubevirtCluster>(
      infrastructures_, [this](const KubevirtCluster& infra) { return of_infrastructure(infra); });
}

std::vector<kube::ObjectKey> KamajiControlPlaneController::of_infrastructure(
    const KubevirtCluster& infra) const {
  std::vector<kube::ObjectKey> keys;
  for (const auto& cluster : planes_.clusters.list(infra.metadata.namespace_)) {
    const auto& reference = cluster->spec.infrastructureRef;
    if (reference.kind != KubevirtCluster::kType.kind || reference.name != infra.metadata.name) {
      continue;
    }
    for (const kube::ObjectKey& key : planes_.of_cluster(cluster->metadata.key()))
      keys.push_back(key);
  }
  return keys;
}

void KamajiControlPlaneController::set(KamajiControlPlane& kcp, const char* type, bool status,
                                       const char* reason, std::string message) const {
  kube::set_condition(
      kcp.status.conditions,
      kube::make_condition(type, status, reason, std::move(message), kcp.metadata.generation),
      format_rfc3339(runtime_.clock().now()));
}

void KamajiControlPlaneController::note_status(KamajiControlPlane& kcp,
                                               const TenantControlPlane& tcp) const {
  auto& status = kcp.status;
  const auto& version = tcp.status.kubernetesResources.version;
  status.externalManagedControlPlane = true;
  status.version = version.version;
  if (const auto& deployment = tcp.status.kubernetesResources.deployment) {
    status.replicas = deployment->replicas;
    status.readyReplicas = deployment->readyReplicas;
    status.availableReplicas = deployment->availableReplicas;
    status.upToDateReplicas = deployment->updatedReplicas;
    status.selector = deployment->selector;
  }
  const bool ready = is_ready(tcp);
  status.ready = ready;
  if (can_be_joined(tcp)) status.initialization.controlPlaneInitialized = true;
  const bool initialized = status.initialization.controlPlaneInitialized.value_or(false);
  const std::string state =
      "the control plane is " + (version.status.empty() ? "unknown" : version.status);
  if (const auto* refused = kube::find_condition(tcp.status.conditions, kPodAllowed)) {
    set(kcp, kPodAllowed, false, "PodNotAllowed", refused->message);
  } else {
    std::erase_if(status.conditions, [](const auto& old) { return old.type == kPodAllowed; });
  }
  set(kcp, "KamajiControlPlaneIsInitialized", initialized,
      initialized ? "Initialized" : "NotInitialized", initialized ? "" : state);
  set(kcp, "KamajiControlPlaneIsReady", ready, ready ? "Ready" : "NotReady", ready ? "" : state);
  set(kcp, "Available", ready, ready ? "Available" : "NotAvailable", ready ? "" : state);
}

Task<kube::ReconcileResult> KamajiControlPlaneController::reconcile(kube::ObjectKey key) {
  const auto cached = planes_.kcps.get(key);
  if (!cached) co_return kube::ReconcileResult{};
  KamajiControlPlane kcp = *cached;
  const auto cluster = planes_.cluster_of(kcp);
  const bool paused = cluster && api::cluster::paused(*cluster, kcp.metadata);
  if (cluster) {
    const std::string now = format_rfc3339(runtime_.clock().now());
    api::cluster::set_paused(kcp.status.conditions, *cluster, kcp.metadata, now);
  }
  Result<> done;
  if (paused) {
    // Also while it is being deleted: who pauses wants everything to stay as it is.
  } else if (kcp.metadata.deleting()) {
    done = co_await finish(kcp);
  } else if (cluster) {
    done = co_await run_steps(kcp, *cluster);
  } else {
    // The Cluster's controller makes itself the owner; that change comes here.
    co_return kube::ReconcileResult{};
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *cached, kcp));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return kube::ReconcileResult{};
}

Task<> KamajiControlPlaneController::run_steps(KamajiControlPlane& kcp, const Cluster& cluster) {
  if (!kcp.metadata.has_finalizer(kFinalizer)) kcp.metadata.finalizers.emplace_back(kFinalizer);
  kube::Client& client = runtime_.client();
  Json wanted = build_tenant_control_plane(kcp, cluster);
  auto applied = co_await applier_.ensure(client, caches_.tcps, std::move(wanted));
  if (!applied) {
    set(kcp, "TenantControlPlaneCreated", false, "ApplyFailed", applied.error().message);
    co_return std::unexpected(std::move(applied).error());
  }
  set(kcp, "TenantControlPlaneCreated", true, "Created");
  const TenantControlPlane& tcp = **applied;
  note_status(kcp, tcp);

  const auto endpoint = net::parse_authority(tcp.status.controlPlaneEndpoint);
  set(kcp, "TenantControlPlaneAddressReady", endpoint.has_value(),
      endpoint ? "AddressReady" : "WaitingForAddress");
  if (!endpoint) co_return Result<>();
  kcp.spec.controlPlaneEndpoint = api::controlplane::Endpoint{endpoint->host, endpoint->port};
  set(kcp, "ControlPlaneEndpointPatched", true, "Patched");
  NESTOR_CO_TRY_VOID(co_await patch_infrastructure(kcp, cluster));
  co_return co_await write_secrets(kcp, cluster, tcp);
}

Task<> KamajiControlPlaneController::patch_infrastructure(KamajiControlPlane& kcp,
                                                          const Cluster& cluster) {
  const auto& reference = cluster.spec.infrastructureRef;
  constexpr const char* kCondition = "InfrastructureClusterPatched";
  if (reference.empty()) co_return Result<>();
  if (reference.kind != KubevirtCluster::kType.kind) {
    set(kcp, kCondition, false, "UnsupportedInfrastructure", reference.kind + " is not supported");
    co_return Result<>();
  }
  const auto cached = infrastructures_.get({cluster.metadata.namespace_, reference.name});
  if (!cached) {
    set(kcp, kCondition, false, "WaitingForInfrastructure");
    co_return Result<>();
  }
  KubevirtCluster infra = *cached;
  infra.spec.controlPlaneEndpoint.host = kcp.spec.controlPlaneEndpoint->host;
  infra.spec.controlPlaneEndpoint.port = kcp.spec.controlPlaneEndpoint->port;
  if (infra.metadata.annotations.contains(std::string(api::cluster::kManagedByAnnotation))) {
    infra.status.ready = true;
    infra.status.initialization.provisioned = true;
  }
  auto patched = co_await kube::patch_changes(runtime_.client(), *cached, infra);
  set(kcp, kCondition, patched.has_value(), patched ? "Patched" : "PatchFailed",
      patched ? "" : patched.error().message);
  co_return patched;
}

Task<> KamajiControlPlaneController::write_secrets(KamajiControlPlane& kcp, const Cluster& cluster,
                                                   const TenantControlPlane& tcp) {
  const std::string& ns = tcp.metadata.namespace_;
  const auto admin = caches_.secrets.get({ns, tcp.status.kubeconfig.admin.secretName});
  const auto ca = caches_.secrets.get({ns, tcp.status.certificates.ca.secretName});
  if (!admin || !ca) {
    set(kcp, "KubeadmResourcesCreated", false, "WaitingForSecrets");
    co_return Result<>();
  }
  NESTOR_CO_TRY(const std::vector<Json> secrets,
                build_cluster_secrets(kcp, cluster, tcp, *admin, *ca));
  for (const Json& secret : secrets) {
    NESTOR_CO_TRY_VOID(co_await applier_.ensure(runtime_.client(), cluster_secrets_, secret));
  }
  set(kcp, "KubeadmResourcesCreated", true, "Created");
  co_return Result<>();
}

Task<> KamajiControlPlaneController::finish(KamajiControlPlane& kcp) {
  if (!kcp.metadata.has_finalizer(kFinalizer)) co_return Result<>();
  kube::Client& client = runtime_.client();
  const kube::ObjectKey key = kcp.metadata.key();
  const auto tcp = caches_.tcps.get(key);
  if (tcp) {
    // Its going comes back as an event.
    if (!tcp->metadata.deleting()) {
      NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, TenantControlPlane::kType, key));
    }
    co_return Result<>();
  }
  // Not in the cache may mean not yet: the API server knows.
  auto live = co_await client.get(TenantControlPlane::kType, key);
  if (live) co_return co_await kube::ensure_deleted(client, TenantControlPlane::kType, key);
  if (live.error().code != Code::kNotFound) co_return std::unexpected(std::move(live).error());
  applier_.forget(TenantControlPlane::kType, key);
  std::erase(kcp.metadata.finalizers, kFinalizer);
  co_return Result<>();
}

}  // namespace nestor::controlplane
