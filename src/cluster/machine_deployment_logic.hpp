#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "base/clock.hpp"

/// How a MachineDeployment and its MachineSets, one a template, belong together. Pure; expects
/// defaulted objects.
namespace nestor::cluster {

using MachineSetPtr = std::shared_ptr<const api::cluster::MachineSet>;

/// Whether Machines of both templates are interchangeable: version, failure domain, bootstrap and
/// infrastructure. The content of a referenced template does not count, only its name.
bool same_machines(const api::cluster::MachineTemplate& a, const api::cluster::MachineTemplate& b);

/// A short text that differs when same_machines() does.
std::string template_hash(const api::cluster::MachineTemplate& machine_template);

/// What Machines of `set` lack to be as `deployment` wants them, one sentence for each difference;
/// empty when they are up to date.
std::vector<std::string> outdated_because(const api::cluster::MachineDeployment& deployment,
                                          const api::cluster::MachineSet& set, WallTime now);

/// Until spec.rollout.after makes older Machines outdated; nothing when it has or never will.
std::optional<Duration> until_rollout(const api::cluster::MachineDeployment& deployment,
                                      WallTime now);

struct MachineSets {
  /// Of the current template; nullptr when it has to be made.
  MachineSetPtr current;
  /// The others, oldest first.
  std::vector<MachineSetPtr> old;
};
MachineSets sort_sets(const api::cluster::MachineDeployment& deployment,
                      const std::vector<MachineSetPtr>& owned, WallTime now);
std::vector<MachineSetPtr> all_of(const MachineSets& sets);

/// The MachineSet of the current template, without Machines yet. `suffix` is random.
api::cluster::MachineSet machine_set_of(const api::cluster::MachineDeployment& deployment,
                                        const std::string& suffix, WallTime now);

/// What of the deployment goes to one of its sets without new Machines: the set with it. One that
/// is not the `current` of an OnDelete deployment makes no Machines any more.
api::cluster::MachineSet propagated(const api::cluster::MachineDeployment& deployment,
                                    const api::cluster::MachineSet& set, bool current);

/// The revision of the current set: above those of all others. An old template that became current
/// again gets a new one.
int current_revision(const MachineSets& sets);

/// The number of replicas that a deployment without one gets. An autoscaled one keeps what its sets
/// have, within the autoscaler's limits; one without sets begins as set_defaults says.
int missing_replicas(const api::cluster::MachineDeployment& deployment,
                     const std::vector<MachineSetPtr>& owned);

/// Counts, phase and conditions.
api::cluster::MachineDeployment observe(const api::cluster::MachineDeployment& deployment,
                                        const MachineSets& sets, std::string_view now);

}  // namespace nestor::cluster
