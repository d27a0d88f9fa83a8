#pragma once

#include "api/meta.hpp"

/// Shapes that HelmChartProxy and HelmReleaseProxy share.
namespace nestor::api::addons {

/// A reference to a Secret.
struct SecretReference {
  /// Name of the Secret.
  std::string name;
  /// Namespace of the Secret: only the own one is allowed, which is the default.
  std::string namespace_;
  bool operator==(const SecretReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretReference, (), (name, namespace_))

/// Logins for the registries that charts come from.
struct Credentials {
  /// The Secret that holds them.
  SecretReference secret;
  /// Key in the Secret. Its value is like Docker's config.json; only `auths` are used.
  std::string key;
  bool operator==(const Credentials&) const = default;
};
BOOST_DESCRIBE_STRUCT(Credentials, (), (secret, key))

/// How the chart's repository is trusted.
struct TlsConfig {
  /// Secret whose key ca.crt holds the authority of the repository.
  std::optional<SecretReference> caSecret;
  /// Whether any certificate of the repository is trusted. Default false.
  std::optional<bool> insecureSkipTLSVerify;
  bool operator==(const TlsConfig&) const = default;
};
BOOST_DESCRIBE_STRUCT(TlsConfig, (), (caSecret, insecureSkipTLSVerify))

/// Options of the first installation.
struct InstallOptions {
  /// Whether the release's namespace is made when it is missing.
  std::optional<bool> createNamespace;
  /// Without effect; see skipCRDs.
  std::optional<bool> includeCRDs;
  bool operator==(const InstallOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(InstallOptions, (), (createNamespace, includeCRDs))

/// Options of upgrades, named as helm's.
struct UpgradeOptions {
  /// Whether objects that cannot be changed are replaced. Default false.
  std::optional<bool> force;
  /// Whether values of earlier revisions are dropped. Default false.
  std::optional<bool> resetValues;
  /// Whether values of the last revision are kept, with the new ones on top. Default false.
  std::optional<bool> reuseValues;
  /// Whether the chart's own values are taken anew, with those of the last revision and the new
  /// ones on top. Default false.
  std::optional<bool> resetThenReuseValues;
  /// Without effect.
  std::optional<bool> recreate;
  /// How many revisions are kept; 0 for all.
  std::optional<std::int64_t> maxHistory;
  /// Whether objects that a failed upgrade made are removed. Default false.
  std::optional<bool> cleanupOnFail;
  bool operator==(const UpgradeOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(UpgradeOptions, (),
                      (force, resetValues, reuseValues, resetThenReuseValues, recreate, maxHistory,
                       cleanupOnFail))

/// Options of the removal.
struct UninstallOptions {
  /// Whether helm keeps the release's history in the tenant. Default false.
  std::optional<bool> keepHistory;
  /// A text for that history.
  std::string description;
  bool operator==(const UninstallOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(UninstallOptions, (), (keepHistory, description))

/// How helm is called. A change of options alone counts from the next change of something else.
struct HelmOptions {
  /// Whether hooks of the chart are left out. Default false.
  std::optional<bool> disableHooks;
  /// Whether helm waits until what it installed is ready, for `timeout`. Default false.
  std::optional<bool> wait;
  /// Whether `wait` waits for Jobs too. Default false.
  std::optional<bool> waitForJobs;
  /// Whether missing charts that it depends on are fetched. Default false.
  std::optional<bool> dependencyUpdate;
  /// How long helm may take: a duration such as 5m30s; more than 30m counts as 30m. Default 10m.
  std::string timeout;
  /// Whether the chart's CRDs are not installed. Default false.
  std::optional<bool> skipCRDs;
  /// Whether notes of charts inside the chart are rendered. Default false.
  std::optional<bool> options;
  /// Whether objects are not checked against the tenant's schemas. Default false.
  std::optional<bool> disableOpenAPIValidation;
  /// Whether a failed upgrade is rolled back, and a failed installation removed. Default false.
  std::optional<bool> atomic;
  /// Options of the first installation.
  InstallOptions install;
  /// Options of upgrades.
  UpgradeOptions upgrade;
  /// Options of the removal.
  UninstallOptions uninstall;
  /// Without effect: each run of helm is a process of its own.
  std::optional<bool> enableClientCache;
  /// Whether objects that are there already become part of the release. Default false.
  std::optional<bool> takeOwnership;
  bool operator==(const HelmOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmOptions, (),
                      (disableHooks, wait, waitForJobs, dependencyUpdate, timeout, skipCRDs,
                       options, disableOpenAPIValidation, atomic, install, upgrade, uninstall,
                       enableClientCache, takeOwnership))

}  // namespace nestor::api::addons
