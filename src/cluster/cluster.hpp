#pragma once

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// Cluster API's core: Cluster, Machine, MachineSet, MachineDeployment, MachineHealthCheck.
namespace nestor::cluster {

/// Adds the room's controllers. `sessions` must outlive `runtime`'s controllers.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions);

}  // namespace nestor::cluster
