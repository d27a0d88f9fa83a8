#include "controlplane/arguments.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "controlplane/konnectivity.hpp"

namespace nestor::controlplane {
namespace {

using Flags = std::map<std::string, std::string>;

constexpr std::string_view kPki = "/etc/kubernetes/pki/";
constexpr std::string_view kSchedulerConf = "/etc/kubernetes/scheduler.conf";
constexpr std::string_view kControllerManagerConf = "/etc/kubernetes/controller-manager.conf";
/// The first minor version that can end its watches.
constexpr int kWatchTerminationMinor = 27;

std::string pki(std::string_view file) { return std::string(kPki) + std::string(file); }

std::string urls(const std::vector<std::string>& endpoints) {
  std::vector<std::string> out;
  for (const std::string& endpoint : endpoints) out.push_back("https://" + endpoint);
  return joined(out);
}

/// "--flag" of "--flag=value".
std::string flag_of(const std::string& argument) { return argument.substr(0, argument.find('=')); }

/// `strong` flags win over the user's, the user's win over `weak`.
std::vector<std::string> merge(Flags weak, const Flags& strong,
                               const std::vector<std::string>& extra) {
  std::vector<std::string> kept;
  std::set<std::string> named;
  for (const std::string& argument : extra) {
    const std::string flag = flag_of(argument);
    if (strong.contains(flag)) continue;
    named.insert(flag);
    kept.push_back(argument);
  }
  std::erase_if(weak, [&](const auto& item) { return named.contains(item.first); });
  weak.insert(strong.begin(), strong.end());
  std::vector<std::string> out;
  for (const auto& [flag, value] : weak) out.push_back(flag + "=" + value);
  out.insert(out.end(), kept.begin(), kept.end());
  return out;
}

Flags etcd_flags(const Settings& settings, const StoreAccess& store) {
  return {{"--etcd-compaction-interval", "0"},         {"--etcd-prefix", "/" + settings.schema},
          {"--etcd-servers", urls(store.endpoints)},   {"--etcd-cafile", pki("etcd/ca.crt")},
          {"--etcd-certfile", pki("etcd/server.crt")}, {"--etcd-keyfile", pki("etcd/server.key")}};
}

}  // namespace

std::vector<std::string> api_server_arguments(const TenantControlPlane& tcp,
                                              const Settings& settings, const Address& address,
                                              const StoreAccess& store) {
  const std::vector<std::string>& extra = tcp.spec.controlPlane.deployment.extraArgs.apiServer;
  Flags weak{{"--allow-privileged", "true"},
             {"--authorization-mode", "Node,RBAC"},
             {"--enable-bootstrap-token-auth", "true"},
             {"--requestheader-extra-headers-prefix", "X-Remote-Extra-"},
             {"--requestheader-group-headers", "X-Remote-Group"},
             {"--requestheader-username-headers", "X-Remote-User"},
             {"--service-account-issuer", "https://kubernetes.default.svc." + settings.domain}};
  // Without it, open watches keep a pod that ends until it is killed.
  if (settings.minor >= kWatchTerminationMinor) {
    weak["--shutdown-watch-termination-grace-period"] = "5s";
  }
  for (const std::string& argument : extra) {
    // The API server refuses both.
    if (flag_of(argument) == "--authorization-config") weak.erase("--authorization-mode");
  }
  Flags strong = etcd_flags(settings, store);
  strong.insert({
      {"--advertise-address", address.advertise},
      {"--client-ca-file", pki("ca.crt")},
      {"--enable-admission-plugins", joined(settings.admission_plugins)},
      {"--kubelet-client-certificate", pki("apiserver-kubelet-client.crt")},
      {"--kubelet-client-key", pki("apiserver-kubelet-client.key")},
      {"--kubelet-preferred-address-types", joined(settings.kubelet_address_types)},
      {"--proxy-client-cert-file", pki("front-proxy-client.crt")},
      {"--proxy-client-key-file", pki("front-proxy-client.key")},
      {"--requestheader-allowed-names", "front-proxy-client"},
      {"--requestheader-client-ca-file", pki("front-proxy-ca.crt")},
      {"--secure-port", std::to_string(settings.port)},
      {"--service-account-key-file", pki("sa.pub")},
      {"--service-account-signing-key-file", pki("sa.key")},
      {"--service-cluster-ip-range", joined(settings.service_cidrs)},
      {"--tls-cert-file", pki("apiserver.crt")},
      {"--tls-private-key-file", pki("apiserver.key")},
  });
  if (tcp.spec.addons.konnectivity) {
    strong["--egress-selector-config-file"] =
        std::string(kEgressFolder) + "/" + std::string(kEgressFile);
  }
  return merge(std::move(weak), strong, extra);
}

std::vector<std::string> konnectivity_server_arguments(const TenantControlPlane& tcp,
                                                       const Settings& settings) {
  const auto& server = tcp.spec.addons.konnectivity->server;
  const Flags strong{{"--admin-port", "8133"},
                     {"--agent-namespace", "kube-system"},
                     {"--agent-port", std::to_string(server.port)},
                     {"--agent-service-account", std::string(kKonnectivityAgent)},
                     {"--authentication-audience", std::string(kKonnectivityUser)},
                     {"--cluster-cert", pki("apiserver.crt")},
                     {"--cluster-key", pki("apiserver.key")},
                     {"--health-port", std::to_string(kKonnectivityHealthPort)},
                     {"--kubeconfig", "/etc/kubernetes/konnectivity-server.conf"},
                     {"--mode", "grpc"},
                     {"--server-count", std::to_string(std::max(settings.replicas, 1))},
                     {"--server-port", "0"},
                     {"--uds-name", std::string(kTunnelFolder) + "/konnectivity-server.socket"}};
  return merge({}, strong, server.extraArgs);
}

std::vector<std::string> konnectivity_agent_arguments(const api::kamaji::KonnectivityAgent& agent,
                                                      const std::string& host, int port) {
  Flags weak{{"--admin-server-port", "8133"},
             {"--ca-cert", "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"},
             {"--health-server-port", std::to_string(kKonnectivityHealthPort)},
             {"--proxy-server-host", host},
             {"--proxy-server-port", std::to_string(port)},
             {"--service-account-token-path", "/var/run/secrets/tokens/konnectivity-agent-token"}};
  return merge(std::move(weak), {}, agent.extraArgs);
}

std::vector<std::string> controller_manager_arguments(const TenantControlPlane& tcp,
                                                      const Settings& settings) {
  const std::string conf(kControllerManagerConf);
  Flags weak{{"--allocate-node-cidrs", "true"},
             {"--authentication-kubeconfig", conf},
             {"--authorization-kubeconfig", conf},
             {"--bind-address", "0.0.0.0"},
             {"--client-ca-file", pki("ca.crt")},
             {"--cluster-cidr", joined(settings.pod_cidrs)},
             {"--cluster-name", settings.name},
             {"--cluster-signing-cert-file", pki("ca.crt")},
             {"--cluster-signing-key-file", pki("ca.key")},
             {"--controllers", "*,bootstrapsigner,tokencleaner"},
             {"--kubeconfig", conf},
             {"--leader-elect", "true"},
             {"--requestheader-client-ca-file", pki("front-proxy-ca.crt")},
             {"--root-ca-file", pki("ca.crt")},
             {"--service-account-private-key-file", pki("sa.key")},
             {"--service-cluster-ip-range", joined(settings.service_cidrs)},
             {"--use-service-account-credentials", "true"}};
  return merge(std::move(weak), {}, tcp.spec.controlPlane.deployment.extraArgs.controllerManager);
}

std::vector<std::string> scheduler_arguments(const TenantControlPlane& tcp) {
  const std::string conf(kSchedulerConf);
  const Flags strong{{"--authentication-kubeconfig", conf},
                     {"--authorization-kubeconfig", conf},
                     {"--bind-address", "0.0.0.0"},
                     {"--kubeconfig", conf},
                     {"--leader-elect", "true"}};
  return merge({}, strong, tcp.spec.controlPlane.deployment.extraArgs.scheduler);
}

}  // namespace nestor::controlplane
