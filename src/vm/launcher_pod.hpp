#pragma once

#include <string>

#include "api/kubevirt/virtual_machine_instance.hpp"
#include "vm/vm.hpp"

namespace nestor::vm {

/// The container that runs the machine, by KubeVirt's name.
inline constexpr std::string_view kComputeContainer = "compute";

/// The one name a machine instance's pod can have: "virt-launcher-<instance>-<5 of its uid's
/// hash>". So a create that is repeated, by us or by our successor, cannot make a second pod.
std::string launcher_pod_name(const kube::ObjectMeta& instance);

/// The pod of a machine instance: labels and annotations as KubeVirt's, disks as image volumes,
/// cloud-init Secrets as mounts, the instance itself in the environment.
/// Errors: kInvalidArgument (no memory, unreadable sizes, a disk without volume), kUnimplemented
/// (volumes and networks that this runtime does not serve).
Result<Json> launcher_pod(const api::kubevirt::VirtualMachineInstance& instance,
                          const Options& options);

/// Those pods, of all instances.
kube::Scope launcher_pods();

}  // namespace nestor::vm
