#pragma once

#include "api/kamaji/secret_status.hpp"

/// The status of TenantControlPlane.
namespace nestor::api::kamaji {

/// The ConfigMap with kubeadm's configuration.
struct KubeadmConfigStatus {
  /// Name of the ConfigMap.
  std::string configmapName;
  /// When its content changed last.
  std::string lastUpdate;
  /// Checksum of its content.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigStatus, (), (configmapName, lastUpdate, checksum))

/// A step of kubeadm in the tenant.
struct KubeadmPhaseStatus {
  /// When it was done last.
  std::string lastUpdate;
  /// Checksum of what it was done for.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KubeadmPhaseStatus, (), (lastUpdate, checksum))

/// What was done of kubeadm's steps in the tenant.
struct KubeadmPhasesStatus {
  /// What nodes need to join.
  KubeadmPhaseStatus bootstrapToken;
};
BOOST_DESCRIBE_STRUCT(KubeadmPhasesStatus, (), (bootstrapToken))

/// Version and state of the control plane.
struct VersionStatus {
  /// The version that runs. Set when the control plane is Ready or Sleeping.
  std::string version;
  /// Provisioning, Ready, NotReady, Upgrading, Sleeping (no replicas) or WriteLimited. Unknown,
  /// CertificateAuthorityRotating and Migrating are not used.
  std::string status;
};
BOOST_DESCRIBE_STRUCT(VersionStatus, (), (version, status))

/// The Deployment of the control plane, with numbers from its own status.
struct DeploymentStatus {
  /// Name of the Deployment.
  std::string name;
  /// Namespace of the Deployment.
  std::string namespace_;
  /// Selector of its pods as text, for `kubectl scale`.
  std::string selector;
  /// When one of these fields changed last.
  std::string lastUpdate;
  /// The Deployment's metadata.generation that its numbers are about.
  std::optional<std::int64_t> observedGeneration;
  /// How many pods there are.
  std::int32_t replicas = 0;
  /// How many of them are made from the present template.
  std::int32_t updatedReplicas = 0;
  /// How many of them are ready.
  std::int32_t readyReplicas = 0;
  /// How many of them are available.
  std::int32_t availableReplicas = 0;
  /// How many are missing to be available.
  std::int32_t unavailableReplicas = 0;
};
BOOST_DESCRIBE_STRUCT(DeploymentStatus, (),
                      (name, namespace_, selector, lastUpdate, observedGeneration, replicas,
                       updatedReplicas, readyReplicas, availableReplicas, unavailableReplicas))

/// A Service of the control plane.
struct ServiceStatus {
  /// Name of the Service.
  std::string name;
  /// Namespace of the Service.
  std::string namespace_;
  /// Port of the Service.
  std::int32_t port = 0;
  /// The Service's own status.loadBalancer, with its addresses.
  Json loadBalancer;
};
BOOST_DESCRIBE_STRUCT(ServiceStatus, (), (name, namespace_, port, loadBalancer))

/// The control plane in the management cluster.
struct KubernetesResourcesStatus {
  /// Version and state of the control plane.
  VersionStatus version;
  /// Its Deployment.
  std::optional<DeploymentStatus> deployment;
  /// Its Service.
  std::optional<ServiceStatus> service;
};
BOOST_DESCRIBE_STRUCT(KubernetesResourcesStatus, (), (version, deployment, service))

/// Whether an add-on is installed.
struct AddonStatus {
  /// Whether it is installed.
  bool enabled = false;
  /// When that changed last.
  std::string lastUpdate;
};
BOOST_DESCRIBE_STRUCT(AddonStatus, (), (enabled, lastUpdate))

/// An object that an add-on consists of.
struct AddonObjectStatus {
  /// Name of the object.
  std::string name;
  /// Namespace of the object, in the tenant.
  std::string namespace_;
  /// When it was made.
  std::string lastUpdate;
  friend bool operator==(const AddonObjectStatus&, const AddonObjectStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(AddonObjectStatus, (), (name, namespace_, lastUpdate))

/// The ConfigMap that tells the API server of the tunnel.
struct KonnectivityConfigMapStatus {
  /// Name of the ConfigMap.
  std::string name;
  /// Checksum of its content.
  std::string checksum;
};
BOOST_DESCRIBE_STRUCT(KonnectivityConfigMapStatus, (), (name, checksum))

/// The tunnel's ends in the tenant.
struct KonnectivityAgentStatus {
  /// Name of the DaemonSet or Deployment.
  std::string name;
  /// Its namespace, in the tenant.
  std::string namespace_;
  /// DaemonSet or Deployment.
  std::string mode;
  /// When it was made or its mode changed.
  std::string lastUpdate;
};
BOOST_DESCRIBE_STRUCT(KonnectivityAgentStatus, (), (name, namespace_, mode, lastUpdate))

/// The tunnel.
struct KonnectivityStatus {
  /// Whether it is installed.
  bool enabled = false;
  /// The ConfigMap that tells the API server of it.
  std::optional<KonnectivityConfigMapStatus> configMap;
  /// The Secret with the kubeconfig of its server.
  std::optional<SecretStatus> kubeconfig;
  /// The Service and port that its agents call.
  std::optional<ServiceStatus> service;
  /// Service account of its agents.
  std::optional<AddonObjectStatus> sa;
  /// What lets its server check the agents' tokens.
  std::optional<AddonObjectStatus> clusterrolebinding;
  /// Its ends in the tenant.
  std::optional<KonnectivityAgentStatus> agent;
};
BOOST_DESCRIBE_STRUCT(KonnectivityStatus, (),
                      (enabled, configMap, kubeconfig, service, sa, clusterrolebinding, agent))

/// What is installed in the tenant.
struct AddonsStatus {
  /// DNS of the tenant.
  std::optional<AddonStatus> coreDNS;
  /// Services on the tenant's nodes.
  std::optional<AddonStatus> kubeProxy;
  /// The tunnel.
  std::optional<KonnectivityStatus> konnectivity;
};
BOOST_DESCRIBE_STRUCT(AddonsStatus, (), (coreDNS, kubeProxy, konnectivity))

/// How the control plane is.
struct TenantControlPlaneStatus {
  /// The metadata.generation that everything was last done for.
  // Written at the end of a whole reconcile only.
  std::optional<std::int64_t> observedGeneration;
  /// Where nodes and users reach the API server: host:port.
  std::string controlPlaneEndpoint;
  /// Where the tenant's objects are kept.
  StorageStatus storage;
  /// The tenant's certificates and keys.
  CertificatesStatus certificates;
  /// Kubeconfigs of the tenant.
  KubeconfigsStatus kubeconfig;
  /// The ConfigMap with kubeadm's configuration.
  KubeadmConfigStatus kubeadmconfig;
  /// What was done of kubeadm's steps in the tenant.
  KubeadmPhasesStatus kubeadmPhase;
  /// The control plane in the management cluster.
  KubernetesResourcesStatus kubernetesResources;
  /// What is installed in the tenant.
  AddonsStatus addons;
  /// What is wrong with the control plane: PodAllowed is False when its spec asks for a pod that is
  /// not allowed.
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlaneStatus, (),
                      (observedGeneration, controlPlaneEndpoint, storage, certificates, kubeconfig,
                       kubeadmconfig, kubeadmPhase, kubernetesResources, addons, conditions))

}  // namespace nestor::api::kamaji
