#pragma once

#include <string>
#include <string_view>

#include "kube/runtime.hpp"
#include "vm/fence.hpp"

/// The built-in runtime of virtual machines, for management clusters without KubeVirt: it serves
/// kubevirt.io/v1 VirtualMachine and VirtualMachineInstance with one pod a machine.
namespace nestor::vm {

/// Of launcher_image, in every pod.
inline constexpr std::string_view kLauncherPullPolicy = "IfNotPresent";

struct Options {
  /// Holds `nestor`, QEMU, iproute2 and xorriso.
  std::string launcher_image = "nestor.dev/vm-launcher:dev";
  /// What gives pods /dev/kvm: a RuntimeClass (the embedded node has one) or a device plugin's
  /// resource ("devices.kubevirt.io/kvm"); "" for none. Without either, machines are emulated (a
  /// hostPath of /dev/kvm alone does not pass a container's device rules).
  std::string runtime_class = {};
  std::string kvm_resource = {};
  /// Of the management nodes' kubelets: where their pods' volumes are.
  std::string kubelet_folder = "/var/lib/kubelet";
  FenceOptions fence = {};
};

/// Adds both controllers; the pods' log is the machine's serial console.
void add_controllers(kube::Runtime& runtime, Options options);

}  // namespace nestor::vm
