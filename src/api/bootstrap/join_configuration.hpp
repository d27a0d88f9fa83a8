#pragma once

#include "api/core/node.hpp"

/// How a machine joins its cluster by kubeadm.
namespace nestor::api::bootstrap {

/// An argument of the kubelet.
struct KubeletArgument {
  /// Name of the argument, without dashes in front.
  std::string name;
  /// Value of the argument; may be empty.
  std::optional<std::string> value;
  bool operator==(const KubeletArgument&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeletArgument, (), (name, value))

/// How the machine registers as a Node (kubeadm's nodeRegistration).
struct NodeRegistration {
  /// Name of the Node. Default: the machine's host name.
  std::string name;
  /// Socket of the container runtime. Default: kubeadm finds it.
  std::string criSocket;
  /// Taints that the Node comes with. Nestor adds one that keeps pods off until the Node is set up.
  // For kubeadm absent and empty differ.
  std::optional<std::vector<core::Taint>> taints;
  /// Further arguments of the kubelet. For a KubevirtMachine Nestor adds cloud-provider=external
  /// when that argument is not there.
  std::vector<KubeletArgument> kubeletExtraArgs;
  /// Checks of kubeadm that may fail, by name.
  std::vector<std::string> ignorePreflightErrors;
  /// When kubeadm pulls images.
  std::string imagePullPolicy;
  /// Whether kubeadm pulls one image after the other. Default: kubeadm's.
  std::optional<bool> imagePullSerial;
  bool operator==(const NodeRegistration&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeRegistration, (),
                      (name, criSocket, taints, kubeletExtraArgs, ignorePreflightErrors,
                       imagePullPolicy, imagePullSerial))

/// How the machine finds and trusts the control plane: by a token. The token is a secret.
struct BootstrapTokenDiscovery {
  /// Token to join with. Absent: Nestor makes one, and keeps it valid until the Node has joined.
  std::string token;
  /// Where the API server is. Nestor always writes the Cluster's endpoint.
  std::string apiServerEndpoint;
  /// Hashes of the tenant's authority. Nestor always writes that of the Cluster's.
  std::vector<std::string> caCertHashes;
  /// Join without such a hash. Nestor gives one, so it has no use.
  std::optional<bool> unsafeSkipCAVerification;
  bool operator==(const BootstrapTokenDiscovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(BootstrapTokenDiscovery, (),
                      (token, apiServerEndpoint, caCertHashes, unsafeSkipCAVerification))

/// How the machine finds and trusts the control plane: by a kubeconfig in a file.
struct FileDiscovery {
  /// Path of that file on the machine; put it there with spec.files.
  std::string kubeConfigPath;
  /// Kept, but without effect: a kubeconfig to be written by the provider.
  Json kubeConfig;
  bool operator==(const FileDiscovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(FileDiscovery, (), (kubeConfigPath, kubeConfig))

/// How the machine finds and trusts the control plane. Without `file` Nestor fills in a token.
struct Discovery {
  /// By a token.
  std::optional<BootstrapTokenDiscovery> bootstrapToken;
  /// By a kubeconfig in a file.
  std::optional<FileDiscovery> file;
  /// Token for the kubelet's first certificate. Default: the token.
  std::string tlsBootstrapToken;
  bool operator==(const Discovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(Discovery, (), (bootstrapToken, file, tlsBootstrapToken))

/// kubeadm's JoinConfiguration. Nestor writes it in the form that the Machine's version of kubeadm
/// reads.
struct JoinConfiguration {
  /// How the machine registers as a Node.
  NodeRegistration nodeRegistration;
  /// Where the tenant's authority is stored on the machine. Default /etc/kubernetes/pki/ca.crt.
  std::string caCertPath;
  /// How the machine finds and trusts the control plane.
  Discovery discovery;
  /// Makes the machine a part of the control plane. Given to kubeadm as it is; Nestor's own
  /// clusters need none.
  Json controlPlane;
  /// Phases of kubeadm join to leave out.
  std::vector<std::string> skipPhases;
  /// Patches of kubeadm: `directory` with patch files on the machine.
  Json patches;
  /// Timeouts of kubeadm, with names such as kubeletHealthCheckSeconds. From Kubernetes 1.31 on.
  Json timeouts;
  bool operator==(const JoinConfiguration&) const = default;
};
BOOST_DESCRIBE_STRUCT(JoinConfiguration, (),
                      (nodeRegistration, caCertPath, discovery, controlPlane, skipPhases, patches,
                       timeouts))

}  // namespace nestor::api::bootstrap
