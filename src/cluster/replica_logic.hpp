#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cluster/common.hpp"
#include "base/json.hpp"
#include "kube/object.hpp"

/// What the owners of several Machines have in common. Pure.
namespace nestor::cluster {

/// A number or percentage of `total` as a number of Machines, a million at most; `fallback` when it
/// is neither.
int resolve_count(const Json& number_or_percent, int total, bool round_up, int fallback);

/// What a MachineSet or MachineDeployment counts.
struct ReplicaCounts {
  int wanted = 0;
  int have = 0;
  int ready = 0;
  int available = 0;
  /// Not ready only because their Nodes cannot be asked.
  int unknown = 0;
  int up_to_date = 0;
  /// Being replaced because they are unhealthy.
  int remediating = 0;
  bool deleting = false;
  bool paused = false;
  /// Why no Machine is made at the moment, or "".
  std::string blocked;
};

/// Puts the counts into `status` (of either kind), and the conditions ScalingUp, ScalingDown,
/// MachinesReady, MachinesUpToDate, Remediating, Deleting and Paused.
template <class Status>
void write_counts(const ReplicaCounts& counts, Status& status) {
  status.replicas = counts.have;
  status.readyReplicas = counts.ready;
  status.availableReplicas = counts.available;
  status.upToDateReplicas = counts.up_to_date;
}
std::vector<kube::Condition> replica_conditions(const ReplicaCounts& counts);

/// Sets each with the generation it was seen at.
void put_conditions(std::vector<kube::Condition>& conditions, std::vector<kube::Condition> news,
                    std::optional<std::int64_t> generation, std::string_view now);

}  // namespace nestor::cluster
