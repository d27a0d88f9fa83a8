#include "controlplane/tenant_objects.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "controlplane/arguments.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/konnectivity.hpp"
#include "controlplane/kubeadm.hpp"
#include "controlplane/names.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

// The tags are those of upstream/versions, put in by the build.
constexpr std::string_view kCoreDnsRepository = "registry.k8s.io/coredns";
constexpr std::string_view kCoreDnsTag = NESTOR_COREDNS_IMAGE;
constexpr std::string_view kKubeProxyRepository = "registry.k8s.io";
constexpr std::string_view kFlannelImage = "ghcr.io/flannel-io/flannel:" NESTOR_FLANNEL_IMAGE;
constexpr std::string_view kFlannelCniImage =
    "ghcr.io/flannel-io/flannel-cni-plugin:" NESTOR_FLANNEL_CNI_IMAGE;
constexpr std::string_view kMetricsServerImage =
    "registry.k8s.io/metrics-server/metrics-server:" NESTOR_METRICS_SERVER_IMAGE;
constexpr std::string_view kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount/";
/// Before it kube-proxy had nftables only behind a feature gate.
constexpr int kNftablesMinor = 31;

std::string image(const std::optional<api::kamaji::ImageOverride>& wanted,
                  std::string_view repository, std::string_view name, std::string_view tag) {
  const bool has = wanted.has_value();
  const std::string from(has && !wanted->imageRepository.empty() ? wanted->imageRepository
                                                                 : std::string(repository));
  const std::string version(has && !wanted->imageTag.empty() ? wanted->imageTag : std::string(tag));
  return from + "/" + std::string(name) + ":" + version;
}

/// A kubeconfig with one cluster and, if `user` is not null, one user.
Json kubeconfig(const Json& cluster, const Json& user) {
  const bool has_user = !user.is_null();
  const std::string name = has_user ? "default" : "";
  JsonArray clusters;
  clusters.push_back(JsonObject{{"name", name}, {"cluster", cluster}});
  JsonArray users;
  JsonArray contexts;
  if (has_user) {
    users.push_back(JsonObject{{"name", name}, {"user", user}});
    JsonObject context{{"cluster", name}, {"namespace", "default"}, {"user", name}};
    contexts.push_back(JsonObject{{"name", name}, {"context", std::move(context)}});
  }
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Config"},
                    {"clusters", std::move(clusters)},
                    {"contexts", std::move(contexts)},
                    {"current-context", name},
                    {"preferences", JsonObject{}},
                    {"users", std::move(users)}};
}

void add_kube_proxy(Variables& out, const TenantControlPlane& tcp, const Settings& settings,
                    const std::string& endpoint) {
  // 0 leaves the node's own limit alone; null would make kube-proxy compute one.
  JsonObject conntrack{{"maxPerCore", 0}, {"min", nullptr}};
  Json config = JsonObject{
      {"apiVersion", "kubeproxy.config.k8s.io/v1alpha1"},
      {"kind", "KubeProxyConfiguration"},
      {"bindAddress", "0.0.0.0"},
      {"clusterCIDR", joined(settings.pod_cidrs)},
      {"mode", settings.minor >= kNftablesMinor ? "nftables" : "iptables"},
      {"conntrack", std::move(conntrack)},
      {"clientConnection", JsonObject{{"kubeconfig", "/var/lib/kube-proxy/kubeconfig.conf"}}}};
  const std::string directory(kServiceAccountFolder);
  const Json cluster = JsonObject{{"certificate-authority", directory + "ca.crt"},
                                  {"server", "https://" + endpoint}};
  const Json user = JsonObject{{"tokenFile", directory + "token"}};
  const std::string config_text = to_yaml(config);
  const std::string kubeconfig_text = to_yaml(kubeconfig(cluster, user));
  out["KUBE_PROXY_CONFIGURATION"] = Json(config_text);
  out["KUBE_PROXY_KUBECONFIG"] = Json(kubeconfig_text);
  out["KUBE_PROXY_CHECKSUM"] = Json(md5_hex(config_text + kubeconfig_text));
  out["KUBE_PROXY_IMAGE"] =
      Json(image(tcp.spec.addons.kubeProxy, kKubeProxyRepository, "kube-proxy", settings.version));
}

void add_core_dns(Variables& out, const TenantControlPlane& tcp, const Settings& settings) {
  out["CLUSTER_DOMAIN"] = Json(settings.domain);
  out["DNS_IP"] = Json(settings.dns_ips.front());
  out["DNS_IPS"] = to_json(settings.dns_ips);
  out["DNS_FAMILY_POLICY"] = Json(settings.dns_ips.size() > 1 ? "PreferDualStack" : "SingleStack");
  out["COREDNS_IMAGE"] =
      Json(image(tcp.spec.addons.coreDNS, kCoreDnsRepository, "coredns", kCoreDnsTag));
}

void add_flannel(Variables& out, const Settings& settings, const net::HostPort& api_server) {
  JsonObject network{{"EnableNFTables", settings.minor >= kNftablesMinor},
                     {"Backend", JsonObject{{"Type", "vxlan"}}}};
  for (const std::string& cidr : settings.pod_cidrs) {
    const bool v6 = cidr.find(':') != std::string::npos;
    network[v6 ? "IPv6Network" : "Network"] = cidr;
    if (v6) network["EnableIPv6"] = true;
  }
  const std::string text = to_text(network);
  out["FLANNEL_NETWORK"] = Json(text);
  out["FLANNEL_CHECKSUM"] = Json(md5_hex(text));
  out["FLANNEL_IMAGE"] = Json(kFlannelImage);
  out["FLANNEL_CNI_IMAGE"] = Json(kFlannelCniImage);
  out["API_SERVER_HOST"] = Json(api_server.host);
  out["API_SERVER_PORT"] = Json(std::to_string(api_server.port));
}

/// The agents dial the host of the API server, at the tunnel's port.
void add_tunnel(Variables& out, const api::kamaji::Konnectivity& tunnel, const Settings& settings) {
  const auto& agent = tunnel.agent;
  const TunnelProgram program = tunnel_agent_program(agent, settings);
  const std::string host(out.at("API_SERVER_HOST").as_string());
  JsonArray tolerations{JsonObject{{"key", "CriticalAddonsOnly"}, {"operator", "Exists"}}};
  out["TUNNEL_AGENT_IMAGE"] = Json(program.image);
  out["TUNNEL_AGENT_COMMAND"] = to_json(program.command);
  out["TUNNEL_AGENT_ARGUMENTS"] =
      to_json(konnectivity_agent_arguments(agent, host, tunnel.server.port));
  out["TUNNEL_AGENT_REPLICAS"] = Json(agent.replicas.value_or(1));
  out["TUNNEL_HOST_NETWORK"] = Json(agent.hostNetwork.value_or(false));
  out["TUNNEL_TOLERATIONS"] =
      agent.tolerations.empty() ? Json(std::move(tolerations)) : to_json(agent.tolerations);
}

Result<std::vector<Json>> render(const char* name, const Variables& variables) {
  NESTOR_TRY(std::vector<Json> objects, render_manifest(name, variables));
  for (Json& object : objects) {
    JsonObject& metadata = object.as_object()["metadata"].as_object();
    if (!metadata.contains("labels")) metadata["labels"] = JsonObject{};
    metadata["labels"].as_object()[kManagedByLabel] = kManagedByValue;
  }
  return objects;
}

Result<> add_group(TenantObjects& out, const char* name, bool enabled, const Variables& variables) {
  NESTOR_TRY(std::vector<Json> objects, render(name, variables));
  out.groups.push_back({name, enabled, std::move(objects), {}});
  return {};
}

}  // namespace

Result<TenantObjects> build_tenant_objects(const TenantControlPlane& tcp, const Settings& settings,
                                           const std::string& endpoint, const std::string& ca_pem) {
  TenantObjects out;
  NESTOR_TRY(const net::HostPort api_server, net::parse_authority(endpoint));
  NESTOR_TRY(const Json kubelet, kubelet_configuration(tcp, settings, out.warnings));
  const Json cluster = JsonObject{{"certificate-authority-data", base64_encode(ca_pem)},
                                  {"server", "https://" + endpoint}};
  Variables variables;
  variables["CLUSTER_CONFIGURATION"] = Json(to_yaml(cluster_configuration(settings, endpoint)));
  variables["KUBELET_CONFIGURATION"] = Json(to_yaml(kubelet));
  variables["CLUSTER_INFO_KUBECONFIG"] = Json(to_yaml(kubeconfig(cluster, nullptr)));
  add_kube_proxy(variables, tcp, settings, endpoint);
  add_core_dns(variables, tcp, settings);
  add_flannel(variables, settings, api_server);
  NESTOR_TRY_VOID(add_group(out, "kubeadm", true, variables));
  NESTOR_TRY_VOID(add_group(out, "kube-proxy", tcp.spec.addons.kubeProxy.has_value(), variables));
  NESTOR_TRY_VOID(add_group(out, "coredns", tcp.spec.addons.coreDNS.has_value(), variables));
  NESTOR_TRY_VOID(add_group(out, "flannel", settings.cni, variables));
  variables["METRICS_SERVER_IMAGE"] = Json(kMetricsServerImage);
  NESTOR_TRY_VOID(add_group(out, "metrics-server", settings.metrics_server, variables));
  variables["CSI_NODE_IMAGE"] = Json(settings.image);
  NESTOR_TRY_VOID(add_group(out, "csi", settings.storage, variables));
  NESTOR_TRY(out.groups.back().once, render("csi-class", variables));
  const auto& tunnel = tcp.spec.addons.konnectivity;
  add_tunnel(variables, tunnel.value_or(api::kamaji::Konnectivity{}), settings);
  const bool as_deployment = tunnel && tunnel->agent.mode == "Deployment";
  NESTOR_TRY_VOID(add_group(out, "konnectivity", tunnel.has_value(), variables));
  NESTOR_TRY_VOID(add_group(out, "konnectivity-daemonset", tunnel && !as_deployment, variables));
  NESTOR_TRY_VOID(add_group(out, "konnectivity-deployment", as_deployment, variables));
  return out;
}

}  // namespace nestor::controlplane
