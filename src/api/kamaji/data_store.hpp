#pragma once

#include "api/json.hpp"
#include "api/kamaji/common.hpp"

namespace nestor::api::kamaji {

struct BasicAuth {
  ContentRef username;
  ContentRef password;
};
BOOST_DESCRIBE_STRUCT(BasicAuth, (), (username, password))

/// A certificate and its key.
struct KeyPairRef {
  ContentRef certificate;
  std::optional<ContentRef> privateKey;
};
BOOST_DESCRIBE_STRUCT(KeyPairRef, (), (certificate, privateKey))

struct TlsConfig {
  KeyPairRef certificateAuthority;
  std::optional<KeyPairRef> clientCertificate;
};
BOOST_DESCRIBE_STRUCT(TlsConfig, (), (certificateAuthority, clientCertificate))

struct DataStoreSpec {
  /// "etcd", "MySQL", "PostgreSQL" or "NATS"; immutable.
  std::string driver;
  /// "host:port" each, at least one.
  std::vector<std::string> endpoints;
  std::optional<BasicAuth> basicAuth;
  std::optional<TlsConfig> tlsConfig;
};
BOOST_DESCRIBE_STRUCT(DataStoreSpec, (), (driver, endpoints, basicAuth, tlsConfig))

struct DataStoreStatus {
  std::optional<std::int64_t> observedGeneration;
  bool ready = false;
  /// "namespace/name" of each TenantControlPlane that stores its data here.
  std::vector<std::string> usedBy;
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(DataStoreStatus, (), (observedGeneration, ready, usedBy, conditions))

/// Where tenants' data is kept.
struct DataStore {
  static constexpr kube::ResourceType kType{"kamaji.clastix.io", "v1alpha1", "DataStore",
                                            "datastores", false};
  kube::ObjectMeta metadata;
  DataStoreSpec spec;
  DataStoreStatus status;
};
BOOST_DESCRIBE_STRUCT(DataStore, (), (metadata, spec, status))

}  // namespace nestor::api::kamaji

NESTOR_EXTERN_JSON(nestor::api::kamaji::DataStore)
