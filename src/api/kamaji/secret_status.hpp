#pragma once

#include "api/kamaji/common.hpp"

/// What the status of a TenantControlPlane tells of its data store and its Secrets.
namespace nestor::api::kamaji {

/// The Secret that tells where the tenant's objects are.
struct StorageConfigStatus {
  /// Name of the Secret.
  std::string secretName;
  /// Checksum of its content.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(StorageConfigStatus, (), (secretName, checksum))

/// What was made for the tenant in the store.
struct StorageSetupStatus {
  /// Prefix of its keys.
  std::string schema;
  /// Its user.
  std::string user;
  /// When it was made.
  std::string lastUpdate;
  /// Checksum of store, prefix and user.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(StorageSetupStatus, (), (schema, user, lastUpdate, checksum))

/// A Secret with a certificate, a key pair or kubeconfigs.
struct SecretStatus {
  /// Name of the Secret.
  std::string secretName;
  /// When its content changed last.
  std::string lastUpdate;
  /// Checksum of its content.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(SecretStatus, (), (secretName, lastUpdate, checksum))

/// Where the tenant's objects are kept.
struct StorageStatus {
  /// Driver of the DataStore.
  std::string driver;
  /// Name of the DataStore.
  std::string dataStoreName;
  /// The Secret that tells where they are.
  StorageConfigStatus config;
  /// What was made for the tenant in the store.
  StorageSetupStatus setup;
  /// The tenant's certificate for the store.
  SecretStatus certificate;
};
BOOST_DESCRIBE_STRUCT(StorageStatus, (), (driver, dataStoreName, config, setup, certificate))

/// Certificates of an etcd that belongs to the tenant alone.
struct EtcdCertificatesStatus {
  /// The API server's.
  SecretStatus apiServer;
  /// The authority.
  SecretStatus ca;
};
BOOST_DESCRIBE_STRUCT(EtcdCertificatesStatus, (), (apiServer, ca))

/// The tenant's certificates and keys.
struct CertificatesStatus {
  /// Its authority (ca.crt and ca.key).
  SecretStatus ca;
  /// The API server's certificate.
  SecretStatus apiServer;
  /// The API server's certificate for kubelets.
  SecretStatus apiServerKubeletClient;
  /// The authority for aggregated APIs.
  SecretStatus frontProxyCA;
  /// The API server's certificate for aggregated APIs.
  SecretStatus frontProxyClient;
  /// The key pair that signs service accounts' tokens.
  SecretStatus sa;
  /// Not filled by Nestor: the store's certificate is in status.storage.
  std::optional<EtcdCertificatesStatus> etcd;
};
BOOST_DESCRIBE_STRUCT(CertificatesStatus, (),
                      (ca, apiServer, apiServerKubeletClient, frontProxyCA, frontProxyClient, sa,
                       etcd))

/// Kubeconfigs of the tenant.
struct KubeconfigsStatus {
  /// For people: keys admin.conf and super-admin.conf, and the same with .svc for use inside the
  /// management cluster.
  SecretStatus admin;
  /// For kube-controller-manager.
  SecretStatus controllerManager;
  /// For kube-scheduler.
  SecretStatus scheduler;
};
BOOST_DESCRIBE_STRUCT(KubeconfigsStatus, (), (admin, controllerManager, scheduler))

}  // namespace nestor::api::kamaji
