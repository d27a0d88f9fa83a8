#pragma once

#include "api/kamaji/common.hpp"

/// The spec of TenantControlPlane. Members without a comment are as in the reference of the kind;
/// `Json` members are corev1 types that pass through unread.
namespace nestor::api::kamaji {

struct RegistrySettings {
  /// "" means registry.k8s.io.
  std::string registry;
  std::string tagSuffix;
  std::string apiServerImage;
  std::string controllerManagerImage;
  std::string schedulerImage;
};
BOOST_DESCRIBE_STRUCT(RegistrySettings, (),
                      (registry, tagSuffix, apiServerImage, controllerManagerImage, schedulerImage))

struct ComponentResources {
  Json apiServer;
  Json controllerManager;
  Json scheduler;
  Json kine;
};
BOOST_DESCRIBE_STRUCT(ComponentResources, (), (apiServer, controllerManager, scheduler, kine))

struct ExtraArgs {
  std::vector<std::string> apiServer;
  std::vector<std::string> controllerManager;
  std::vector<std::string> scheduler;
  std::vector<std::string> kine;
};
BOOST_DESCRIBE_STRUCT(ExtraArgs, (), (apiServer, controllerManager, scheduler, kine))

struct AdditionalVolumeMounts {
  std::vector<Json> apiServer;
  std::vector<Json> controllerManager;
  std::vector<Json> scheduler;
};
BOOST_DESCRIBE_STRUCT(AdditionalVolumeMounts, (), (apiServer, controllerManager, scheduler))

/// A component's probe beats the global one field by field.
struct Probes {
  std::optional<Probe> liveness;
  std::optional<Probe> readiness;
  std::optional<Probe> startup;
  std::optional<ProbeSet> apiServer;
  std::optional<ProbeSet> controllerManager;
  std::optional<ProbeSet> scheduler;
};
BOOST_DESCRIBE_STRUCT(Probes, (),
                      (liveness, readiness, startup, apiServer, controllerManager, scheduler))

struct ContainerSecurityContexts {
  Json apiServer;
  Json controllerManager;
  Json scheduler;
};
BOOST_DESCRIBE_STRUCT(ContainerSecurityContexts, (), (apiServer, controllerManager, scheduler))

struct ControlPlaneDeployment {
  RegistrySettings registrySettings;
  /// Absent means 2; 0 puts the control plane to sleep.
  std::optional<std::int32_t> replicas;
  std::map<std::string, std::string> nodeSelector;
  std::string runtimeClassName;
  std::vector<Json> tolerations;
  Json affinity;
  std::vector<Json> topologySpreadConstraints;
  std::string serviceAccountName;
  std::optional<bool> automountServiceAccountToken;
  Json podSecurityContext;
  Json strategy;
  ComponentResources resources;
  ExtraArgs extraArgs;
  AdditionalMetadata additionalMetadata;
  AdditionalMetadata podAdditionalMetadata;
  std::vector<Json> additionalInitContainers;
  std::vector<Json> additionalContainers;
  std::vector<Json> additionalVolumes;
  AdditionalVolumeMounts additionalVolumeMounts;
  Probes probes;
  ContainerSecurityContexts containerSecurityContexts;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneDeployment, (),
                      (registrySettings, replicas, nodeSelector, runtimeClassName, tolerations,
                       affinity, topologySpreadConstraints, serviceAccountName,
                       automountServiceAccountToken, podSecurityContext, strategy, resources,
                       extraArgs, additionalMetadata, podAdditionalMetadata,
                       additionalInitContainers, additionalContainers, additionalVolumes,
                       additionalVolumeMounts, probes, containerSecurityContexts))

struct ControlPlaneService {
  AdditionalMetadata additionalMetadata;
  /// "ClusterIP", "NodePort" or "LoadBalancer".
  std::string serviceType;
  std::optional<bool> allocateLoadBalancerNodePorts;
  std::vector<ServicePort> additionalPorts;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneService, (),
                      (additionalMetadata, serviceType, allocateLoadBalancerNodePorts,
                       additionalPorts))

struct ControlPlaneIngress {
  AdditionalMetadata additionalMetadata;
  std::string ingressClassName;
  std::string hostname;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneIngress, (), (additionalMetadata, ingressClassName, hostname))

struct ControlPlaneGateway {
  AdditionalMetadata additionalMetadata;
  std::vector<Json> parentRefs;
  std::string hostname;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneGateway, (), (additionalMetadata, parentRefs, hostname))

struct ControlPlane {
  ControlPlaneDeployment deployment;
  ControlPlaneService service;
  std::optional<ControlPlaneIngress> ingress;
  std::optional<ControlPlaneGateway> gateway;
};
BOOST_DESCRIBE_STRUCT(ControlPlane, (), (deployment, service, ingress, gateway))

struct KubernetesSpec {
  /// "vX.Y.Z"
  std::string version;
  Kubelet kubelet;
  /// Empty means the default list (controlplane/defaults.hpp).
  std::vector<std::string> admissionControllers;
};
BOOST_DESCRIBE_STRUCT(KubernetesSpec, (), (version, kubelet, admissionControllers))

struct NetworkProfile {
  std::string address;
  std::string advertiseAddress;
  std::optional<std::int32_t> port;
  std::optional<bool> allowAddressAsExternalIP;
  std::vector<std::string> certSANs;
  std::string clusterDomain;
  std::vector<std::string> serviceCidrs;
  std::vector<std::string> podCidrs;
  std::string serviceCidr;
  std::string podCidr;
  std::vector<std::string> dnsServiceIPs;
  std::string loadBalancerClass;
  std::vector<std::string> loadBalancerSourceRanges;
};
BOOST_DESCRIBE_STRUCT(NetworkProfile, (),
                      (address, advertiseAddress, port, allowAddressAsExternalIP, certSANs,
                       clusterDomain, serviceCidrs, podCidrs, serviceCidr, podCidr, dnsServiceIPs,
                       loadBalancerClass, loadBalancerSourceRanges))

/// An add-on that is absent is removed from the tenant.
struct Addons {
  std::optional<ImageOverride> coreDNS;
  std::optional<ImageOverride> kubeProxy;
  std::optional<Konnectivity> konnectivity;
};
BOOST_DESCRIBE_STRUCT(Addons, (), (coreDNS, kubeProxy, konnectivity))

struct WritePermissions {
  std::optional<bool> blockCreation;
  std::optional<bool> blockUpdate;
  std::optional<bool> blockDeletion;
};
BOOST_DESCRIBE_STRUCT(WritePermissions, (), (blockCreation, blockUpdate, blockDeletion))

struct TenantControlPlaneSpec {
  WritePermissions writePermissions;
  std::string dataStore;
  std::string dataStoreSchema;
  std::string dataStoreUsername;
  std::vector<DataStoreOverride> dataStoreOverrides;
  ControlPlane controlPlane;
  KubernetesSpec kubernetes;
  NetworkProfile networkProfile;
  Addons addons;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlaneSpec, (),
                      (writePermissions, dataStore, dataStoreSchema, dataStoreUsername,
                       dataStoreOverrides, controlPlane, kubernetes, networkProfile, addons))

}  // namespace nestor::api::kamaji
