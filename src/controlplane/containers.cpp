#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/deployment.hpp"
#include "controlplane/konnectivity.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::kamaji::Probe;
using api::kamaji::Probes;
using api::kamaji::ProbeSet;

constexpr int kSchedulerPort = 10259;
constexpr int kControllerManagerPort = 10257;

/// Certificates of the pod's image are not enough for OIDC and webhooks of some users: the usual
/// directories of authorities show the tenant's own.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kAuthorityVolumes{{
    {"etc-ca-certificates", "/etc/ca-certificates"},
    {"usr-share-ca-certificates", "/usr/share/ca-certificates"},
    {"usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"},
}};

JsonArray to_array(const std::vector<std::string>& items) {
  JsonArray out;
  for (const std::string& item : items) out.push_back(Json(item));
  return out;
}

/// How patient a probe is. As kubeadm's own: a busy machine is no reason to kill a control plane.
struct Patience {
  int period;
  int timeout;
  int failures;
};
constexpr Patience kLiveness{10, 15, 8};
constexpr Patience kReadiness{10, 15, 3};
/// One second apart: this is what a new tenant waits for.
constexpr Patience kStartup{1, 5, 120};

Json build_probe(const char* path, int port, const Patience& patience,
                 const std::optional<Probe>& global, const std::optional<Probe>& own) {
  JsonObject probe{{"httpGet", JsonObject{{"path", path}, {"port", port}, {"scheme", "HTTPS"}}},
                   {"initialDelaySeconds", 0},
                   {"timeoutSeconds", patience.timeout},
                   {"periodSeconds", patience.period},
                   {"successThreshold", 1},
                   {"failureThreshold", patience.failures}};
  for (const auto* layer : {&global, &own}) {
    if (!*layer) continue;
    const Json written = to_json(**layer);
    for (const auto& field : written.as_object()) probe[field.key()] = field.value();
  }
  return probe;
}

struct Paths {
  const char* live;
  /// nullptr: ready as soon as started.
  const char* ready;
  int port;
};

void add_probes(JsonObject& container, const Paths& paths, const Probes& all,
                const std::optional<ProbeSet>& component) {
  const ProbeSet own = component.value_or(ProbeSet{});
  container["livenessProbe"] =
      build_probe(paths.live, paths.port, kLiveness, all.liveness, own.liveness);
  container["startupProbe"] =
      build_probe(paths.live, paths.port, kStartup, all.startup, own.startup);
  if (paths.ready != nullptr) {
    container["readinessProbe"] =
        build_probe(paths.ready, paths.port, kReadiness, all.readiness, own.readiness);
  }
}

Json security_context(const Json& wanted) {
  if (!wanted.is_null()) return wanted;
  // Upstream's image gives the API server the right to bind low ports as a file capability; without
  // it in the bounding set the kernel would refuse to start the program.
  return JsonObject{{"allowPrivilegeEscalation", false},
                    {"readOnlyRootFilesystem", true},
                    {"capabilities", JsonObject{{"drop", JsonArray{"ALL"}},
                                                {"add", JsonArray{"NET_BIND_SERVICE"}}}}};
}

std::string image_of(const api::kamaji::RegistrySettings& registry, const std::string& wanted,
                     const char* standard, const std::string& version) {
  return (registry.registry.empty() ? "registry.k8s.io" : registry.registry) + "/" +
         (wanted.empty() ? standard : wanted) + ":" + version + registry.tagSuffix;
}

JsonObject mount(std::string_view name, std::string_view path, std::string_view sub_path = {}) {
  JsonObject out{{"name", name}, {"mountPath", path}, {"readOnly", true}};
  if (!sub_path.empty()) out["subPath"] = sub_path;
  return out;
}

JsonArray pki_mounts() {
  JsonArray mounts{mount("etc-kubernetes-pki", "/etc/kubernetes/pki")};
  for (const auto& [name, path] : kAuthorityVolumes) mounts.push_back(mount(name, path));
  return mounts;
}

JsonObject build_container(const char* name, std::string image,
                           const std::vector<std::string>& arguments, JsonArray mounts,
                           const std::vector<Json>& extra_mounts, const Json& resources,
                           const Json& security) {
  for (const Json& extra : extra_mounts) mounts.push_back(extra);
  JsonObject container{{"name", name},
                       {"image", std::move(image)},
                       {"imagePullPolicy", "IfNotPresent"},
                       {"command", JsonArray{Json(name)}},
                       {"args", to_array(arguments)},
                       {"volumeMounts", std::move(mounts)},
                       {"securityContext", security_context(security)}};
  if (!resources.is_null()) container["resources"] = resources;
  return container;
}

/// One Secret of a projected volume, with some of its keys under other paths.
Json projected(const std::string& secret,
               std::initializer_list<std::pair<std::string_view, std::string_view>> items) {
  JsonArray list;
  for (const auto& [key, path] : items) {
    list.push_back(JsonObject{{"key", key}, {"path", path}});
  }
  return JsonObject{{"secret", JsonObject{{"name", secret}, {"items", std::move(list)}}}};
}

/// Only these `keys` of the Secret; without any, all.
Json secret_volume(std::string_view name, const std::string& secret,
                   std::initializer_list<std::string_view> keys = {}) {
  JsonObject source{{"secretName", secret}, {"defaultMode", 420}};
  JsonArray items;
  for (const auto key : keys) items.push_back(JsonObject{{"key", key}, {"path", key}});
  if (!items.empty()) source["items"] = std::move(items);
  return JsonObject{{"name", name}, {"secret", std::move(source)}};
}

Json same(const std::string& secret, std::string_view first, std::string_view second) {
  return projected(secret, {{first, first}, {second, second}});
}

/// Konnectivity's server: agents come in by the Service, the API server by a socket file. Strangers
/// speak to it, so of the pod's keys it has its own only.
Json build_tunnel_server(const TenantControlPlane& tcp, const Settings& settings) {
  const auto& server = tcp.spec.addons.konnectivity->server;
  const TunnelProgram program = tunnel_server_program(server, settings);
  JsonArray mounts{mount("konnectivity-server-certificate", "/etc/kubernetes/pki"),
                   mount("konnectivity-server-kubeconfig",
                         "/etc/kubernetes/konnectivity-server.conf", "konnectivity-server.conf")};
  mounts.push_back(JsonObject{{"name", "konnectivity-uds"}, {"mountPath", kTunnelFolder}});
  JsonObject container = build_container(
      "konnectivity-server", program.image, konnectivity_server_arguments(tcp, settings),
      std::move(mounts), {}, server.resources, server.securityContext);
  container["command"] = to_array(program.command);
  container["ports"] = JsonArray{
      JsonObject{{"name", "agents"}, {"containerPort", server.port}, {"protocol", "TCP"}}};
  container["livenessProbe"] =
      JsonObject{{"httpGet", JsonObject{{"path", "/healthz"}, {"port", kKonnectivityHealthPort}}},
                 {"initialDelaySeconds", 30},
                 {"timeoutSeconds", 60}};
  return container;
}

}  // namespace

JsonArray build_containers(const TenantControlPlane& tcp, const Settings& settings,
                           const Address& address, const StoreAccess& store) {
  const auto& spec = tcp.spec.controlPlane.deployment;
  const auto& registry = spec.registrySettings;
  JsonObject api_server = build_container(
      "kube-apiserver",
      image_of(registry, registry.apiServerImage, "kube-apiserver", settings.version),
      api_server_arguments(tcp, settings, address, store), pki_mounts(),
      spec.additionalVolumeMounts.apiServer, spec.resources.apiServer,
      spec.containerSecurityContexts.apiServer);
  api_server["ports"] = JsonArray{
      JsonObject{{"name", "https"}, {"containerPort", settings.port}, {"protocol", "TCP"}}};
  add_probes(api_server, {"/livez", "/readyz", settings.port}, spec.probes, spec.probes.apiServer);
  const bool tunnel = tcp.spec.addons.konnectivity.has_value();
  if (tunnel) {
    JsonArray& mounts = api_server["volumeMounts"].as_array();
    mounts.push_back(mount("egress-selector-configuration", kEgressFolder));
    mounts.push_back(JsonObject{{"name", "konnectivity-uds"}, {"mountPath", kTunnelFolder}});
  }

  JsonArray mounts = pki_mounts();
  mounts.push_back(mount("controller-manager-kubeconfig", "/etc/kubernetes/controller-manager.conf",
                         "controller-manager.conf"));
  JsonObject controller_manager = build_container(
      "kube-controller-manager",
      image_of(registry, registry.controllerManagerImage, "kube-controller-manager",
               settings.version),
      controller_manager_arguments(tcp, settings), std::move(mounts),
      spec.additionalVolumeMounts.controllerManager, spec.resources.controllerManager,
      spec.containerSecurityContexts.controllerManager);
  add_probes(controller_manager, {"/healthz", nullptr, kControllerManagerPort}, spec.probes,
             spec.probes.controllerManager);

  JsonArray scheduler_mounts{
      mount("scheduler-kubeconfig", "/etc/kubernetes/scheduler.conf", "scheduler.conf")};
  JsonObject scheduler = build_container(
      "kube-scheduler",
      image_of(registry, registry.schedulerImage, "kube-scheduler", settings.version),
      scheduler_arguments(tcp), std::move(scheduler_mounts), spec.additionalVolumeMounts.scheduler,
      spec.resources.scheduler, spec.containerSecurityContexts.scheduler);
  add_probes(scheduler, {"/healthz", nullptr, kSchedulerPort}, spec.probes, spec.probes.scheduler);

  JsonArray out{std::move(api_server), std::move(controller_manager), std::move(scheduler)};
  if (tunnel) out.push_back(build_tunnel_server(tcp, settings));
  for (const Json& extra : spec.additionalContainers) out.push_back(extra);
  return out;
}

JsonArray build_volumes(const TenantControlPlane& tcp, const Settings& settings) {
  const std::string& n = settings.name;
  JsonArray sources{
      same(ca_name(n), "ca.crt", "ca.key"),
      same(front_proxy_ca_name(n), "front-proxy-ca.crt", "front-proxy-ca.key"),
      same(sa_name(n), "sa.pub", "sa.key"),
      same(api_server_name(n), "apiserver.crt", "apiserver.key"),
      same(kubelet_client_name(n), "apiserver-kubelet-client.crt", "apiserver-kubelet-client.key"),
      same(front_proxy_client_name(n), "front-proxy-client.crt", "front-proxy-client.key"),
      projected(store_certificate_name(n), {{"ca.crt", "etcd/ca.crt"},
                                            {"server.crt", "etcd/server.crt"},
                                            {"server.key", "etcd/server.key"}})};
  JsonObject pki{{"defaultMode", 420}, {"sources", std::move(sources)}};
  JsonArray volumes{
      JsonObject{{"name", "etc-kubernetes-pki"}, {"projected", std::move(pki)}},
      secret_volume("scheduler-kubeconfig", scheduler_kubeconfig_name(n)),
      secret_volume("controller-manager-kubeconfig", controller_manager_kubeconfig_name(n))};
  for (const auto& [name, path] : kAuthorityVolumes) {
    volumes.push_back(secret_volume(name, ca_name(n), {"ca.crt"}));
  }
  if (tcp.spec.addons.konnectivity) {
    volumes.push_back(secret_volume("konnectivity-server-certificate", api_server_name(n),
                                    {"apiserver.crt", "apiserver.key"}));
    volumes.push_back(
        secret_volume("konnectivity-server-kubeconfig", konnectivity_kubeconfig_name(n)));
    volumes.push_back(JsonObject{{"name", "egress-selector-configuration"},
                                 {"configMap", JsonObject{{"name", egress_config_name(n)}}}});
    volumes.push_back(
        JsonObject{{"name", "konnectivity-uds"}, {"emptyDir", JsonObject{{"medium", "Memory"}}}});
  }
  for (const Json& extra : tcp.spec.controlPlane.deployment.additionalVolumes) {
    volumes.push_back(extra);
  }
  return volumes;
}

}  // namespace nestor::controlplane
