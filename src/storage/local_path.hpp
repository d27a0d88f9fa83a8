#pragma once

#include "kube/runtime.hpp"

namespace nestor::storage {

/// "storage-local-path": claims of the embedded node's local-path provisioner grow as soon as that
/// is asked for. A folder has no size of its own to change, and the provisioner leaves it to us.
void add_local_path_growth(kube::Runtime& runtime);

}  // namespace nestor::storage
