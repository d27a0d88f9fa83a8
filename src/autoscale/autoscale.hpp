#pragma once

#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

/// Nodes for pods that do not fit, and none for those that are not there: the Cluster Autoscaler's
/// work, for every node group of every tenant.
namespace nestor::autoscale {

/// Adds the controller "autoscale". A node group is a MachineDeployment (or a MachineSet of its
/// own) with upstream's annotations for minimum and maximum size.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions);

}  // namespace nestor::autoscale
