#pragma once

#include "api/json.hpp"
#include "api/kamaji/common.hpp"

namespace nestor::api::controlplane {

struct Endpoint {
  std::string host;
  std::int32_t port = 0;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (host, port))

struct CoreDns {
  std::string imageRepository;
  std::string imageTag;
  std::vector<std::string> dnsServiceIPs;
};
BOOST_DESCRIBE_STRUCT(CoreDns, (), (imageRepository, imageTag, dnsServiceIPs))

struct Addons {
  std::optional<CoreDns> coreDNS;
  std::optional<kamaji::ImageOverride> kubeProxy;
  std::optional<kamaji::Konnectivity> konnectivity;
};
BOOST_DESCRIBE_STRUCT(Addons, (), (coreDNS, kubeProxy, konnectivity))

/// Settings of one of the control plane's programs.
struct Component {
  std::vector<std::string> extraArgs;
  Json resources;
  std::string containerImageName;
  std::vector<Json> extraVolumeMounts;
  std::optional<kamaji::ProbeSet> probes;
};
BOOST_DESCRIBE_STRUCT(Component, (),
                      (extraArgs, resources, containerImageName, extraVolumeMounts, probes))

struct Kine {
  std::vector<std::string> extraArgs;
  Json resources;
};
BOOST_DESCRIBE_STRUCT(Kine, (), (extraArgs, resources))

struct LoadBalancerConfig {
  std::string loadBalancerClass;
  std::vector<std::string> loadBalancerSourceRanges;
};
BOOST_DESCRIBE_STRUCT(LoadBalancerConfig, (), (loadBalancerClass, loadBalancerSourceRanges))

struct Ingress {
  std::string className;
  std::string hostname;
  std::map<std::string, std::string> extraLabels;
  std::map<std::string, std::string> extraAnnotations;
};
BOOST_DESCRIBE_STRUCT(Ingress, (), (className, hostname, extraLabels, extraAnnotations))

struct Gateway {
  std::string name;
  std::string namespace_;
  std::string hostname;
  std::string sectionName;
  std::optional<std::int32_t> port;
  std::map<std::string, std::string> extraLabels;
  std::map<std::string, std::string> extraAnnotations;
};
BOOST_DESCRIBE_STRUCT(Gateway, (),
                      (name, namespace_, hostname, sectionName, port, extraLabels,
                       extraAnnotations))

struct Network {
  /// "" means LoadBalancer.
  std::string serviceType;
  std::string serviceAddress;
  std::string advertiseAddress;
  std::map<std::string, std::string> serviceLabels;
  std::map<std::string, std::string> serviceAnnotations;
  std::vector<kamaji::ServicePort> additionalServicePorts;
  std::vector<std::string> certSANs;
  std::vector<std::string> dnsServiceIPs;
  std::optional<LoadBalancerConfig> loadBalancerConfig;
  std::optional<Ingress> ingress;
  std::optional<Gateway> gateway;
};
BOOST_DESCRIBE_STRUCT(Network, (),
                      (serviceType, serviceAddress, advertiseAddress, serviceLabels,
                       serviceAnnotations, additionalServicePorts, certSANs, dnsServiceIPs,
                       loadBalancerConfig, ingress, gateway))

struct ExternalClusterReference {
  std::string kubeconfigSecretName;
  std::string kubeconfigSecretKey;
  std::string kubeconfigSecretNamespace;
  std::string deploymentNamespace;
};
BOOST_DESCRIBE_STRUCT(ExternalClusterReference, (),
                      (kubeconfigSecretName, kubeconfigSecretKey, kubeconfigSecretNamespace,
                       deploymentNamespace))

struct Deployment {
  std::map<std::string, std::string> nodeSelector;
  std::string runtimeClassName;
  kamaji::AdditionalMetadata additionalMetadata;
  kamaji::AdditionalMetadata podAdditionalMetadata;
  std::string serviceAccountName;
  Json strategy;
  Json affinity;
  std::vector<Json> tolerations;
  std::vector<Json> topologySpreadConstraints;
  std::vector<Json> extraInitContainers;
  std::vector<Json> extraContainers;
  std::vector<Json> extraVolumes;
  std::optional<kamaji::ProbeSet> probes;
  std::optional<ExternalClusterReference> externalClusterReference;
};
BOOST_DESCRIBE_STRUCT(Deployment, (),
                      (nodeSelector, runtimeClassName, additionalMetadata, podAdditionalMetadata,
                       serviceAccountName, strategy, affinity, tolerations,
                       topologySpreadConstraints, extraInitContainers, extraContainers,
                       extraVolumes, probes, externalClusterReference))

struct KamajiControlPlaneSpec {
  /// With or without the leading "v".
  std::string version;
  /// Absent means 2.
  std::optional<std::int32_t> replicas;
  /// Written by the controller.
  std::optional<Endpoint> controlPlaneEndpoint;
  std::string dataStoreName;
  std::string dataStoreSchema;
  std::string dataStoreUsername;
  std::vector<kamaji::DataStoreOverride> dataStoreOverrides;
  Addons addons;
  std::vector<std::string> admissionControllers;
  std::string registry;
  Component apiServer;
  Component controllerManager;
  Component scheduler;
  Kine kine;
  kamaji::Kubelet kubelet;
  Network network;
  Deployment deployment;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlaneSpec, (),
                      (version, replicas, controlPlaneEndpoint, dataStoreName, dataStoreSchema,
                       dataStoreUsername, dataStoreOverrides, addons, admissionControllers,
                       registry, apiServer, controllerManager, scheduler, kine, kubelet, network,
                       deployment))

struct Initialization {
  std::optional<bool> controlPlaneInitialized;
};
BOOST_DESCRIBE_STRUCT(Initialization, (), (controlPlaneInitialized))

struct KamajiControlPlaneStatus {
  Initialization initialization;
  bool ready = false;
  std::string version;
  std::int32_t replicas = 0;
  std::int32_t readyReplicas = 0;
  std::int32_t availableReplicas = 0;
  std::int32_t upToDateReplicas = 0;
  std::string selector;
  std::optional<bool> externalManagedControlPlane;
  std::string failureReason;
  std::string failureMessage;
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlaneStatus, (),
                      (initialization, ready, version, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, selector, externalManagedControlPlane, failureReason,
                       failureMessage, conditions))

/// Cluster API's control plane whose programs run as a TenantControlPlane.
struct KamajiControlPlane {
  static constexpr kube::ResourceType kType{"controlplane.cluster.x-k8s.io", "v1alpha2",
                                            "KamajiControlPlane", "kamajicontrolplanes"};
  kube::ObjectMeta metadata;
  KamajiControlPlaneSpec spec;
  KamajiControlPlaneStatus status;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlane, (), (metadata, spec, status))

}  // namespace nestor::api::controlplane

NESTOR_EXTERN_JSON(nestor::api::controlplane::KamajiControlPlane)
