#include "controlplane/cluster_secrets.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/cluster/labels.hpp"
#include "base/base64.hpp"
#include "controlplane/names.hpp"
#include "kube/kubeconfig.hpp"

namespace nestor::controlplane {
namespace {

Json build(const KamajiControlPlane& kcp, const std::string& cluster, const std::string& suffix,
           JsonObject data) {
  JsonObject labels{{api::cluster::kClusterNameLabel, cluster},
                    {kComponentLabel, "capi"},
                    {"kamaji.clastix.io/secret", suffix},
                    {"kamaji.clastix.io/cluster", cluster},
                    {"kamaji.clastix.io/tcp", kcp.metadata.name}};
  JsonArray owners{to_json(kube::owner_reference(kcp))};
  JsonObject metadata{{"name", cluster + "-" + suffix},
                      {"namespace", kcp.metadata.namespace_},
                      {"labels", std::move(labels)},
                      {"ownerReferences", std::move(owners)}};
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", std::move(metadata)},
                    {"type", api::cluster::kSecretType},
                    {"data", std::move(data)}};
}

/// Nodes may be told another address than the one that the manager's own network reaches.
std::string source_key(const KamajiControlPlane& kcp) {
  const std::string key(kcp.metadata.annotation(kKubeconfigKeyAnnotation));
  if (!key.empty()) return key;
  return kcp.spec.network.advertiseAddress.empty() ? "admin.conf" : "admin.svc";
}

Result<std::string> kubeconfig_for(const std::string& cluster, const std::string& encoded) {
  NESTOR_TRY(const std::string text, base64_decode(encoded));
  NESTOR_TRY(const kube::ClientConfig config, kube::parse_foreign_kubeconfig(text));
  return base64_encode(kube::make_kubeconfig(config, cluster, cluster + "-admin"));
}

}  // namespace

Result<std::vector<Json>> build_cluster_secrets(const KamajiControlPlane& kcp,
                                                const api::cluster::Cluster& cluster,
                                                const api::kamaji::TenantControlPlane& tcp,
                                                const api::core::Secret& admin,
                                                const api::core::Secret& ca) {
  const std::string& name = cluster.metadata.name;
  std::vector<Json> out;
  const std::string key = source_key(kcp);
  const auto found = admin.data.find(key);
  if (found == admin.data.end()) {
    return fail(Code::kNotFound, "Secret " + admin.metadata.name + " has no key " + key);
  }
  NESTOR_TRY(const std::string kubeconfig, kubeconfig_for(name, found->second));
  out.push_back(
      build(kcp, name, "kubeconfig", JsonObject{{api::cluster::kSecretValueKey, kubeconfig}}));
  if (ca_name(tcp.metadata.name) == name + "-ca") return out;
  const auto certificate = ca.data.find("ca.crt");
  const auto private_key = ca.data.find("ca.key");
  if (certificate == ca.data.end() || private_key == ca.data.end()) {
    return fail(Code::kNotFound, "Secret " + ca.metadata.name + " is incomplete");
  }
  out.push_back(
      build(kcp, name, "ca",
            JsonObject{{"tls.crt", certificate->second}, {"tls.key", private_key->second}}));
  return out;
}

}  // namespace nestor::controlplane
