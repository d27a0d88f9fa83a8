#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/cluster/machine_set.hpp"
#include "base/json.hpp"

namespace nestor::cluster {

/// Why a MachineSet must not make (or replace) Machines just now, one sentence for each check that
/// fails: ControlPlaneIsStable (neither starting nor being upgraded), KubernetesVersionSkew (never
/// ahead of the control plane, at most three minors behind), KubeadmVersionSkew (the same minor,
/// for Machines that join by kubeadm). Checks that the set's annotation names are left out, and all
/// where the control plane tells no version. `control_plane` is the object of any provider. Pure.
std::vector<std::string> failed_preflight_checks(const api::cluster::MachineSet& set,
                                                 const Json& control_plane);

}  // namespace nestor::cluster
