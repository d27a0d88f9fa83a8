#pragma once

#include "api/bootstrap/join_configuration.hpp"
#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::bootstrap {

/// A key of a Secret.
struct SecretKey {
  /// Name of the Secret, in the same namespace.
  std::string name;
  /// Key in the Secret.
  std::string key;
  bool operator==(const SecretKey&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretKey, (), (name, key))

/// Where a value comes from.
struct SecretSource {
  /// The Secret and its key.
  SecretKey secret;
  bool operator==(const SecretSource&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretSource, (), (secret))

/// A file to be written at the first boot (cloud-init's write_files).
struct File {
  /// Path of the file.
  std::string path;
  /// Owner, as user:group. Default root:root.
  std::string owner;
  /// Permissions as octal digits, such as 0640. Default 0644.
  std::string permissions;
  /// How the content is encoded. Absent: it is plain text.
  std::string encoding;
  /// Whether the content goes behind what the file has. Default false.
  std::optional<bool> append;
  /// The content. Not with contentFrom.
  std::string content;
  /// A Secret that the content comes from. It is read once, when the bootstrap data is made.
  std::optional<SecretSource> contentFrom;
  /// Kept, but without effect: the content is written as it is.
  std::string contentFormat;
  bool operator==(const File&) const = default;
};
BOOST_DESCRIBE_STRUCT(File, (),
                      (path, owner, permissions, encoding, append, content, contentFrom,
                       contentFormat))

/// A user to be made at the first boot (cloud-init's users).
struct User {
  /// Name of the user.
  std::string name;
  /// Its full name.
  std::string gecos;
  /// Further groups, separated by commas.
  std::string groups;
  /// Its home directory.
  std::string homeDir;
  /// Whether it cannot log in.
  std::optional<bool> inactive;
  /// Its shell.
  std::string shell;
  /// Hash of its password. Not with passwdFrom.
  std::string passwd;
  /// A Secret that the hash comes from. It is read once, when the bootstrap data is made.
  std::optional<SecretSource> passwdFrom;
  /// Its first group. Default: one of its name.
  std::string primaryGroup;
  /// Whether logins by password are refused. Default: cloud-init's, which is true.
  std::optional<bool> lockPassword;
  /// Its rule for sudo, such as ALL=(ALL) NOPASSWD:ALL.
  std::string sudo;
  /// SSH keys that may log in.
  std::vector<std::string> sshAuthorizedKeys;
  bool operator==(const User&) const = default;
};
BOOST_DESCRIBE_STRUCT(User, (),
                      (name, gecos, groups, homeDir, inactive, shell, passwd, passwdFrom,
                       primaryGroup, lockPassword, sudo, sshAuthorizedKeys))

/// Time servers (cloud-init's ntp).
struct Ntp {
  /// Names or addresses of the servers.
  std::vector<std::string> servers;
  /// Whether time is kept by them. Default: cloud-init's, which is true.
  std::optional<bool> enabled;
  bool operator==(const Ntp&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ntp, (), (servers, enabled))

/// What a machine does at its first boot, to join its cluster.
struct KubeadmConfigSpec {
  /// kubeadm's ClusterConfiguration. Without effect: control planes are not made by it.
  Json clusterConfiguration;
  /// kubeadm's InitConfiguration. Without effect: control planes are not made by it.
  Json initConfiguration;
  /// kubeadm's JoinConfiguration.
  JoinConfiguration joinConfiguration;
  /// Files to write, before kubeadm and the commands around it run.
  std::vector<File> files;
  /// Partitions and file systems to make: `partitions` and `filesystems`, as cloud-init's
  /// disk_setup and fs_setup.
  Json diskSetup;
  /// File systems to mount: each a list with the fields of a line of /etc/fstab.
  std::vector<std::vector<std::string>> mounts;
  /// Commands that run early, at every boot, before files are written (cloud-init's bootcmd).
  std::vector<std::string> bootCommands;
  /// Commands that run before kubeadm join.
  std::vector<std::string> preKubeadmCommands;
  /// Commands that run after kubeadm join, even if it fails.
  std::vector<std::string> postKubeadmCommands;
  /// Users to make.
  std::vector<User> users;
  /// Time servers.
  std::optional<Ntp> ntp;
  /// Form of the bootstrap data. cloud-config is the default; ignition is refused by Nestor.
  std::string format;
  /// How much kubeadm logs (its --v).
  std::optional<std::int32_t> verbosity;
  /// Settings for format ignition. Without effect.
  Json ignition;
  bool operator==(const KubeadmConfigSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigSpec, (),
                      (clusterConfiguration, initConfiguration, joinConfiguration, files, diskSetup,
                       mounts, bootCommands, preKubeadmCommands, postKubeadmCommands, users, ntp,
                       format, verbosity, ignition))

/// What was reached once. True stays true.
struct KubeadmConfigInitialization {
  /// The Secret with the bootstrap data exists.
  std::optional<bool> dataSecretCreated;
  bool operator==(const KubeadmConfigInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigInitialization, (), (dataSecretCreated))

/// Whether the bootstrap data is there.
struct KubeadmConfigStatus {
  /// Ready and DataSecretAvailable (with what is waited for), CertificatesAvailable, Paused.
  std::vector<kube::Condition> conditions;
  /// What was reached once.
  KubeadmConfigInitialization initialization;
  /// Name of the Secret with the bootstrap data (key `value`).
  std::string dataSecretName;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const KubeadmConfigStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigStatus, (),
                      (conditions, initialization, dataSecretName, observedGeneration))

/// What a Machine does at its first boot. Nestor makes bootstrap data of it: cloud-init that runs
/// kubeadm join. Usually made from a KubeadmConfigTemplate.
struct KubeadmConfig {
  static constexpr kube::ResourceType kType{"bootstrap.cluster.x-k8s.io", "v1beta2",
                                            "KubeadmConfig", "kubeadmconfigs"};
  kube::ObjectMeta metadata;
  /// What the machine does at its first boot.
  KubeadmConfigSpec spec;
  /// Whether the bootstrap data is there.
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
