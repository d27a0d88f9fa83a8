#pragma once

#include <string>

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// Helm charts in tenants: HelmChartProxy and HelmReleaseProxy.
namespace nestor::addon {

struct Options {
  /// The program, a path or a name in PATH.
  std::string helm = "helm";
  /// Releases at the same time, a quarter of them in one tenant; a run takes some 100 MB while it
  /// works, and one that waits for pods holds its place until its time is up.
  int concurrency = 8;
};

/// Adds the room's controllers. `sessions` must outlive `runtime`'s controllers.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options = {});

}  // namespace nestor::addon
