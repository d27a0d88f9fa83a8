#include "controlplane/kubeadm.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "controlplane/json_patch.hpp"
#include "controlplane/names.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

/// The first minor version whose kubeadm speaks v1beta4.
constexpr int kBeta4Minor = 31;

std::string kubeadm_api(const Settings& settings) {
  return settings.minor >= kBeta4Minor ? "kubeadm.k8s.io/v1beta4" : "kubeadm.k8s.io/v1beta3";
}

}  // namespace

Json cluster_configuration(const Settings& settings, const std::string& endpoint) {
  return JsonObject{{"apiVersion", kubeadm_api(settings)},
                    {"kind", "ClusterConfiguration"},
                    {"clusterName", settings.name},
                    {"kubernetesVersion", settings.version},
                    {"controlPlaneEndpoint", endpoint},
                    {"certificatesDir", "/etc/kubernetes/pki"},
                    {"imageRepository", "registry.k8s.io"},
                    {"networking", JsonObject{{"dnsDomain", settings.domain},
                                              {"podSubnet", joined(settings.pod_cidrs)},
                                              {"serviceSubnet", joined(settings.service_cidrs)}}}};
}

Json init_configuration(const Settings& settings, const Address& address) {
  JsonObject endpoint{{"advertiseAddress", address.advertise}, {"bindPort", settings.port}};
  return JsonObject{{"apiVersion", kubeadm_api(settings)},
                    {"kind", "InitConfiguration"},
                    {"localAPIEndpoint", std::move(endpoint)}};
}

Result<Json> kubelet_configuration(const TenantControlPlane& tcp, const Settings& settings,
                                   std::vector<std::string>& warnings) {
  Json config =
      JsonObject{{"apiVersion", "kubelet.config.k8s.io/v1beta1"},
                 {"kind", "KubeletConfiguration"},
                 {"authentication",
                  JsonObject{{"anonymous", JsonObject{{"enabled", false}}},
                             {"webhook", JsonObject{{"enabled", true}}},
                             {"x509", JsonObject{{"clientCAFile", "/etc/kubernetes/pki/ca.crt"}}}}},
                 {"authorization", JsonObject{{"mode", "Webhook"}}},
                 {"cgroupDriver", settings.cgroup_driver},
                 {"clusterDNS", to_json(settings.dns_ips)},
                 {"clusterDomain", settings.domain},
                 {"healthzBindAddress", "127.0.0.1"},
                 {"healthzPort", 10248},
                 {"rotateCertificates", true},
                 {"staticPodPath", "/etc/kubernetes/manifests"}};
  const auto& patches = tcp.spec.kubernetes.kubelet.configurationJSONPatches;
  if (auto done = apply_json_patch(config, patches, warnings); !done) {
    return with_context(std::move(done).error(),
                        "spec.kubernetes.kubelet.configurationJSONPatches");
  }
  return config;
}

Task<> ensure_kubeadm_config(Work& work, const Address& address) {
  const std::string name = kubeadm_config_name(work.settings.name);
  const std::string endpoint = net::authority(address.host, address.port);
  std::map<std::string, std::string> data{
      {"ClusterConfiguration", to_text(cluster_configuration(work.settings, endpoint))},
      {"InitConfiguration", to_text(init_configuration(work.settings, address))}};
  NESTOR_CO_TRY(const std::string sum,
                co_await ensure_config_map(work, name, "kubeadmconfig", std::move(data)));
  auto& status = work.tcp.status.kubeadmconfig;
  status.configmapName = name;
  note(status, sum, work.now());
  co_return Result<>();
}

}  // namespace nestor::controlplane
