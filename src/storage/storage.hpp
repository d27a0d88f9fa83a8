#pragma once

#include <set>
#include <string>

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// Disks of tenants: the controller side of the CSI driver csi.kubevirt.io, for all tenants.
namespace nestor::storage {

struct Options {
  /// Storage classes of the management cluster that tenants may name; empty: all.
  std::set<std::string> allowed_classes = {};
  /// Grow claims of the local-path provisioner, which does not do it itself.
  bool grow_local_path = false;
};

/// Adds the controllers: claims of tenants become claims of the management cluster; attachments
/// become hot-plugged disks. `sessions` must outlive them.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options = {});

}  // namespace nestor::storage
