#pragma once

#include "api/json.hpp"
#include "api/kamaji/common.hpp"

namespace nestor::api::kamaji {

/// User and password.
struct BasicAuth {
  /// Name of the user.
  ContentRef username;
  /// Its password.
  ContentRef password;
};
BOOST_DESCRIBE_STRUCT(BasicAuth, (), (username, password))

/// A certificate and its key.
struct KeyPairRef {
  /// The certificate (PEM).
  ContentRef certificate;
  /// Its private key (PEM).
  std::optional<ContentRef> privateKey;
};
BOOST_DESCRIBE_STRUCT(KeyPairRef, (), (certificate, privateKey))

/// How Nestor and the tenants prove who they are.
struct TlsConfig {
  /// The store's authority. Its key is needed too: tenants get certificates signed by it.
  KeyPairRef certificateAuthority;
  /// Certificate and key of etcd's user root. Nestor needs it.
  std::optional<KeyPairRef> clientCertificate;
};
BOOST_DESCRIBE_STRUCT(TlsConfig, (), (certificateAuthority, clientCertificate))

/// Where the store is and how to get in.
struct DataStoreSpec {
  /// Kind of the store. Nestor serves etcd only.
  std::string driver;
  /// Where it listens: host:port each.
  std::vector<std::string> endpoints;
  /// Kept, but without effect: etcd is entered by certificate.
  std::optional<BasicAuth> basicAuth;
  /// Certificates. Nestor needs them.
  std::optional<TlsConfig> tlsConfig;
};
BOOST_DESCRIBE_STRUCT(DataStoreSpec, (), (driver, endpoints, basicAuth, tlsConfig))

/// How the store is.
struct DataStoreStatus {
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  /// Whether certificates and keys could be read and fit, and etcd keeps its users apart. Tenants
  /// wait until it is.
  bool ready = false;
  /// The TenantControlPlanes that keep their objects here, as namespace/name. While there are any,
  /// deletion waits.
  std::vector<std::string> usedBy;
  /// kamaji.clastix.io/DataStoreValidation (with what is wrong),
  /// kamaji.clastix.io/DataStoreAllowedDeletion and nestor.dev/StoreHasRoom (with what to do).
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(DataStoreStatus, (), (observedGeneration, ready, usedBy, conditions))

/// Where tenants' objects are kept: an etcd. Each tenant gets a user and a prefix of keys of its
/// own in it.
struct DataStore {
  static constexpr kube::ResourceType kType{"kamaji.clastix.io", "v1alpha1", "DataStore",
                                            "datastores", false};
  kube::ObjectMeta metadata;
  /// Where the store is and how to get in.
  DataStoreSpec spec;
  /// How the store is.
  DataStoreStatus status;
};
BOOST_DESCRIBE_STRUCT(DataStore, (), (metadata, spec, status))

}  // namespace nestor::api::kamaji

NESTOR_EXTERN_JSON(nestor::api::kamaji::DataStore)
