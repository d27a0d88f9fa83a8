#pragma once

#include "kube/runtime.hpp"

namespace nestor::vm {

/// Adds the controller "virtualmachine": one VirtualMachineInstance for each VirtualMachine that
/// should run.
void add_machine_controller(kube::Runtime& runtime);

}  // namespace nestor::vm
