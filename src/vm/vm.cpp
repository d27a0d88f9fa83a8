#include "vm/vm.hpp"

#include "vm/fence_controller.hpp"
#include "vm/instance_controller.hpp"
#include "vm/machine_controller.hpp"

namespace nestor::vm {

void add_controllers(kube::Runtime& runtime, Options options) {
  if (options.fence.enabled) add_fence_controller(runtime);
  add_instance_controller(runtime, std::move(options));
  add_machine_controller(runtime);
}

}  // namespace nestor::vm
