#include "controlplane/tenant_control_plane_controller.hpp"

#include <algorithm>

#include "base/join.hpp"
#include "controlplane/certificates.hpp"
#include "controlplane/deployment.hpp"
#include "controlplane/exposure.hpp"
#include "controlplane/konnectivity.hpp"
#include "controlplane/kubeadm.hpp"
#include "controlplane/kubeconfigs.hpp"
#include "controlplane/names.hpp"
#include "controlplane/pod_policy.hpp"
#include "controlplane/store_step.hpp"

namespace nestor::controlplane {
namespace {

using api::apps::Deployment;

bool writes_limited(const api::kamaji::WritePermissions& permissions) {
  return permissions.blockCreation.value_or(false) || permissions.blockUpdate.value_or(false) ||
         permissions.blockDeletion.value_or(false);
}

}  // namespace

void note_version(Work& work, const Deployment* deployment) {
  auto& version = work.tcp.status.kubernetesResources.version;
  const std::string& wanted = work.settings.version;
  const auto& state = work.tcp.status.kubernetesResources.deployment;
  const bool current = deployment != nullptr && api::apps::rolled_out(*deployment);
  if (work.settings.replicas == 0) {
    version.status = "Sleeping";
    version.version = wanted;
  } else if (!state || state->readyReplicas == 0) {
    // Between the first request and the first answer it is being made, not broken.
    version.status = version.version.empty() ? "Provisioning" : "NotReady";
  } else if (writes_limited(work.tcp.spec.writePermissions)) {
    version.status = "WriteLimited";
  } else if (current || (version.version.empty() && state->readyReplicas > 0)) {
    version.status = "Ready";
    version.version = wanted;
  } else if (version.version != wanted) {
    version.status = "Upgrading";
  } else {
    version.status = "Ready";
  }
}

TenantControlPlaneController::TenantControlPlaneController(kube::Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      caches_(runtime),
      applier_(std::string(kFieldManager)) {
  auto& controller = runtime.add_controller(
      "tenantcontrolplane", [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(caches_.tcps);
  controller.watch_owned(caches_.services, TenantControlPlane::kType);
  controller.watch_owned(caches_.secrets, TenantControlPlane::kType);
  controller.watch_owned(caches_.deployments, TenantControlPlane::kType);
  controller.watch_owned(caches_.config_maps, TenantControlPlane::kType);
  controller.watch_mapped<api::kamaji::DataStore>(
      caches_.stores, [this](const api::kamaji::DataStore& store) {
        std::vector<kube::ObjectKey> keys;
        for (const auto& tcp : caches_.tcps.list()) {
          if (data_store_of(*tcp) == store.metadata.name) keys.push_back(tcp->metadata.key());
        }
        return keys;
      });
}

Task<kube::ReconcileResult> TenantControlPlaneController::reconcile(kube::ObjectKey key) {
  const auto cached = caches_.tcps.get(key);
  if (!cached) co_return kube::ReconcileResult{};
  const TenantControlPlane& tcp = *cached;
  if (tcp.metadata.annotations.contains(std::string(kPausedAnnotation))) {
    co_return kube::ReconcileResult{};
  }
  if (tcp.metadata.deleting()) co_return co_await finish(tcp);
  if (!tcp.metadata.has_finalizer(kStoreFinalizer)) {
    // Its own write comes back as an event and goes on from there.
    NESTOR_CO_TRY_VOID(co_await add_finalizer(tcp));
    co_return kube::ReconcileResult{};
  }
  auto settings = resolve_settings(tcp, options_.image);
  if (!settings) {
    runtime_.events().warning(tcp, "InvalidSpec", settings.error().message);
    co_return std::unexpected(std::move(settings).error());
  }
  Work work{.runtime = runtime_,
            .caches = caches_,
            .applier = applier_,
            .reservations = reservations_,
            .tcp = tcp,
            .settings = *settings};
  std::optional<Deployment> deployment;
  const Result<> done = co_await run_steps(work, deployment);
  note_version(work, deployment ? &*deployment : nullptr);
  if (done) work.tcp.status.observedGeneration = tcp.metadata.generation;
  // What was reached is written even when a later step failed.
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), tcp, work.tcp));
  if (!done) {
    if (done.error().code != Code::kAborted && done.error().code != Code::kCancelled) {
      runtime_.events().warning(tcp, "ReconcileFailed", done.error().message);
    }
    co_return std::unexpected(done.error());
  }
  kube::ReconcileResult result;
  if (work.renew_at) {
    const Duration left = time_until(*work.renew_at, runtime_.clock().now());
    result.requeue_after = std::max(left, Duration(std::chrono::seconds(1)));
  }
  co_return result;
}

Task<> TenantControlPlaneController::find_address(Work& work, std::optional<Address>& out) {
  NESTOR_CO_TRY(out, co_await ensure_service(work));
  co_return Result<>();
}

Task<> TenantControlPlaneController::prepare_store(Work& work, StoreContents& store) {
  NESTOR_CO_TRY(store, co_await open_store(work));
  co_return co_await ensure_store(work, store, options_.etcdctl);
}

Task<> TenantControlPlaneController::run_steps(Work& work, std::optional<Deployment>& deployment) {
  Authorities authorities;
  std::optional<Address> address;
  StoreContents store;
  {
    std::vector<Task<>> independent;
    independent.push_back(find_address(work, address));
    independent.push_back(ensure_authorities(work, authorities));
    independent.push_back(prepare_store(work, store));
    NESTOR_CO_TRY_VOID(co_await join_all(std::move(independent)));
  }
  // The load balancer's answer changes the Service, which wakes us.
  if (!address) co_return Result<>();
  {
    std::vector<Task<>> signed_ones;
    signed_ones.push_back(ensure_api_server(work, authorities, *address));
    signed_ones.push_back(ensure_kubelet_client(work, authorities));
    signed_ones.push_back(ensure_front_proxy_client(work, authorities));
    signed_ones.push_back(ensure_kubeconfigs(work, authorities, *address));
    signed_ones.push_back(ensure_kubeadm_config(work, *address));
    signed_ones.push_back(ensure_konnectivity(work));
    NESTOR_CO_TRY_VOID(co_await join_all(std::move(signed_ones)));
  }
  const StoreAccess access{.endpoints = store.endpoints};
  Json wanted = build_deployment(work, *address, access);
  // Only a change of the spec helps, and that comes as an event.
  if (!is_pod_allowed(work, wanted)) co_return Result<>();
  co_return co_await ensure_deployment(work, std::move(wanted), deployment);
}

bool TenantControlPlaneController::is_pod_allowed(Work& work, const Json& deployment) {
  auto& conditions = work.tcp.status.conditions;
  Result<> verdict;
  if (!options_.privileged) verdict = check_pod(deployment.at("spec").at("template"));
  if (verdict) {
    std::erase_if(conditions, [](const auto& condition) { return condition.type == kPodAllowed; });
    return true;
  }
  const auto refused = kube::make_condition(
      kPodAllowed, false, "PodNotAllowed",
      "the pod is not made: " + verdict.error().message +
          ". Take this out of the spec, or have Nestor installed with controlPlanes.privileged",
      work.tcp.metadata.generation);
  if (kube::set_condition(conditions, refused, work.now())) {
    runtime_.events().warning(work.tcp, refused.reason, refused.message);
  }
  return false;
}

void TenantControlPlaneController::forget(const TenantControlPlane& tcp) {
  const kube::ObjectKey key = tcp.metadata.key();
  applier_.forget(Deployment::kType, key);
  applier_.forget(api::core::Service::kType, key);
  applier_.forget(api::core::ConfigMap::kType, {key.ns, kubeadm_config_name(key.name)});
}

Task<> TenantControlPlaneController::add_finalizer(const TenantControlPlane& tcp) {
  TenantControlPlane after = tcp;
  after.metadata.finalizers.emplace_back(kStoreFinalizer);
  co_return co_await kube::patch_changes(runtime_.client(), tcp, after);
}

Task<kube::ReconcileResult> TenantControlPlaneController::finish(const TenantControlPlane& tcp) {
  if (!tcp.metadata.has_finalizer(kStoreFinalizer)) co_return kube::ReconcileResult{};
  const kube::ObjectKey key = tcp.metadata.key();
  kube::Client& client = runtime_.client();
  // First the programs: while they run they would write their leases again.
  NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, Deployment::kType, key));
  forget(tcp);
  Work work{.runtime = runtime_,
            .caches = caches_,
            .applier = applier_,
            .reservations = reservations_,
            .tcp = tcp,
            .settings = {}};
  if (auto settings = resolve_settings(tcp)) work.settings = std::move(*settings);
  if (auto cleaned = co_await clean_store(work, options_.etcdctl); !cleaned) {
    runtime_.events().warning(tcp, "DataStoreCleanupFailed", cleaned.error().message);
    co_return std::unexpected(std::move(cleaned).error());
  }
  TenantControlPlane after = tcp;
  std::erase(after.metadata.finalizers, kStoreFinalizer);
  auto removed = co_await kube::patch_changes(client, tcp, after);
  if (!removed && removed.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(removed).error());
  }
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::controlplane
