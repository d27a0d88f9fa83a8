#pragma once

#include "api/controlplane/deployment.hpp"
#include "api/controlplane/network.hpp"
#include "api/json.hpp"
#include "api/kamaji/common.hpp"

namespace nestor::api::controlplane {

/// Where an API server is reached.
struct Endpoint {
  /// Address or name of the API server.
  std::string host;
  /// Port of the API server.
  std::int32_t port = 0;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (host, port))

/// DNS of the tenant.
struct CoreDns {
  /// Registry and path without the image's own name. Default registry.k8s.io/coredns.
  std::string imageRepository;
  /// Tag of the image. Default: the one that belongs to this version of Nestor.
  std::string imageTag;
  /// Addresses of the DNS Service. They win over network.dnsServiceIPs.
  std::vector<std::string> dnsServiceIPs;
};
BOOST_DESCRIBE_STRUCT(CoreDns, (), (imageRepository, imageTag, dnsServiceIPs))

/// What Nestor installs in the tenant. What is absent is removed from it, unless somebody else
/// installed it.
struct Addons {
  /// DNS of the tenant.
  std::optional<CoreDns> coreDNS;
  /// Services on the tenant's nodes.
  std::optional<kamaji::ImageOverride> kubeProxy;
  /// The way from the API server to the tenant's nodes: logs, exec, webhooks.
  std::optional<kamaji::Konnectivity> konnectivity;
};
BOOST_DESCRIBE_STRUCT(Addons, (), (coreDNS, kubeProxy, konnectivity))

/// What the control plane is to be.
struct KamajiControlPlaneSpec {
  /// Version of Kubernetes, such as v1.37.2, with or without the v. A newer one upgrades the
  /// control plane.
  std::string version;
  /// How many pods. Default 2. 0 puts the control plane to sleep; its data stays.
  std::optional<std::int32_t> replicas;
  /// Where the API server is reached. Written by Nestor.
  std::optional<Endpoint> controlPlaneEndpoint;
  /// Name of the DataStore. Default: that of the manager. It cannot be changed later.
  std::string dataStoreName;
  /// Prefix of the tenant's keys in the store, at most 63 of a-z, 0-9, - and _. Default: the
  /// UID of its TenantControlPlane. No two tenants may share one. It can be given only when the
  /// object is made.
  std::string dataStoreSchema;
  /// The tenant's user in the store, named as dataStoreSchema may be. Default: the UID of its
  /// TenantControlPlane. No two tenants may share one. It can be given only when the object is
  /// made.
  std::string dataStoreUsername;
  /// Not supported: a control plane that has any is refused as InvalidSpec.
  std::vector<kamaji::DataStoreOverride> dataStoreOverrides;
  /// What Nestor installs in the tenant. What is absent is removed from it.
  Addons addons;
  /// Admission plugins of the API server, instead of Nestor's list.
  std::vector<std::string> admissionControllers;
  /// Registry, with path, of the control plane's images. Default registry.k8s.io.
  std::string registry;
  /// Settings of kube-apiserver.
  Component apiServer;
  /// Settings of kube-controller-manager.
  Component controllerManager;
  /// Settings of kube-scheduler.
  Component scheduler;
  /// Settings of kine, which Nestor does not run. Without effect.
  Kine kine;
  /// Settings of the kubelets of the tenant's nodes.
  kamaji::Kubelet kubelet;
  /// How the API server is reached.
  Network network;
  /// How the control plane's pods are.
  Deployment deployment;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlaneSpec, (),
                      (version, replicas, controlPlaneEndpoint, dataStoreName, dataStoreSchema,
                       dataStoreUsername, dataStoreOverrides, addons, admissionControllers,
                       registry, apiServer, controllerManager, scheduler, kine, kubelet, network,
                       deployment))

/// What was reached once. True stays true.
struct Initialization {
  /// The API server answered and nodes can join.
  std::optional<bool> controlPlaneInitialized;
};
BOOST_DESCRIBE_STRUCT(Initialization, (), (controlPlaneInitialized))

/// How the control plane is.
struct KamajiControlPlaneStatus {
  /// What was reached once.
  Initialization initialization;
  /// Whether the API server answers.
  bool ready = false;
  /// The version that runs.
  std::string version;
  /// How many pods there are.
  std::int32_t replicas = 0;
  /// How many of them are ready.
  std::int32_t readyReplicas = 0;
  /// How many of them are available.
  std::int32_t availableReplicas = 0;
  /// How many of them are made from the present spec.
  std::int32_t upToDateReplicas = 0;
  /// Selector of the pods as text, for `kubectl scale`.
  std::string selector;
  /// Always true: the control plane has no Machines.
  std::optional<bool> externalManagedControlPlane;
  /// Not filled by Nestor.
  std::string failureReason;
  /// Not filled by Nestor.
  std::string failureMessage;
  /// Available, KamajiControlPlaneIsInitialized, KamajiControlPlaneIsReady; the steps
  /// TenantControlPlaneCreated, TenantControlPlaneAddressReady, ControlPlaneEndpointPatched,
  /// InfrastructureClusterPatched, KubeadmResourcesCreated; and Paused.
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlaneStatus, (),
                      (initialization, ready, version, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, selector, externalManagedControlPlane, failureReason,
                       failureMessage, conditions))

/// The control plane of a Cluster, which runs as pods of the management cluster: a
/// TenantControlPlane of the same name.
struct KamajiControlPlane {
  static constexpr kube::ResourceType kType{"controlplane.cluster.x-k8s.io", "v1alpha2",
                                            "KamajiControlPlane", "kamajicontrolplanes"};
  kube::ObjectMeta metadata;
  /// What the control plane is to be.
  KamajiControlPlaneSpec spec;
  /// How the control plane is.
  KamajiControlPlaneStatus status;
};
BOOST_DESCRIBE_STRUCT(KamajiControlPlane, (), (metadata, spec, status))

}  // namespace nestor::api::controlplane

NESTOR_EXTERN_JSON(nestor::api::controlplane::KamajiControlPlane)
