#pragma once

#include "api/json.hpp"
#include "api/kamaji/tenant_control_plane_spec.hpp"

namespace nestor::api::kamaji {

struct StorageConfigStatus {
  std::string secretName;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(StorageConfigStatus, (), (secretName, checksum))

struct StorageSetupStatus {
  std::string schema;
  std::string user;
  std::string lastUpdate;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(StorageSetupStatus, (), (schema, user, lastUpdate, checksum))

/// The state of one Secret: certificate, key pair or kubeconfig.
struct SecretStatus {
  std::string secretName;
  std::string lastUpdate;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(SecretStatus, (), (secretName, lastUpdate, checksum))

struct StorageStatus {
  std::string driver;
  std::string dataStoreName;
  StorageConfigStatus config;
  StorageSetupStatus setup;
  SecretStatus certificate;
};
BOOST_DESCRIBE_STRUCT(StorageStatus, (), (driver, dataStoreName, config, setup, certificate))

struct EtcdCertificatesStatus {
  SecretStatus apiServer;
  SecretStatus ca;
};
BOOST_DESCRIBE_STRUCT(EtcdCertificatesStatus, (), (apiServer, ca))

struct CertificatesStatus {
  SecretStatus ca;
  SecretStatus apiServer;
  SecretStatus apiServerKubeletClient;
  SecretStatus frontProxyCA;
  SecretStatus frontProxyClient;
  SecretStatus sa;
  std::optional<EtcdCertificatesStatus> etcd;
};
BOOST_DESCRIBE_STRUCT(CertificatesStatus, (),
                      (ca, apiServer, apiServerKubeletClient, frontProxyCA, frontProxyClient, sa,
                       etcd))

struct KubeconfigsStatus {
  SecretStatus admin;
  SecretStatus controllerManager;
  SecretStatus scheduler;
};
BOOST_DESCRIBE_STRUCT(KubeconfigsStatus, (), (admin, controllerManager, scheduler))

struct KubeadmConfigStatus {
  std::string configmapName;
  std::string lastUpdate;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigStatus, (), (configmapName, lastUpdate, checksum))

struct KubeadmPhaseStatus {
  std::string lastUpdate;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KubeadmPhaseStatus, (), (lastUpdate, checksum))

struct KubeadmPhasesStatus {
  KubeadmPhaseStatus bootstrapToken;
};
BOOST_DESCRIBE_STRUCT(KubeadmPhasesStatus, (), (bootstrapToken))

struct VersionStatus {
  /// The version that runs; set when the control plane is Ready or Sleeping.
  std::string version;
  /// Unknown, Provisioning, CertificateAuthorityRotating, Upgrading, Migrating, Ready, NotReady,
  /// Sleeping or WriteLimited.
  std::string status;
};
BOOST_DESCRIBE_STRUCT(VersionStatus, (), (version, status))

/// The Deployment's own status with its name beside it.
struct DeploymentStatus {
  std::string name;
  std::string namespace_;
  std::string selector;
  std::string lastUpdate;
  std::optional<std::int64_t> observedGeneration;
  std::int32_t replicas = 0;
  std::int32_t updatedReplicas = 0;
  std::int32_t readyReplicas = 0;
  std::int32_t availableReplicas = 0;
  std::int32_t unavailableReplicas = 0;
};
BOOST_DESCRIBE_STRUCT(DeploymentStatus, (),
                      (name, namespace_, selector, lastUpdate, observedGeneration, replicas,
                       updatedReplicas, readyReplicas, availableReplicas, unavailableReplicas))

struct ServiceStatus {
  std::string name;
  std::string namespace_;
  std::int32_t port = 0;
  /// The Service's own status.loadBalancer.
  Json loadBalancer;
};
BOOST_DESCRIBE_STRUCT(ServiceStatus, (), (name, namespace_, port, loadBalancer))

struct KubernetesResourcesStatus {
  VersionStatus version;
  std::optional<DeploymentStatus> deployment;
  std::optional<ServiceStatus> service;
};
BOOST_DESCRIBE_STRUCT(KubernetesResourcesStatus, (), (version, deployment, service))

struct AddonStatus {
  bool enabled = false;
  std::string lastUpdate;
};
BOOST_DESCRIBE_STRUCT(AddonStatus, (), (enabled, lastUpdate))

/// An object that an add-on consists of.
struct AddonObjectStatus {
  std::string name;
  std::string namespace_;
  std::string lastUpdate;
  friend bool operator==(const AddonObjectStatus&, const AddonObjectStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(AddonObjectStatus, (), (name, namespace_, lastUpdate))

struct KonnectivityConfigMapStatus {
  std::string name;
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KonnectivityConfigMapStatus, (), (name, checksum))

struct KonnectivityAgentStatus {
  std::string name;
  std::string namespace_;
  /// "DaemonSet" or "Deployment".
  std::string mode;
  std::string lastUpdate;
};
BOOST_DESCRIBE_STRUCT(KonnectivityAgentStatus, (), (name, namespace_, mode, lastUpdate))

struct KonnectivityStatus {
  bool enabled = false;
  std::optional<KonnectivityConfigMapStatus> configMap;
  std::optional<SecretStatus> kubeconfig;
  std::optional<ServiceStatus> service;
  std::optional<AddonObjectStatus> sa;
  std::optional<AddonObjectStatus> clusterrolebinding;
  std::optional<KonnectivityAgentStatus> agent;
};
BOOST_DESCRIBE_STRUCT(KonnectivityStatus, (),
                      (enabled, configMap, kubeconfig, service, sa, clusterrolebinding, agent))

struct AddonsStatus {
  std::optional<AddonStatus> coreDNS;
  std::optional<AddonStatus> kubeProxy;
  std::optional<KonnectivityStatus> konnectivity;
};
BOOST_DESCRIBE_STRUCT(AddonsStatus, (), (coreDNS, kubeProxy, konnectivity))

struct TenantControlPlaneStatus {
  /// Written at the end of a whole reconcile only.
  std::optional<std::int64_t> observedGeneration;
  /// "host:port"
  std::string controlPlaneEndpoint;
  StorageStatus storage;
  CertificatesStatus certificates;
  KubeconfigsStatus kubeconfig;
  KubeadmConfigStatus kubeadmconfig;
  KubeadmPhasesStatus kubeadmPhase;
  KubernetesResourcesStatus kubernetesResources;
  AddonsStatus addons;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlaneStatus, (),
                      (observedGeneration, controlPlaneEndpoint, storage, certificates, kubeconfig,
                       kubeadmconfig, kubeadmPhase, kubernetesResources, addons))

/// The control plane of one tenant cluster, running as pods of the management cluster.
struct TenantControlPlane {
  static constexpr kube::ResourceType kType{"kamaji.clastix.io", "v1alpha1", "TenantControlPlane",
                                            "tenantcontrolplanes"};
  kube::ObjectMeta metadata;
  TenantControlPlaneSpec spec;
  TenantControlPlaneStatus status;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlane, (), (metadata, spec, status))

}  // namespace nestor::api::kamaji

NESTOR_EXTERN_JSON(nestor::api::kamaji::TenantControlPlane)
