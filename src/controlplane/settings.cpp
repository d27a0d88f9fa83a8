#include "controlplane/settings.hpp"

#include <array>

#include "api/kubernetes_version.hpp"
#include "controlplane/cidr.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

constexpr std::uint32_t kDnsOffset = 10;
constexpr std::uint32_t kDnsOffset6 = 0x10;
constexpr std::array kAdmissionPlugins{"CertificateApproval",
                                       "CertificateSigning",
                                       "CertificateSubjectRestriction",
                                       "DefaultIngressClass",
                                       "DefaultStorageClass",
                                       "DefaultTolerationSeconds",
                                       "LimitRanger",
                                       "MutatingAdmissionWebhook",
                                       "NamespaceLifecycle",
                                       "PersistentVolumeClaimResize",
                                       "Priority",
                                       "ResourceQuota",
                                       "RuntimeClass",
                                       "ServiceAccount",
                                       "StorageObjectInUseProtection",
                                       "TaintNodesByCondition",
                                       "ValidatingAdmissionWebhook"};

/// "v1.37.2" gives 37.
Result<int> minor_of(const std::string& version) {
  const auto parsed = api::parse_kubernetes_version(version);
  if (!parsed || !version.starts_with("v1.") || !api::is_kubernetes_version(version)) {
    return fail(Code::kInvalidArgument,
                "spec.kubernetes.version: \"" + version + "\" is not like v1.37.2");
  }
  return parsed->minor;
}

std::vector<std::string> ranges(const std::vector<std::string>& list, const std::string& scalar,
                                const char* standard) {
  if (!list.empty()) return list;
  return {scalar.empty() ? standard : scalar};
}

Result<> resolve_networks(const api::kamaji::NetworkProfile& profile, Settings& out) {
  out.service_cidrs = ranges(profile.serviceCidrs, profile.serviceCidr, "10.96.0.0/16");
  out.pod_cidrs = ranges(profile.podCidrs, profile.podCidr, "10.244.0.0/16");
  out.dns_ips = profile.dnsServiceIPs;
  for (const std::string& cidr : out.service_cidrs) {
    NESTOR_TRY(out.api_service_ips.emplace_back(), nth_address(cidr, 1));
    if (!profile.dnsServiceIPs.empty()) continue;
    const bool v6 = cidr.find(':') != std::string::npos;
    NESTOR_TRY(out.dns_ips.emplace_back(), nth_address(cidr, v6 ? kDnsOffset6 : kDnsOffset));
  }
  for (const std::string& cidr : out.pod_cidrs) NESTOR_TRY_VOID(nth_address(cidr, 1));
  return {};
}

/// The given name, or by default the UID.
Result<std::string> store_name(const char* field, const std::string& given,
                               const std::string& uid) {
  const std::string& name = given.empty() ? uid : given;
  if (is_store_name(name)) return name;
  return fail(Code::kInvalidArgument,
              std::string(field) + ": \"" + name +
                  "\" must be 1 to 63 of a-z, 0-9, - and _, begin with a letter or digit, and not "
                  "be root");
}

}  // namespace

bool is_store_name(std::string_view name) {
  constexpr std::size_t kMost = 63;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kMost && name.front() != '-' && name.front() != '_' &&
         name.find_first_not_of(kLetters) == std::string_view::npos && name != "root";
}

std::string data_store_of(const TenantControlPlane& tcp) {
  return tcp.spec.dataStore.empty() ? "default" : tcp.spec.dataStore;
}

Result<Settings> resolve_settings(const TenantControlPlane& tcp, const std::string& image) {
  const auto& spec = tcp.spec;
  Settings out;
  out.image = image;
  out.name = tcp.metadata.name;
  out.ns = tcp.metadata.namespace_;
  out.uid = tcp.metadata.uid;
  out.version = spec.kubernetes.version;
  NESTOR_TRY(out.minor, minor_of(out.version));
  out.replicas = spec.controlPlane.deployment.replicas.value_or(2);
  out.port = spec.networkProfile.port.value_or(6443);
  if (out.replicas < 0) return fail(Code::kInvalidArgument, "replicas must not be negative");
  if (out.port < 1 || out.port > 65535) {
    return fail(Code::kInvalidArgument, "spec.networkProfile.port is out of range");
  }
  out.domain = spec.networkProfile.clusterDomain;
  if (out.domain.empty()) out.domain = "cluster.local";
  if (auto ok = resolve_networks(spec.networkProfile, out); !ok) {
    return with_context(std::move(ok).error(), "spec.networkProfile");
  }
  out.data_store = data_store_of(tcp);
  NESTOR_TRY(out.schema, store_name("spec.dataStoreSchema", spec.dataStoreSchema, out.uid));
  NESTOR_TRY(out.username, store_name("spec.dataStoreUsername", spec.dataStoreUsername, out.uid));
  // The other store would need a user, a certificate and keys of its own for the tenant.
  if (!spec.dataStoreOverrides.empty()) {
    return fail(Code::kInvalidArgument, "spec.dataStoreOverrides is not supported");
  }
  out.admission_plugins = spec.kubernetes.admissionControllers;
  if (out.admission_plugins.empty()) {
    out.admission_plugins.assign(kAdmissionPlugins.begin(), kAdmissionPlugins.end());
  }
  out.kubelet_address_types = spec.kubernetes.kubelet.preferredAddressTypes;
  if (out.kubelet_address_types.empty()) {
    out.kubelet_address_types = {"InternalIP", "ExternalIP", "Hostname"};
  }
  out.cgroup_driver = spec.kubernetes.kubelet.cgroupfs;
  if (out.cgroup_driver.empty()) out.cgroup_driver = "systemd";
  out.cni = tcp.metadata.annotation(kCniAnnotation) != "none";
  // The tunnel is the API server's way to it. An APIService that does not answer keeps every
  // deleted namespace of the tenant from going.
  out.metrics_server = spec.addons.konnectivity.has_value() &&
                       tcp.metadata.annotation(kMetricsServerAnnotation) != "false";
  // The driver's other part serves Clusters. Elsewhere claims would wait for ever.
  const auto* owner = tcp.metadata.controller();
  out.storage = owner != nullptr && owner->kind == "KamajiControlPlane" &&
                tcp.metadata.annotation(kStorageAnnotation) != "false";
  return out;
}

}  // namespace nestor::controlplane
