#pragma once

#include <string>
#include <string_view>

/// Names, labels and annotations of a TenantControlPlane's parts: visible to users' tools, so they
/// are the ones of the kind's reference.
namespace nestor::controlplane {

inline constexpr std::string_view kFieldManager = "nestor-controlplane";
inline constexpr std::string_view kTenantFieldManager = "nestor-tenant";

inline constexpr std::string_view kProjectLabel = "kamaji.clastix.io/project";
inline constexpr std::string_view kProjectValue = "kamaji";
/// Selects every object that belongs to some TenantControlPlane.
inline constexpr std::string_view kProjectSelector = "kamaji.clastix.io/project=kamaji";
inline constexpr std::string_view kNameLabel = "kamaji.clastix.io/name";
inline constexpr std::string_view kComponentLabel = "kamaji.clastix.io/component";
/// On Secrets that are re-issued before they expire: "x509" or "kubeconfig".
inline constexpr std::string_view kLifecycleLabel =
    "kamaji.clastix.io/certificate_lifecycle_controller";
inline constexpr std::string_view kChecksumAnnotation = "kamaji.clastix.io/checksum";
/// Presence stops all work on the object.
inline constexpr std::string_view kPausedAnnotation = "kamaji.clastix.io/paused";
/// Presence asks for a new certificate; its value becomes the time it was made.
inline constexpr std::string_view kRotateAnnotation = "certs.kamaji.clastix.io/rotate";
/// Names another key of the admin kubeconfig Secret than the standard one.
inline constexpr std::string_view kKubeconfigKeyAnnotation =
    "kamaji.clastix.io/kubeconfig-secret-key";
/// "none" leaves the tenant without a network plugin of ours.
inline constexpr std::string_view kCniAnnotation = "nestor.dev/cni";
/// "false" leaves the tenant without metrics-server.
inline constexpr std::string_view kMetricsServerAnnotation = "nestor.dev/metrics-server";
/// "false" leaves the tenant without the CSI driver's node part and its storage class.
inline constexpr std::string_view kStorageAnnotation = "nestor.dev/storage";
/// On a DataStore. "true" on an etcd that only Nestor uses: its authentication is switched on, and
/// it is kept in order.
inline constexpr std::string_view kEnableAuthAnnotation = "nestor.dev/enable-auth";
/// On a DataStore. "true": one tenant only keeps its data there, so etcd need not tell tenants
/// apart.
inline constexpr std::string_view kSingleTenantAnnotation = "nestor.dev/single-tenant";
/// On what we apply inside tenants, so that we never delete what somebody else installed.
inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedByValue = "nestor";

/// False on a control plane whose pod the manager does not make, with the reason; else absent.
inline constexpr const char* kPodAllowed = "PodAllowed";

/// On a DataStore: False while its etcd is full or nearly so, with what to do.
inline constexpr const char* kStoreHasRoom = "nestor.dev/StoreHasRoom";

inline constexpr std::string_view kStoreFinalizer = "finalizer.kamaji.clastix.io";
inline constexpr std::string_view kDataStoreFinalizer = "kamaji.clastix.io/TenantControlPlane";

inline std::string ca_name(std::string_view tcp) { return std::string(tcp) + "-ca"; }
inline std::string front_proxy_ca_name(std::string_view tcp) {
  return std::string(tcp) + "-front-proxy-ca-certificate";
}
inline std::string sa_name(std::string_view tcp) { return std::string(tcp) + "-sa-certificate"; }
inline std::string api_server_name(std::string_view tcp) {
  return std::string(tcp) + "-api-server-certificate";
}
inline std::string kubelet_client_name(std::string_view tcp) {
  return std::string(tcp) + "-api-server-kubelet-client-certificate";
}
inline std::string front_proxy_client_name(std::string_view tcp) {
  return std::string(tcp) + "-front-proxy-client-certificate";
}
inline std::string admin_kubeconfig_name(std::string_view tcp) {
  return std::string(tcp) + "-admin-kubeconfig";
}
inline std::string controller_manager_kubeconfig_name(std::string_view tcp) {
  return std::string(tcp) + "-controller-manager-kubeconfig";
}
inline std::string scheduler_kubeconfig_name(std::string_view tcp) {
  return std::string(tcp) + "-scheduler-kubeconfig";
}
inline std::string store_config_name(std::string_view tcp) {
  return std::string(tcp) + "-datastore-config";
}
inline std::string store_certificate_name(std::string_view tcp) {
  return std::string(tcp) + "-datastore-certificate";
}
inline std::string konnectivity_kubeconfig_name(std::string_view tcp) {
  return std::string(tcp) + "-konnectivity-kubeconfig";
}
inline std::string egress_config_name(std::string_view tcp) {
  return std::string(tcp) + "-konnectivity-egress-selector-configuration";
}
inline std::string kubeadm_config_name(std::string_view tcp) {
  return std::string(tcp) + "-kubeadmconfig";
}

}  // namespace nestor::controlplane
