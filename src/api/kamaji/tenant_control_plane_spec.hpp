#pragma once

#include "api/kamaji/control_plane_deployment.hpp"

/// The spec of TenantControlPlane.
namespace nestor::api::kamaji {

/// The Service by which the API server is reached.
struct ControlPlaneService {
  /// Labels and annotations for the Service, for instance for a load balancer.
  AdditionalMetadata additionalMetadata;
  /// LoadBalancer, ClusterIP (reached in the management cluster only) or NodePort (needs
  /// networkProfile.address; the API server's port is the node port).
  std::string serviceType;
  /// Whether a Service of type LoadBalancer gets node ports. Default: as Kubernetes does.
  std::optional<bool> allocateLoadBalancerNodePorts;
  /// Further ports of the Service.
  std::vector<ServicePort> additionalPorts;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneService, (),
                      (additionalMetadata, serviceType, allocateLoadBalancerNodePorts,
                       additionalPorts))

/// A host name of an Ingress. Nestor puts it into the certificate, but makes no Ingress.
struct ControlPlaneIngress {
  /// Labels and annotations for the Ingress. Without effect.
  AdditionalMetadata additionalMetadata;
  /// Class of the Ingress. Without effect.
  std::string ingressClassName;
  /// Host name, which goes into the API server's certificate; a port behind it is cut off.
  std::string hostname;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneIngress, (), (additionalMetadata, ingressClassName, hostname))

/// A host name of a Gateway. Nestor puts it into the certificate, but makes no route.
struct ControlPlaneGateway {
  /// Labels and annotations for the route. Without effect.
  AdditionalMetadata additionalMetadata;
  /// Gateways that the route hangs on (gatewayv1.ParentReference). Without effect.
  std::vector<Json> parentRefs;
  /// Host name, which goes into the API server's certificate; a port behind it is cut off.
  std::string hostname;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneGateway, (), (additionalMetadata, parentRefs, hostname))

/// The control plane's pods and how they are reached.
struct ControlPlane {
  /// How the pods are.
  ControlPlaneDeployment deployment;
  /// The Service by which the API server is reached.
  ControlPlaneService service;
  /// A host name of an Ingress. Nestor puts it into the certificate, but makes no Ingress.
  std::optional<ControlPlaneIngress> ingress;
  /// A host name of a Gateway. Nestor puts it into the certificate, but makes no route.
  std::optional<ControlPlaneGateway> gateway;
};
BOOST_DESCRIBE_STRUCT(ControlPlane, (), (deployment, service, ingress, gateway))

/// Which Kubernetes.
struct KubernetesSpec {
  /// Version, such as v1.37.2. A newer one upgrades the control plane.
  std::string version;
  /// Settings of the kubelets of the tenant's nodes.
  Kubelet kubelet;
  /// Admission plugins of the API server, instead of Nestor's list.
  // That list is in controlplane/settings.cpp.
  std::vector<std::string> admissionControllers;
};
BOOST_DESCRIBE_STRUCT(KubernetesSpec, (), (version, kubelet, admissionControllers))

/// Addresses and names of the tenant.
struct NetworkProfile {
  /// Where nodes and users reach the API server: an address or a name. Default: the load
  /// balancer's, or with ClusterIP the Service's.
  std::string address;
  /// Address that the API server tells the tenant's pods (Service kubernetes). Default: `address`
  /// if it is one, else the Service's.
  std::string advertiseAddress;
  /// Port of the API server. Default 6443.
  std::optional<std::int32_t> port;
  /// Whether the Service gets `address` as an external IP. Default false.
  std::optional<bool> allowAddressAsExternalIP;
  /// Further names and addresses for the API server's certificate.
  std::vector<std::string> certSANs;
  /// DNS domain of Services. Default cluster.local.
  std::string clusterDomain;
  /// Where Services get their addresses from. Default serviceCidr.
  std::vector<std::string> serviceCidrs;
  /// Where pods get their addresses from. Default podCidr.
  std::vector<std::string> podCidrs;
  /// The older way to write one of serviceCidrs. Default 10.96.0.0/16.
  std::string serviceCidr;
  /// The older way to write one of podCidrs. Default 10.244.0.0/16.
  std::string podCidr;
  /// Addresses of the DNS Service. Default: the tenth of each service network (IPv6: the
  /// sixteenth).
  std::vector<std::string> dnsServiceIPs;
  /// Which load balancer is to serve the Service. Cannot be changed.
  std::string loadBalancerClass;
  /// Address ranges from which the load balancer lets in. Default: all.
  std::vector<std::string> loadBalancerSourceRanges;
};
BOOST_DESCRIBE_STRUCT(NetworkProfile, (),
                      (address, advertiseAddress, port, allowAddressAsExternalIP, certSANs,
                       clusterDomain, serviceCidrs, podCidrs, serviceCidr, podCidr, dnsServiceIPs,
                       loadBalancerClass, loadBalancerSourceRanges))

/// What Nestor installs in the tenant. What is absent is removed from it, unless somebody else
/// installed it.
struct Addons {
  /// DNS of the tenant.
  std::optional<ImageOverride> coreDNS;
  /// Services on the tenant's nodes.
  std::optional<ImageOverride> kubeProxy;
  /// The way from the API server to the tenant's nodes.
  std::optional<Konnectivity> konnectivity;
};
BOOST_DESCRIBE_STRUCT(Addons, (), (coreDNS, kubeProxy, konnectivity))

/// Which writes in the tenant are to be refused. Nestor only reports WriteLimited in the status,
/// and refuses nothing.
struct WritePermissions {
  /// Refuse new objects. Only reported.
  std::optional<bool> blockCreation;
  /// Refuse changes of objects. Only reported.
  std::optional<bool> blockUpdate;
  /// Refuse deletion of objects. Only reported.
  std::optional<bool> blockDeletion;
};
BOOST_DESCRIBE_STRUCT(WritePermissions, (), (blockCreation, blockUpdate, blockDeletion))

/// What the control plane is to be.
struct TenantControlPlaneSpec {
  /// Which writes in the tenant are to be refused. Nestor only reports WriteLimited in the status,
  /// and refuses nothing.
  WritePermissions writePermissions;
  /// Name of the DataStore. Default: that of the manager. It cannot be changed later.
  std::string dataStore;
  /// Prefix of the tenant's keys in the store, at most 63 of a-z, 0-9, - and _. Default: the
  /// object's UID. No two tenants may share one. It can be given only when the object is made.
  std::string dataStoreSchema;
  /// The tenant's user in the store, named as dataStoreSchema may be. Default: the object's UID. No
  /// two tenants may share one. It can be given only when the object is made.
  std::string dataStoreUsername;
  /// Not supported: a control plane that has any is refused as InvalidSpec.
  std::vector<DataStoreOverride> dataStoreOverrides;
  /// The control plane's pods and how they are reached.
  ControlPlane controlPlane;
  /// Which Kubernetes.
  KubernetesSpec kubernetes;
  /// Addresses and names of the tenant.
  NetworkProfile networkProfile;
  /// What Nestor installs in the tenant. What is absent is removed from it.
  Addons addons;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlaneSpec, (),
                      (writePermissions, dataStore, dataStoreSchema, dataStoreUsername,
                       dataStoreOverrides, controlPlane, kubernetes, networkProfile, addons))

}  // namespace nestor::api::kamaji
