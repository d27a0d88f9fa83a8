#include "bootstrap/kubeadm_config_controller.hpp"

#include "api/bootstrap/labels.hpp"
#include "api/cluster/labels.hpp"
#include "api/core/secret.hpp"
#include "bootstrap/token_secret.hpp"
#include "net/url.hpp"
#include "pki/pki.hpp"

namespace nestor::bootstrap {

using api::bootstrap::KubeadmConfig;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::core::Secret;

namespace {

constexpr const char* kManager = "nestor-kubeadmconfig";
constexpr std::string_view kByCluster = "kubeadmconfig.cluster";

void set(KubeadmConfig& config, std::string_view type, bool status, std::string_view reason,
         std::string message, std::string_view now) {
  kube::set_condition(
      config.status.conditions,
      kube::make_condition(type, status, reason, std::move(message), config.metadata.generation),
      now);
}

std::string cluster_index(std::string_view ns, std::string_view name) {
  return std::string(ns) + "/" + std::string(name);
}

std::string token_of(const KubeadmConfig& config) {
  const auto& discovery = config.spec.joinConfiguration.discovery;
  return discovery.bootstrapToken ? discovery.bootstrapToken->token : std::string();
}

/// Whether a machine that has a Node may join once more: one that was started anew has an empty
/// disk and the token in its data; kubeadm waits for that token, and takes over a Node that is not
/// Ready. Not known to be ready is not enough, nor is a Node that stays away: who has read the
/// token must not be able to keep it alive. The infrastructure may be ready only once the kubelet
/// runs (a readiness probe), so it is enough that it was or became so lately.
bool joins_again(const Machine& machine, WallTime now) {
  const auto* node = kube::find_condition(machine.status.conditions, "NodeReady");
  const auto* infrastructure =
      kube::find_condition(machine.status.conditions, "InfrastructureReady");
  if (node == nullptr || node->status != "False") return false;
  if (infrastructure == nullptr) return false;
  const auto since = parse_rfc3339(infrastructure->lastTransitionTime);
  return since && now - *since < kJoinsAgainFor;
}

}  // namespace

void KubeadmConfigController::add() {
  auto& controller = runtime_.add_controller(
      "bootstrap.kubeadmconfig", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20, .group = [this](const kube::ObjectKey& key) {
         const auto config = runtime_.informers().of<KubeadmConfig>().get(key);
         return config
                    ? cluster_index(key.ns, config->metadata.label(api::cluster::kClusterNameLabel))
                    : "";
       }});
  auto& informers = runtime_.informers();
  auto configs = informers.of<KubeadmConfig>();
  configs.add_index(std::string(kByCluster), [](const KubeadmConfig& config) {
    return std::vector<std::string>{cluster_index(
        config.metadata.namespace_, config.metadata.label(api::cluster::kClusterNameLabel))};
  });
  controller.watch(configs);
  controller.watch_mapped<Machine>(informers.of<Machine>(), [](const Machine& machine) {
    std::vector<kube::ObjectKey> keys;
    const auto& ref = machine.spec.bootstrap.configRef;
    if (ref.kind == KubeadmConfig::kType.kind) {
      keys.push_back({machine.metadata.namespace_, ref.name});
    }
    return keys;
  });
  const auto configs_of = [this](const kube::ObjectKey& cluster) {
    std::vector<kube::ObjectKey> keys;
    auto all = runtime_.informers().of<KubeadmConfig>();
    const auto index = cluster_index(cluster.ns, cluster.name);
    for (const auto& config : all.by_index(std::string(kByCluster), index)) {
      keys.push_back(config->metadata.key());
    }
    return keys;
  };
  controller.watch_mapped<Cluster>(informers.of<Cluster>(), [configs_of](const Cluster& cluster) {
    return configs_of(cluster.metadata.key());
  });
  sessions_.on_change([configs_of, &controller](const kube::ObjectKey& cluster, bool connected) {
    if (!connected) return;
    for (auto& key : configs_of(cluster)) controller.enqueue(std::move(key));
  });
}

KubeadmConfigController::MachinePtr KubeadmConfigController::owner_of(const KubeadmConfig& config) {
  for (const auto& owner : config.metadata.ownerReferences) {
    if (owner.kind != Machine::kType.kind) continue;
    const auto machine =
        runtime_.informers().of<Machine>().get({config.metadata.namespace_, owner.name});
    if (machine && machine->metadata.uid == owner.uid) return machine;
  }
  return nullptr;
}

Task<kube::ReconcileResult> KubeadmConfigController::reconcile(kube::ObjectKey key) {
  const auto config = runtime_.informers().of<KubeadmConfig>().get(key);
  if (!config || config->metadata.deleting()) co_return kube::ReconcileResult{};
  const auto machine = owner_of(*config);
  // Still its MachineSet's: the Machine takes it over in a moment.
  if (!machine || machine->metadata.deleting()) co_return kube::ReconcileResult{};
  const auto cluster = runtime_.informers().of<Cluster>().get({key.ns, machine->spec.clusterName});
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  KubeadmConfig noted = *config;
  const std::string now = format_rfc3339(runtime_.clock().now());
  if (api::cluster::set_paused(noted.status.conditions, *cluster, config->metadata, now)) {
    // Its own write comes back as an event and goes on from there.
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *config, noted));
    co_return kube::ReconcileResult{};
  }
  if (api::cluster::paused(*cluster, config->metadata)) co_return kube::ReconcileResult{};

  const bool done = config->status.initialization.dataSecretCreated.value_or(false);
  const auto& given = machine->spec.bootstrap.dataSecretName;
  if (!done && !given.empty()) {
    // A cluster that was moved here: data and token were made before.
    NESTOR_CO_TRY_VOID(co_await mark_provided(config, given));
    co_return kube::ReconcileResult{};
  }
  const bool joined = !machine->status.nodeRef.name.empty();
  if (done && joined && !joins_again(*machine, runtime_.clock().now())) {
    co_return kube::ReconcileResult{};
  }
  // Data that were moved here may hold a token of which nothing is known.
  if (done && token_of(*config).empty()) co_return kube::ReconcileResult{};
  // Data that are made already stay as they are.
  if (const auto valid = validate(*config); !done && !valid) {
    NESTOR_CO_TRY_VOID(co_await wait_for(config, "InvalidSpec", valid.error().message));
    co_return kube::ReconcileResult{};
  }
  co_return co_await provide(config, machine, cluster);
}

Task<> KubeadmConfigController::wait_for(ConfigPtr config, std::string reason,
                                         std::string message) {
  if (config->status.initialization.dataSecretCreated.value_or(false)) co_return Result<>{};
  KubeadmConfig after = *config;
  const std::string now = format_rfc3339(runtime_.clock().now());
  set(after, "DataSecretAvailable", false, reason, message, now);
  set(after, "Ready", false, reason, message, now);
  co_return co_await kube::patch_changes(runtime_.client(), *config, after);
}

Task<kube::ReconcileResult> KubeadmConfigController::provide(ConfigPtr config, MachinePtr machine,
                                                             ClusterPtr cluster) {
  const kube::ReconcileResult woken_by_watch;
  const auto& initialization = cluster->status.initialization;
  if (!initialization.infrastructureProvisioned.value_or(false) ||
      !initialization.controlPlaneInitialized.value_or(false) ||
      !cluster->spec.controlPlaneEndpoint.valid()) {
    NESTOR_CO_TRY_VOID(co_await wait_for(config, "WaitingForControlPlaneInitialized",
                                         "the control plane does not answer yet"));
    co_return woken_by_watch;
  }
  const auto session = sessions_.find(cluster->metadata.key());
  if (!session) {
    NESTOR_CO_TRY_VOID(co_await wait_for(config, "WaitingForTenantConnection",
                                         "the tenant cluster cannot be reached"));
    co_return woken_by_watch;
  }
  if (!config->spec.joinConfiguration.discovery.file) {
    NESTOR_CO_TRY(const bool chosen, co_await ensure_token_chosen(config));
    if (chosen) co_return woken_by_watch;
    NESTOR_CO_TRY_VOID(co_await ensure_token_accepted(session, token_of(*config)));
  }
  if (!config->status.initialization.dataSecretCreated.value_or(false)) {
    NESTOR_CO_TRY_VOID(co_await write_secret(config, machine, cluster));
    NESTOR_CO_TRY_VOID(co_await mark_provided(config, config->metadata.name));
  }
  co_return kube::ReconcileResult{.requeue_after = kTokenCheckPeriod};
}

Task<bool> KubeadmConfigController::ensure_token_chosen(ConfigPtr config) {
  if (!token_of(*config).empty()) co_return false;
  KubeadmConfig after = *config;
  auto& discovery = after.spec.joinConfiguration.discovery;
  if (!discovery.bootstrapToken) discovery.bootstrapToken.emplace();
  discovery.bootstrapToken->token = pki::generate_bootstrap_token().text();
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *config, after));
  co_return true;
}

Task<> KubeadmConfigController::ensure_token_accepted(std::shared_ptr<tenant::Session> session,
                                                      std::string token) {
  NESTOR_CO_TRY(const auto parts, pki::parse_bootstrap_token(token));
  const WallTime now = runtime_.clock().now();
  Secret wanted = token_secret(parts, now);
  const auto key = wanted.metadata.key();
  auto current = co_await kube::get<Secret>(session->client(), key);
  if (current && !needs_refresh(*current, now)) co_return Result<>{};
  if (!current && current.error().code != Code::kNotFound) {
    co_return with_context(std::move(current).error(), "reading the bootstrap token");
  }
  auto written = co_await kube::apply(session->client(), std::move(wanted), kManager);
  if (!written) co_return with_context(std::move(written).error(), "writing the bootstrap token");
  co_return Result<>{};
}

Task<std::string> KubeadmConfigController::ca_hash(ClusterPtr cluster) {
  kube::ObjectKey key{cluster->metadata.namespace_, cluster->metadata.name + "-ca"};
  auto secret = co_await kube::get<Secret>(runtime_.client(), key);
  if (!secret) co_return with_context(std::move(secret).error(), "Secret " + key.to_string());
  NESTOR_CO_TRY(const std::string pem, api::core::secret_value(*secret, "tls.crt"));
  co_return pki::public_key_hash(pem);
}

Task<std::string> KubeadmConfigController::secret_key(std::string ns,
                                                      api::bootstrap::SecretSource source) {
  kube::ObjectKey key{std::move(ns), source.secret.name};
  auto secret = co_await kube::get<Secret>(runtime_.client(), key);
  if (!secret) co_return with_context(std::move(secret).error(), "Secret " + key.to_string());
  co_return api::core::secret_value(*secret, source.secret.key);
}

Task<Json> KubeadmConfigController::resolved_spec(ConfigPtr config) {
  api::bootstrap::KubeadmConfigSpec spec = config->spec;
  for (auto& file : spec.files) {
    if (!file.contentFrom) continue;
    const auto source = *file.contentFrom;
    NESTOR_CO_TRY(file.content, co_await secret_key(config->metadata.namespace_, source));
    file.contentFrom.reset();
  }
  for (auto& user : spec.users) {
    if (!user.passwdFrom) continue;
    const auto source = *user.passwdFrom;
    NESTOR_CO_TRY(user.passwd, co_await secret_key(config->metadata.namespace_, source));
    user.passwdFrom.reset();
  }
  co_return to_json(spec);
}

Task<> KubeadmConfigController::write_secret(ConfigPtr config, MachinePtr machine,
                                             ClusterPtr cluster) {
  JoinInput input;
  const auto& endpoint = cluster->spec.controlPlaneEndpoint;
  input.api_server_endpoint = net::authority(endpoint.host, endpoint.port.value_or(6443));
  input.kubernetes_version = machine->spec.version;
  input.token = token_of(*config);
  // Their Nodes are initialised by the cloud provider, which the manager is.
  input.external_cloud = machine->spec.infrastructureRef.kind == "KubevirtMachine";
  NESTOR_CO_TRY(input.ca_cert_hash, co_await ca_hash(cluster));
  NESTOR_CO_TRY(const Json spec, co_await resolved_spec(config));
  NESTOR_CO_TRY(const std::string text, cloud_config(spec, input));

  Secret secret;
  secret.metadata.name = config->metadata.name;
  secret.metadata.namespace_ = config->metadata.namespace_;
  secret.metadata.labels[std::string(api::cluster::kClusterNameLabel)] = cluster->metadata.name;
  secret.metadata.ownerReferences = {kube::owner_reference(*config)};
  secret.type = api::cluster::kSecretType;
  api::core::set_secret_value(secret, std::string(api::cluster::kSecretValueKey), text);
  api::core::set_secret_value(secret, std::string(api::bootstrap::kSecretFormatKey),
                              api::bootstrap::kFormatCloudConfig);
  auto written = co_await kube::apply(runtime_.client(), std::move(secret), kManager);
  if (!written) co_return with_context(std::move(written).error(), "writing the bootstrap Secret");
  co_return Result<>{};
}

Task<> KubeadmConfigController::mark_provided(ConfigPtr config, std::string secret) {
  KubeadmConfig after = *config;
  const std::string now = format_rfc3339(runtime_.clock().now());
  after.status.dataSecretName = std::move(secret);
  after.status.initialization.dataSecretCreated = true;
  after.status.observedGeneration = config->metadata.generation;
  set(after, "CertificatesAvailable", true, "Available", "", now);
  set(after, "DataSecretAvailable", true, "Available", "", now);
  set(after, "Ready", true, "Ready", "", now);
  co_return co_await kube::patch_changes(runtime_.client(), *config, after);
}

}  // namespace nestor::bootstrap
