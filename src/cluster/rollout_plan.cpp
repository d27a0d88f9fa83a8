#include "cluster/rollout_plan.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/text.hpp"
#include "cluster/replica_logic.hpp"

namespace nestor::cluster {

namespace {

using api::cluster::MachineDeployment;
using api::cluster::MachineSet;

int replicas_of(const MachineSet& set) { return set.spec.replicas.value_or(1); }
int actual_of(const MachineSet& set) { return set.status.replicas.value_or(0); }
/// Whether the set's numbers are about what it wants now.
bool counted(const MachineSet& set) {
  return set.status.replicas && set.status.observedGeneration == set.metadata.generation;
}
int available_of(const MachineSet& set) { return set.status.availableReplicas.value_or(0); }
int idle_of(const MachineSet& set) { return std::max(0, replicas_of(set) - available_of(set)); }

/// How many of the set's Machines serve nothing and will not by themselves. Those that only wait
/// for minReadySeconds will, and those whose Nodes cannot be asked may well do.
int broken_of(const MachineSet& set) {
  const auto* ready = kube::find_condition(set.status.conditions, "MachinesReady");
  if (ready != nullptr && ready->status == "Unknown") return 0;
  const int good = std::max(set.status.readyReplicas.value_or(0), available_of(set));
  return std::max(0, replicas_of(set) - good);
}

std::vector<int> each_of(const std::vector<MachineSetPtr>& sets, int (*count)(const MachineSet&)) {
  std::vector<int> out;
  for (const auto& set : sets) out.push_back(count(*set));
  return out;
}

/// Takes up to `budget` Machines off the old sets, at most `most` of each, oldest set first.
int shrink(std::vector<int>& replicas, const std::vector<int>& most, int budget) {
  int taken = 0;
  for (std::size_t i = 0; i < replicas.size() && taken < budget; ++i) {
    const int now = std::min({replicas[i], most[i], budget - taken});
    replicas[i] -= now;
    taken += now;
  }
  return taken;
}

/// Whether all Machines that the sets want are there and none else: no step is under way.
bool settled(const MachineSets& sets) {
  return std::ranges::all_of(all_of(sets),
                             [](const auto& set) { return replicas_of(*set) == actual_of(*set); });
}

void plan_old_sets(const MachineDeployment& deployment, const MachineSets& sets,
                   const RolloutLimits& limits, RolloutPlan& plan) {
  const int wanted = deployment.spec.replicas.value_or(1);
  int total = 0;
  int available = 0;
  for (const auto& set : all_of(sets)) {
    total += replicas_of(*set);
    available += std::min(available_of(*set), replicas_of(*set));
  }
  const int least = wanted - limits.unavailable;
  const int now = sets.current ? replicas_of(*sets.current) : 0;
  const int new_missing = sets.current ? std::max(0, now - available_of(*sets.current)) : 0;
  int budget = total - least - new_missing;
  if (budget <= 0) {
    // New ones that do not become available and broken old ones would wait for each other for
    // ever. One broken one more than the limits say goes, and makes room for a new one.
    const bool stuck = new_missing > 0 && new_missing <= limits.surge && plan.current <= now;
    if (stuck && settled(sets)) shrink(plan.old, each_of(sets.old, broken_of), 1);
    return;
  }
  // Machines that serve nothing go first: that costs no availability.
  budget -= shrink(plan.old, each_of(sets.old, idle_of), budget);
  const std::vector<int> any(plan.old.size(), wanted + total);
  shrink(plan.old, any, std::min(budget, std::max(0, available - least)));
}

RolloutPlan plan_on_delete(const MachineDeployment& deployment, const MachineSets& sets) {
  RolloutPlan plan;
  int old_total = 0;
  for (const auto& set : sets.old) {
    // An old set never makes up for a Machine that a person deleted.
    const int wanted = replicas_of(*set);
    plan.old.push_back(counted(*set) ? std::min(wanted, actual_of(*set)) : wanted);
    old_total += plan.old.back();
  }
  const int wanted = deployment.spec.replicas.value_or(1);
  plan.current = std::max(0, wanted - old_total);
  // Fewer are wanted than the old sets have: nobody deletes those but us.
  int over = old_total + plan.current - wanted;
  if (over > 0) {
    const std::vector<int> any(plan.old.size(), over);
    shrink(plan.old, any, over);
  }
  return plan;
}

int annotation_number(const MachineSet& set, std::string_view name, int fallback) {
  return parse_number<int>(set.metadata.annotation(name)).value_or(fallback);
}

/// One of the sets while they are scaled in proportion.
struct Share {
  const MachineSet* set;
  int* replicas;
};

/// The sets that have Machines, oldest first, with where their number stands in `plan`.
std::vector<Share> active_shares(const MachineSets& sets, RolloutPlan& plan) {
  std::vector<Share> shares;
  for (std::size_t i = 0; i < sets.old.size(); ++i) {
    if (plan.old[i] > 0) shares.push_back({sets.old[i].get(), &plan.old[i]});
  }
  if (sets.current && plan.current > 0) shares.push_back({sets.current.get(), &plan.current});
  return shares;
}

void spread(std::vector<Share> shares, int allowed) {
  int total = 0;
  for (const Share& share : shares) total += *share.replicas;
  int left = allowed - total;
  // Growth is for the newest, loss for the oldest.
  if (left > 0) std::ranges::reverse(shares);
  for (const Share& share : shares) {
    const int most = annotation_number(*share.set, api::cluster::kMaxReplicasAnnotation, total);
    if (most <= 0) continue;
    const int before = *share.replicas;
    const int fair = (2 * before * allowed + most) / (2 * most);
    const int change = left > 0 ? std::clamp(fair - before, 0, left)
                                : std::clamp(fair - before, std::max(left, -before), 0);
    *share.replicas += change;
    left -= change;
  }
  for (const Share& share : shares) {
    const int change = std::max(left, -*share.replicas);
    *share.replicas += change;
    left -= change;
  }
}

}  // namespace

RolloutLimits rollout_limits(const MachineDeployment& deployment) {
  const int total = deployment.spec.replicas.value_or(1);
  const auto& rolling = deployment.spec.rollout.strategy.rollingUpdate;
  RolloutLimits limits{resolve_count(rolling.maxSurge, total, true, 1),
                       resolve_count(rolling.maxUnavailable, total, false, 0)};
  if (limits.surge == 0 && limits.unavailable == 0) limits.unavailable = 1;
  return limits;
}

RolloutPlan plan_rollout(const MachineDeployment& deployment, const MachineSets& sets) {
  if (deployment.spec.rollout.strategy.type == "OnDelete") {
    return plan_on_delete(deployment, sets);
  }
  const int wanted = deployment.spec.replicas.value_or(1);
  const RolloutLimits limits = rollout_limits(deployment);
  RolloutPlan plan;
  int old_spec = 0;
  int old_actual = 0;
  for (const auto& set : sets.old) {
    plan.old.push_back(replicas_of(*set));
    old_spec += replicas_of(*set);
    old_actual += std::max(replicas_of(*set), actual_of(*set));
  }
  const int now = sets.current ? replicas_of(*sets.current) : 0;
  if (old_actual == 0 || now > wanted) {
    plan.current = wanted;
  } else {
    // Machines that are still going count: the surge is a limit of real machines.
    const int room = wanted + limits.surge - (now + old_actual);
    plan.current = std::min(wanted, now + std::max(0, room));
  }
  if (old_spec > 0) plan_old_sets(deployment, sets, limits, plan);
  return plan;
}

RolloutPlan plan_paused(const MachineDeployment& deployment, const MachineSets& sets) {
  RolloutPlan plan;
  plan.current = sets.current ? replicas_of(*sets.current) : 0;
  for (const auto& set : sets.old) plan.old.push_back(replicas_of(*set));
  const int wanted = deployment.spec.replicas.value_or(1);
  auto shares = active_shares(sets, plan);
  if (shares.size() < 2) {
    int* only = !shares.empty()     ? shares.front().replicas
                : sets.current      ? &plan.current
                : !plan.old.empty() ? &plan.old.back()
                                    : nullptr;
    if (only != nullptr) *only = wanted;
    return plan;
  }
  const bool scaled = std::ranges::any_of(shares, [&](const Share& share) {
    return annotation_number(*share.set, api::cluster::kDesiredReplicasAnnotation, wanted) !=
           wanted;
  });
  if (!scaled) return plan;
  const int surge =
      deployment.spec.rollout.strategy.type == "OnDelete" ? 0 : rollout_limits(deployment).surge;
  spread(std::move(shares), wanted == 0 ? 0 : wanted + surge);
  return plan;
}

}  // namespace nestor::cluster
