#pragma once

#include "api/core/node.hpp"
#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::bootstrap {

struct KubeletArgument {
  std::string name;
  std::optional<std::string> value;
  bool operator==(const KubeletArgument&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeletArgument, (), (name, value))

struct NodeRegistration {
  std::string name;
  std::string criSocket;
  /// Absent: kubeadm's default; an empty list: no taints.
  std::optional<std::vector<core::Taint>> taints;
  std::vector<KubeletArgument> kubeletExtraArgs;
  std::vector<std::string> ignorePreflightErrors;
  std::string imagePullPolicy;
  std::optional<bool> imagePullSerial;
  bool operator==(const NodeRegistration&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeRegistration, (),
                      (name, criSocket, taints, kubeletExtraArgs, ignorePreflightErrors,
                       imagePullPolicy, imagePullSerial))

/// The token is a secret.
struct BootstrapTokenDiscovery {
  std::string token;
  std::string apiServerEndpoint;
  std::vector<std::string> caCertHashes;
  std::optional<bool> unsafeSkipCAVerification;
  bool operator==(const BootstrapTokenDiscovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(BootstrapTokenDiscovery, (),
                      (token, apiServerEndpoint, caCertHashes, unsafeSkipCAVerification))

struct FileDiscovery {
  std::string kubeConfigPath;
  Json kubeConfig;
  bool operator==(const FileDiscovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(FileDiscovery, (), (kubeConfigPath, kubeConfig))

struct Discovery {
  std::optional<BootstrapTokenDiscovery> bootstrapToken;
  std::optional<FileDiscovery> file;
  std::string tlsBootstrapToken;
  bool operator==(const Discovery&) const = default;
};
BOOST_DESCRIBE_STRUCT(Discovery, (), (bootstrapToken, file, tlsBootstrapToken))

struct JoinConfiguration {
  NodeRegistration nodeRegistration;
  std::string caCertPath;
  Discovery discovery;
  Json controlPlane;
  std::vector<std::string> skipPhases;
  Json patches;
  Json timeouts;
  bool operator==(const JoinConfiguration&) const = default;
};
BOOST_DESCRIBE_STRUCT(JoinConfiguration, (),
                      (nodeRegistration, caCertPath, discovery, controlPlane, skipPhases, patches,
                       timeouts))

struct SecretKey {
  std::string name;
  std::string key;
  bool operator==(const SecretKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretKey, (), (name, key))

struct SecretSource {
  SecretKey secret;
  bool operator==(const SecretSource&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretSource, (), (secret))

struct File {
  std::string path;
  std::string owner;
  /// Octal digits, as in "0640".
  std::string permissions;
  /// "", "base64", "gzip" or "gzip+base64".
  std::string encoding;
  std::optional<bool> append;
  std::string content;
  std::optional<SecretSource> contentFrom;
  /// "Raw" or "Template".
  std::string contentFormat;
  bool operator==(const File&) const = default;
};
BOOST_DESCRIBE_STRUCT(File, (),
                      (path, owner, permissions, encoding, append, content, contentFrom,
                       contentFormat))

struct User {
  std::string name;
  std::string gecos;
  std::string groups;
  std::string homeDir;
  std::optional<bool> inactive;
  std::string shell;
  std::string passwd;
  std::optional<SecretSource> passwdFrom;
  std::string primaryGroup;
  std::optional<bool> lockPassword;
  std::string sudo;
  std::vector<std::string> sshAuthorizedKeys;
  bool operator==(const User&) const = default;
};
BOOST_DESCRIBE_STRUCT(User, (),
                      (name, gecos, groups, homeDir, inactive, shell, passwd, passwdFrom,
                       primaryGroup, lockPassword, sudo, sshAuthorizedKeys))

struct Ntp {
  std::vector<std::string> servers;
  std::optional<bool> enabled;
  bool operator==(const Ntp&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ntp, (), (servers, enabled))

struct KubeadmConfigSpec {
  Json clusterConfiguration;
  Json initConfiguration;
  JoinConfiguration joinConfiguration;
  std::vector<File> files;
  Json diskSetup;
  std::vector<std::vector<std::string>> mounts;
  std::vector<std::string> bootCommands;
  std::vector<std::string> preKubeadmCommands;
  std::vector<std::string> postKubeadmCommands;
  std::vector<User> users;
  std::optional<Ntp> ntp;
  /// "cloud-config" (the default) or "ignition".
  std::string format;
  std::optional<std::int32_t> verbosity;
  Json ignition;
  bool operator==(const KubeadmConfigSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigSpec, (),
                      (clusterConfiguration, initConfiguration, joinConfiguration, files, diskSetup,
                       mounts, bootCommands, preKubeadmCommands, postKubeadmCommands, users, ntp,
                       format, verbosity, ignition))

struct KubeadmConfigInitialization {
  std::optional<bool> dataSecretCreated;
  bool operator==(const KubeadmConfigInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigInitialization, (), (dataSecretCreated))

struct KubeadmConfigStatus {
  std::vector<kube::Condition> conditions;
  KubeadmConfigInitialization initialization;
  std::string dataSecretName;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const KubeadmConfigStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigStatus, (),
                      (conditions, initialization, dataSecretName, observedGeneration))

struct KubeadmConfig {
  static constexpr kube::ResourceType kType{"bootstrap.cluster.x-k8s.io", "v1beta2",
                                            "KubeadmConfig", "kubeadmconfigs"};
  kube::ObjectMeta metadata;
  KubeadmConfigSpec spec;
  KubeadmConfigStatus status;
  bool operator==(const KubeadmConfig&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfig, (), (metadata, spec, status))

/// format cloud-config.
void set_defaults(KubeadmConfig& config);
/// Errors: kInvalidArgument with every fault: content and contentFrom together, equal file paths,
/// passwd and passwdFrom together, unknown format.
Result<> validate(const KubeadmConfig& config);
Result<> validate_kubeadm_config_spec(const KubeadmConfigSpec& spec, std::string_view where);

}  // namespace nestor::api::bootstrap

NESTOR_EXTERN_JSON(nestor::api::bootstrap::KubeadmConfig)
