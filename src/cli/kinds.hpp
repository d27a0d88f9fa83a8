#pragma once

#include "api/addons/helm_release_proxy.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/core/namespace.hpp"
#include "api/core/pod.hpp"
#include "api/core/secret.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "api/kubevirt/virtual_machine.hpp"

/// The kinds that the commands show and change, which they handle as plain JSON.
namespace nestor::cli {

inline constexpr kube::ResourceType kCluster = api::cluster::Cluster::kType;
inline constexpr kube::ResourceType kMachine = api::cluster::Machine::kType;
inline constexpr kube::ResourceType kMachineSet = api::cluster::MachineSet::kType;
inline constexpr kube::ResourceType kMachineDeployment = api::cluster::MachineDeployment::kType;
inline constexpr kube::ResourceType kMachineHealthCheck = api::cluster::MachineHealthCheck::kType;
inline constexpr kube::ResourceType kHelmReleaseProxy = api::addons::HelmReleaseProxy::kType;
inline constexpr kube::ResourceType kKubevirtMachine = api::infrastructure::KubevirtMachine::kType;
inline constexpr kube::ResourceType kVirtualMachine = api::kubevirt::VirtualMachine::kType;
inline constexpr kube::ResourceType kKamajiControlPlane =
    api::controlplane::KamajiControlPlane::kType;
inline constexpr kube::ResourceType kKubevirtCluster = api::infrastructure::KubevirtCluster::kType;
inline constexpr kube::ResourceType kKubevirtMachineTemplate =
    api::infrastructure::KubevirtMachineTemplate::kType;
inline constexpr kube::ResourceType kKubeadmConfigTemplate =
    api::bootstrap::KubeadmConfigTemplate::kType;
inline constexpr kube::ResourceType kSecret = api::core::Secret::kType;
inline constexpr kube::ResourceType kPod = api::core::Pod::kType;
inline constexpr kube::ResourceType kNamespace = api::core::Namespace::kType;

}  // namespace nestor::cli
