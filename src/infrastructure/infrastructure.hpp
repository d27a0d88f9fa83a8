#pragma once

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// Tenants' machines as virtual machines: KubevirtCluster, KubevirtMachine,
/// KubevirtMachineTemplate.
namespace nestor::infrastructure {

/// Adds the room's controllers. `sessions` must outlive `runtime`'s controllers.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions);

}  // namespace nestor::infrastructure
