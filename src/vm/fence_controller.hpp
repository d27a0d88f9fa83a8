#pragma once

#include "kube/runtime.hpp"
#include "vm/fence.hpp"

namespace nestor::vm {

/// What the machines of the cluster that `metadata` (of a machine) belongs to may reach, as the
/// caches show it now. The machine of no cluster reaches nothing.
FenceAccess current_fence_access(kube::Runtime& runtime, const kube::ObjectMeta& metadata);

/// Keeps the fence annotation of all launcher pods up to date as their cluster's machines and
/// Services come and go. A key is a cluster: its namespace and name. One change costs a patch for
/// each machine of that cluster; changes that come meanwhile are taken together.
void add_fence_controller(kube::Runtime& runtime);

}  // namespace nestor::vm
