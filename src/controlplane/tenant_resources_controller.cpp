#include "controlplane/tenant_resources_controller.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/join.hpp"
#include "base/log.hpp"
#include "base/race.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/konnectivity.hpp"
#include "controlplane/names.hpp"
#include "controlplane/tenant_kinds.hpp"
#include "kube/kubeconfig.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

/// Bytes of a tenant's answers at a time.
constexpr std::size_t kMaxAnswers = 16UL << 20;
constexpr int kConcurrency = 20;
/// Of the calls to a tenant's API server in one reconcile together.
constexpr Duration kPassTimeout = std::chrono::seconds(60);
/// An API server that does well takes a second or two to be filled.
constexpr Duration kSlowPass = std::chrono::seconds(10);

bool answers(const TenantControlPlane& tcp) {
  const std::string& status = tcp.status.kubernetesResources.version.status;
  return status == "Ready" || status == "WriteLimited";
}

Task<> apply_one(kube::Applier& applier, kube::Client& client, Json object) {
  NESTOR_CO_TRY(const kube::ResourceType type, type_of(object));
  auto applied = co_await applier.apply(client, type, std::move(object));
  if (applied) co_return Result<>();
  co_return with_context(std::move(applied).error(), "in the tenant");
}

/// The Namespace says whether they were made already.
Task<> make_once(kube::Client& client, std::string ns, std::vector<Json> objects) {
  if (objects.empty()) co_return Result<>();
  const kube::ResourceType namespaces{"", "v1", "Namespace", "namespaces", false};
  auto there = co_await client.get(namespaces, {"", std::move(ns)});
  if (there) co_return Result<>();
  if (there.error().code != Code::kNotFound) co_return std::unexpected(std::move(there).error());
  for (Json& object : objects) {
    NESTOR_CO_TRY(const kube::ResourceType type, type_of(object));
    auto made = co_await client.create(type, "", std::move(object));
    if (!made && made.error().code != Code::kAlreadyExists) {
      co_return std::unexpected(std::move(made).error());
    }
  }
  co_return Result<>();
}

Task<> remove_one(kube::Client& client, Json object) {
  NESTOR_CO_TRY(const kube::ResourceType type, type_of(object));
  const kube::ObjectKey key = kube::key_of(object);
  auto there = co_await client.get(type, key);
  if (!there) {
    if (there.error().code == Code::kNotFound) co_return Result<>();
    co_return std::unexpected(std::move(there).error());
  }
  // Somebody else may have installed the same add-on in its own way.
  if (find_string(*there, {"metadata", "labels", kManagedByLabel}) != kManagedByValue) {
    co_return Result<>();
  }
  co_return co_await kube::ensure_deleted(client, type, key);
}

std::string fingerprint_of(const TenantObjects& objects) {
  std::string all;
  for (const TenantGroup& group : objects.groups) {
    all += group.enabled ? "+" : "-";
    for (const Json& object : group.objects) all += to_text(object);
  }
  return md5_hex(all);
}

bool is_namespace(const Json& object) { return find_string(object, {"kind"}) == "Namespace"; }

bool enabled(const TenantObjects& objects, std::string_view name) {
  for (const TenantGroup& group : objects.groups) {
    if (group.name == name) return group.enabled;
  }
  return false;
}

void note_addon(std::optional<api::kamaji::AddonStatus>& status, bool is_enabled,
                const std::string& now) {
  if (status && status->enabled == is_enabled && !status->lastUpdate.empty()) return;
  status = api::kamaji::AddonStatus{is_enabled, now};
}

void note_tunnel(api::kamaji::KonnectivityStatus& status, const api::kamaji::Konnectivity& spec,
                 const std::string& now) {
  const std::string agent(kKonnectivityAgent);
  const std::string mode = spec.agent.mode.empty() ? "DaemonSet" : spec.agent.mode;
  if (!status.sa) status.sa = api::kamaji::AddonObjectStatus{agent, "kube-system", now};
  if (!status.clusterrolebinding) {
    status.clusterrolebinding =
        api::kamaji::AddonObjectStatus{std::string(kKonnectivityUser), "", now};
  }
  if (!status.agent || status.agent->mode != mode) {
    status.agent = api::kamaji::KonnectivityAgentStatus{agent, "kube-system", mode, now};
  }
}

}  // namespace

TenantResourcesController::TenantResourcesController(kube::Runtime& runtime,
                                                     tenant::Sessions& sessions, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      sessions_(sessions),
      caches_(runtime),
      planes_(runtime) {
  if (!options_.connect) options_.connect = kube::make_client;
  auto& controller = runtime.add_controller(
      "tenant-resources", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = kConcurrency, .group = [this](const kube::ObjectKey& key) {
         // Those that were slow share a part of the workers, whoever's they are.
         const auto tenant = tenants_.find(key);
         return tenant != tenants_.end() && tenant->second.slow ? "slow" : "";
       }});
  controller.watch(caches_.tcps);
  controller.watch_owned(caches_.secrets, TenantControlPlane::kType);
  const auto wake = [this, &controller](const kube::ObjectKey& cluster) {
    for (auto& key : planes_.of_cluster(cluster)) controller.enqueue(std::move(key));
  };
  watch_tenant_objects(sessions_, wake);
  // Its API server answers again: what failed need not wait for its back-off.
  sessions_.on_change([wake](const kube::ObjectKey& cluster, bool connected) {
    if (connected) wake(cluster);
  });
}

std::shared_ptr<tenant::Session> TenantResourcesController::session_of(
    const kube::ObjectKey& key) const {
  const auto kcp = planes_.kcps.get(key);
  const auto cluster = kcp ? planes_.cluster_of(*kcp) : nullptr;
  return cluster ? sessions_.find(cluster->metadata.key()) : nullptr;
}

TenantResourcesController::Pending TenantResourcesController::pending(const kube::ObjectKey& key,
                                                                      const TenantObjects& objects,
                                                                      const Tenant& tenant) const {
  const auto session = session_of(key);
  Pending out;
  const auto cached = [&session](const Json& object) {
    const auto type = type_of(object);
    return type && session ? find_tenant_object(*session, *type, kube::key_of(object))
                           : std::optional<std::shared_ptr<const kube::ObjectMeta>>();
  };
  const auto current = [&tenant](const Json& object, const auto& there) {
    const auto type = type_of(object);
    return type && (there ? tenant.applier.is_current(*type, object, there->get())
                          : tenant.applier.was_applied(*type, object));
  };
  for (const TenantGroup& group : objects.groups) {
    const bool removed = tenant.removed.contains(group.name);
    const auto remove = [&](const Json& object) {
      const auto there = cached(object);
      if (there ? *there != nullptr : !removed) out.remove.push_back(object);
    };
    for (const Json& object : group.objects) {
      if (!group.enabled) {
        remove(object);
      } else if (!current(object, cached(object))) {
        out.apply.push_back(object);
        if (is_namespace(object)) out.once[kube::key_of(object).name] = group.once;
      }
    }
    if (!group.enabled) std::ranges::for_each(group.once, remove);
  }
  std::ranges::reverse(out.remove);
  return out;
}

/// By the Service's address and its name in the certificate: no name server is needed.
Result<> TenantResourcesController::connect(const TenantControlPlane& tcp, const Settings& settings,
                                            Tenant& tenant, std::string& ca_pem) {
  const std::string& secret_name = tcp.status.kubeconfig.admin.secretName;
  const auto secret = caches_.secrets.get({settings.ns, secret_name});
  if (!secret) return fail(Code::kUnavailable, "Secret " + secret_name + " is not there yet");
  std::string key(tcp.metadata.annotation(kKubeconfigKeyAnnotation));
  if (key.empty()) key = "super-admin.svc";
  const auto found = secret->data.find(key);
  if (found == secret->data.end()) {
    return fail(Code::kFailedPrecondition, "Secret " + secret_name + " has no key " + key);
  }
  NESTOR_TRY(const std::string text, base64_decode(found->second));
  NESTOR_TRY(kube::ClientConfig config, kube::parse_foreign_kubeconfig(text));
  ca_pem = config.ca_pem;
  const auto service = caches_.services.get({settings.ns, settings.name});
  if (key == "super-admin.svc" && service && !service->spec.clusterIP.empty() &&
      service->spec.clusterIP != "None") {
    config.server = "https://" + net::authority(service->spec.clusterIP, settings.port);
    config.tls_server_name = settings.service_host();
  }
  const std::string sum = md5_hex(text + config.server);
  if (tenant.client && tenant.kubeconfig_checksum == sum) return {};
  config.memory = std::make_shared<MemoryBudget>(kMaxAnswers, memory_);
  NESTOR_TRY(tenant.client, options_.connect(runtime_.executor(), std::move(config)));
  tenant.kubeconfig_checksum = sum;
  return {};
}

Task<> TenantResourcesController::visit(Pending pending, Tenant& tenant) {
  Clock& clock = runtime_.clock();
  const SteadyTime begun = clock.steady_now();
  auto done =
      co_await before(clock, begun + kPassTimeout, bring_up_to_date(std::move(pending), tenant));
  tenant.slow = clock.steady_now() - begun >= kSlowPass;
  if (done || done.error().code == Code::kCancelled) co_return done;
  co_return with_context(std::move(done).error(), "filling the tenant");
}

Task<> TenantResourcesController::bring_up_to_date(Pending pending, Tenant& tenant) {
  kube::Client& client = *tenant.client;
  std::string path = "/readyz";
  if (auto ready = co_await client.get_raw(std::move(path)); !ready) {
    // Its address may not lead to the pod yet.
    co_return fail(Code::kUnavailable, "the API server does not answer: " + ready.error().message);
  }
  std::vector<Task<>> tasks;
  for (Json& object : pending.apply) {
    if (is_namespace(object)) {
      const std::string name = kube::key_of(object).name;
      NESTOR_CO_TRY_VOID(co_await make_once(client, name, std::move(pending.once[name])));
      NESTOR_CO_TRY_VOID(co_await apply_one(tenant.applier, client, std::move(object)));
    } else {
      tasks.push_back(apply_one(tenant.applier, client, std::move(object)));
    }
  }
  NESTOR_CO_TRY_VOID(co_await join_all(std::move(tasks)));
  for (const Json& object : pending.remove) {
    NESTOR_CO_TRY_VOID(co_await remove_one(client, object));
  }
  co_return Result<>();
}

/// What the spec asks for in vain, once for each spec.
void TenantResourcesController::tell(const TenantControlPlane& tcp, const TenantObjects& objects,
                                     Tenant& tenant) {
  for (const TenantGroup& group : objects.groups) {
    if (group.enabled) {
      tenant.removed.erase(group.name);
    } else {
      tenant.removed.insert(group.name);
    }
  }
  std::string fingerprint = fingerprint_of(objects);
  if (tenant.fingerprint == fingerprint) return;
  tenant.fingerprint = std::move(fingerprint);
  for (const std::string& warning : objects.warnings) {
    runtime_.events().warning(tcp, "KubeletPatchIgnored", warning);
  }
  log::info("controlplane", "{}: the tenant's resources are up to date",
            tcp.metadata.key().to_string());
}

Task<> TenantResourcesController::note_status(const TenantControlPlane& tcp,
                                              const TenantObjects& objects) {
  TenantControlPlane after = tcp;
  const std::string now = format_rfc3339(runtime_.clock().now());
  note_addon(after.status.addons.coreDNS, enabled(objects, "coredns"), now);
  note_addon(after.status.addons.kubeProxy, enabled(objects, "kube-proxy"), now);
  if (tcp.spec.addons.konnectivity) {
    if (!after.status.addons.konnectivity) after.status.addons.konnectivity.emplace();
    note_tunnel(*after.status.addons.konnectivity, *tcp.spec.addons.konnectivity, now);
  }
  const std::string endpoint_sum = md5_hex(after.status.controlPlaneEndpoint);
  note(after.status.kubeadmPhase.bootstrapToken, endpoint_sum, now);
  return kube::patch_changes(runtime_.client(), tcp, after);
}

Task<kube::ReconcileResult> TenantResourcesController::reconcile(kube::ObjectKey key) {
  const auto tcp = caches_.tcps.get(key);
  if (!tcp || tcp->metadata.deleting()) {
    tenants_.erase(key);
    co_return kube::ReconcileResult{};
  }
  if (tcp->metadata.annotations.contains(std::string(kPausedAnnotation)) || !answers(*tcp)) {
    co_return kube::ReconcileResult{};
  }
  NESTOR_CO_TRY(const Settings settings, resolve_settings(*tcp, options_.image));
  Tenant& tenant = tenants_[key];
  std::string ca_pem;
  NESTOR_CO_TRY_VOID(connect(*tcp, settings, tenant, ca_pem));
  auto objects = build_tenant_objects(*tcp, settings, tcp->status.controlPlaneEndpoint, ca_pem);
  if (!objects) {
    runtime_.events().warning(*tcp, "InvalidSpec", objects.error().message);
    co_return std::unexpected(std::move(objects).error());
  }
  Pending left = pending(key, *objects, tenant);
  if (left.empty()) {
    tenant.slow = false;
  } else {
    NESTOR_CO_TRY_VOID(co_await visit(std::move(left), tenant));
  }
  tell(*tcp, *objects, tenant);
  NESTOR_CO_TRY_VOID(co_await note_status(*tcp, *objects));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::controlplane
