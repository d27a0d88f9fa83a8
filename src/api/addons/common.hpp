#pragma once

#include "api/meta.hpp"

/// Shapes that HelmChartProxy and HelmReleaseProxy share.
namespace nestor::api::addons {

/// corev1.SecretReference.
struct SecretReference {
  std::string name;
  /// Only the referrer's own namespace is allowed.
  std::string namespace_;
  bool operator==(const SecretReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(SecretReference, (), (name, namespace_))

struct Credentials {
  SecretReference secret;
  /// Key of the registry configuration (as Docker's config.json).
  std::string key;
  bool operator==(const Credentials&) const = default;
};
BOOST_DESCRIBE_STRUCT(Credentials, (), (secret, key))

struct TlsConfig {
  /// Its key ca.crt is trusted for the chart's repository.
  std::optional<SecretReference> caSecret;
  std::optional<bool> insecureSkipTLSVerify;
  bool operator==(const TlsConfig&) const = default;
};
BOOST_DESCRIBE_STRUCT(TlsConfig, (), (caSecret, insecureSkipTLSVerify))

struct InstallOptions {
  /// Absent: true.
  std::optional<bool> createNamespace;
  std::optional<bool> includeCRDs;
  bool operator==(const InstallOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(InstallOptions, (), (createNamespace, includeCRDs))

struct UpgradeOptions {
  std::optional<bool> force;
  std::optional<bool> resetValues;
  std::optional<bool> reuseValues;
  std::optional<bool> resetThenReuseValues;
  std::optional<bool> recreate;
  /// Absent: 10.
  std::optional<std::int64_t> maxHistory;
  std::optional<bool> cleanupOnFail;
  bool operator==(const UpgradeOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(UpgradeOptions, (),
                      (force, resetValues, reuseValues, resetThenReuseValues, recreate, maxHistory,
                       cleanupOnFail))

struct UninstallOptions {
  std::optional<bool> keepHistory;
  std::string description;
  bool operator==(const UninstallOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(UninstallOptions, (), (keepHistory, description))

/// How helm is called.
struct HelmOptions {
  std::optional<bool> disableHooks;
  std::optional<bool> wait;
  std::optional<bool> waitForJobs;
  std::optional<bool> dependencyUpdate;
  /// A Go duration such as "10m0s", the default.
  std::string timeout;
  std::optional<bool> skipCRDs;
  /// Show the notes of sub-charts too.
  std::optional<bool> options;
  std::optional<bool> disableOpenAPIValidation;
  std::optional<bool> atomic;
  InstallOptions install;
  UpgradeOptions upgrade;
  UninstallOptions uninstall;
  /// Without effect here: each run is a process of its own.
  std::optional<bool> enableClientCache;
  std::optional<bool> takeOwnership;
  bool operator==(const HelmOptions&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmOptions, (),
                      (disableHooks, wait, waitForJobs, dependencyUpdate, timeout, skipCRDs,
                       options, disableOpenAPIValidation, atomic, install, upgrade, uninstall,
                       enableClientCache, takeOwnership))

}  // namespace nestor::api::addons
