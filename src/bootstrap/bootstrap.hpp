#pragma once

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// KubeadmConfig: what a machine reads at its first boot to join its tenant.
namespace nestor::bootstrap {

/// Adds the room's controllers. `sessions` must outlive `runtime`'s controllers.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions);

}  // namespace nestor::bootstrap
