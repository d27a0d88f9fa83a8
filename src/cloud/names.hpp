#pragma once

#include <string_view>

#include "api/cluster/labels.hpp"

/// Fixed words of cloud providers in general, of KubeVirt's in particular, and ours.
/// Source: k8s.io/cloud-provider; kubevirt/cloud-provider-kubevirt.
namespace nestor::cloud {

// Nodes of a tenant.
inline constexpr std::string_view kUninitializedTaint =
    "node.cloudprovider.kubernetes.io/uninitialized";
inline constexpr std::string_view kShutdownTaint = "node.cloudprovider.kubernetes.io/shutdown";
inline constexpr std::string_view kInstanceIdLabel = "node.kubernetes.io/instance-id";
inline constexpr std::string_view kInstanceTypeLabel = "node.kubernetes.io/instance-type";
inline constexpr std::string_view kBetaInstanceTypeLabel = "beta.kubernetes.io/instance-type";
inline constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
inline constexpr std::string_view kBetaZoneLabel = "failure-domain.beta.kubernetes.io/zone";
inline constexpr std::string_view kRegionLabel = "topology.kubernetes.io/region";
inline constexpr std::string_view kBetaRegionLabel = "failure-domain.beta.kubernetes.io/region";
/// The addresses that kubelet was told to use (--node-ip).
inline constexpr std::string_view kProvidedNodeIpAnnotation =
    "alpha.kubernetes.io/provided-node-ip";
/// On a VirtualMachineInstance: what it was sized by.
inline constexpr std::string_view kInstanceTypeAnnotation = "kubevirt.io/instancetype-name";
inline constexpr std::string_view kClusterInstanceTypeAnnotation =
    "kubevirt.io/cluster-instancetype-name";
/// On a Node whose kubelet leaves the addresses to us.
inline constexpr std::string_view kAddressesAnnotation = "nestor.dev/node-addresses";

// Services of type LoadBalancer of a tenant, and what stands for them in the management cluster.
inline constexpr std::string_view kBalancerFinalizer =
    "service.kubernetes.io/load-balancer-cleanup";
/// On a tenant's Service, written and removed together with the finalizer: that it is ours, for
/// other programs use the same one.
inline constexpr std::string_view kServedAnnotation = "nestor.dev/load-balancer";
using api::cluster::kTenantServiceNameLabel;
inline constexpr std::string_view kTenantServiceNamespaceLabel =
    "cluster.x-k8s.io/tenant-service-namespace";
/// Who keeps the EndpointSlices of a parent Service without selector.
inline constexpr std::string_view kSlicesManager = "kubevirt-eps-controller";
/// Services of a tenant with this class, or without any, are served.
inline constexpr std::string_view kTenantClass = "nestor.dev/load-balancer";
/// Condition of a Service (in a tenant and in the management cluster): whether it has its address.
inline constexpr std::string_view kBalancerReady = "nestor.dev/LoadBalancerReady";
/// On a parent Service: a hash of what was applied, which shows what is no longer wanted.
inline constexpr std::string_view kAppliedAnnotation = "nestor.dev/applied";

}  // namespace nestor::cloud
