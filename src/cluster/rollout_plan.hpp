#pragma once

#include <vector>

#include "cluster/machine_deployment_logic.hpp"

/// How many Machines each MachineSet of a MachineDeployment has while its template changes. Pure;
/// expects defaulted objects.
namespace nestor::cluster {

/// maxSurge and maxUnavailable as numbers; never both 0.
struct RolloutLimits {
  int surge = 1;
  int unavailable = 0;
};
RolloutLimits rollout_limits(const api::cluster::MachineDeployment& deployment);

/// The replicas each set shall have now.
struct RolloutPlan {
  int current = 0;
  /// Parallel to MachineSets::old.
  std::vector<int> old;
};

/// RollingUpdate: new Machines as far as the surge goes; of the old ones first those that serve
/// nothing, then the oldest, as far as availability lets them go. OnDelete: a new one for each that
/// somebody deleted.
RolloutPlan plan_rollout(const api::cluster::MachineDeployment& deployment,
                         const MachineSets& sets);

/// A paused deployment does not roll, but follows its number of replicas: spread over the sets that
/// have Machines in proportion to their size.
RolloutPlan plan_paused(const api::cluster::MachineDeployment& deployment, const MachineSets& sets);

}  // namespace nestor::cluster
