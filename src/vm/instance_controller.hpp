#pragma once

#include "kube/runtime.hpp"
#include "vm/vm.hpp"

namespace nestor::vm {

/// Adds the controller "virtualmachineinstance": one pod for each instance, and its status.
void add_instance_controller(kube::Runtime& runtime, Options options);

}  // namespace nestor::vm
