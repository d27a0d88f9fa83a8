#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"

/// How a MachineDeployment spreads its Machines over MachineSets, one a template. Pure; expects
/// defaulted objects.
namespace nestor::cluster {

using MachineSetPtr = std::shared_ptr<const api::cluster::MachineSet>;

/// Whether Machines of both templates are interchangeable: version, failure domain, bootstrap and
/// infrastructure. The content of a referenced template does not count, only its name.
bool same_machines(const api::cluster::MachineTemplate& a, const api::cluster::MachineTemplate& b);

/// A short text that differs when same_machines() does.
std::string template_hash(const api::cluster::MachineTemplate& machine_template);

struct MachineSets {
  /// Of the current template; nullptr when it has to be made.
  MachineSetPtr current;
  /// The others, oldest first.
  std::vector<MachineSetPtr> old;
};
MachineSets sort_sets(const api::cluster::MachineDeployment& deployment,
                      const std::vector<MachineSetPtr>& owned);

/// The MachineSet of the current template, without Machines yet. `suffix` is random.
api::cluster::MachineSet machine_set_of(const api::cluster::MachineDeployment& deployment,
                                        const MachineSets& sets, const std::string& suffix);

/// What of the deployment goes to its current set without new Machines: the set with it.
api::cluster::MachineSet propagated(const api::cluster::MachineDeployment& deployment,
                                    const api::cluster::MachineSet& current);

/// maxSurge or maxUnavailable as a number of Machines.
int resolve_count(const Json& number_or_percent, int total, bool round_up, int fallback);

/// The replicas each set shall have now.
struct RolloutPlan {
  int current = 0;
  /// Parallel to MachineSets::old.
  std::vector<int> old;
};
RolloutPlan plan_rollout(const api::cluster::MachineDeployment& deployment,
                         const MachineSets& sets);

/// Counts, phase and conditions.
api::cluster::MachineDeployment observe(const api::cluster::MachineDeployment& deployment,
                                        const MachineSets& sets, std::string_view now);

}  // namespace nestor::cluster
