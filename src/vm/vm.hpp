#pragma once

#include <string>

#include "kube/runtime.hpp"

/// The built-in runtime of virtual machines, for management clusters without KubeVirt: it serves
/// kubevirt.io/v1 VirtualMachine and VirtualMachineInstance with one pod a machine.
namespace nestor::vm {

struct Options {
  /// Holds `nestor`, QEMU, iproute2 and xorriso.
  std::string launcher_image = "nestor.dev/vm-launcher:dev";
  /// For every container of the pods: "Always", "IfNotPresent" or "Never".
  std::string launcher_pull_policy = "IfNotPresent";
  /// A CDI device ("vendor/class=name") that gives pods /dev/kvm; "" for none. Without it, machines
  /// are emulated (a hostPath of /dev/kvm alone does not pass a container's device rules).
  std::string kvm_device = {};
};

/// Adds both controllers; the pods' log is the machine's serial console.
void add_controllers(kube::Runtime& runtime, Options options);

}  // namespace nestor::vm
