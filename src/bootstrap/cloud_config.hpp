#pragma once

#include <string>

#include "base/json.hpp"

/// The documents a worker machine reads at its first boot. Pure functions of a KubeadmConfig's
/// spec.
namespace nestor::bootstrap {

/// What a joining machine must know beyond its KubeadmConfig.
struct JoinInput {
  /// "host:port" of the tenant's API server.
  std::string api_server_endpoint;
  /// "id.secret"
  std::string token;
  /// "sha256:<hex>" of the tenant's authority; "" leaves the check out.
  std::string ca_cert_hash;
  /// Of the Machine ("v1.37.2"); decides kubeadm's configuration version.
  std::string kubernetes_version;
  /// Whether the Node waits for its cloud provider: kubelet's --cloud-provider=external, unless the
  /// KubeadmConfig has that argument itself.
  bool external_cloud = false;
};

inline constexpr const char* kJoinConfigPath = "/run/kubeadm/kubeadm-join-config.yaml";
inline constexpr const char* kSuccessPath = "/run/cluster-api/bootstrap-success.complete";
inline constexpr const char* kUninitializedTaint = "node.cluster.x-k8s.io/uninitialized";

/// kubeadm's JoinConfiguration: `spec.joinConfiguration` with discovery, taint and cloud provider
/// filled in.
/// v1beta4 from Kubernetes 1.31 on, else v1beta3. Errors: kInvalidArgument for a version
/// before 1.22.
Result<Json> join_configuration(const Json& spec, const JoinInput& input);

/// The cloud-config user data for `kubeadm join`. Each `files[].contentFrom` must have been
/// replaced by `content`. Below its head line it is JSON, which YAML readers take as it is. Errors:
/// kInvalidArgument; kUnimplemented for the format ignition.
Result<std::string> cloud_config(const Json& spec, const JoinInput& input);

}  // namespace nestor::bootstrap
