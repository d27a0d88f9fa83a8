#include "cluster/machine_health_logic.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "cluster/replica_logic.hpp"

namespace nestor::cluster {

namespace {

namespace names = api::cluster;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineHealthCheck;
using kube::Condition;

constexpr std::string_view kSucceeded = "HealthCheckSucceeded";
constexpr std::string_view kOwnerRemediated = "OwnerRemediated";
constexpr std::string_view kNodeDeleted = "NodeDeleted";
constexpr std::string_view kUnhealthyNode = "UnhealthyNode";
constexpr std::string_view kAllowed = "RemediationAllowed";
constexpr std::string_view kAllowedAgain =
    "not too many Machines are unhealthy any more: others have a moment to recover too";

Health unhealthy(std::string reason, std::string message) {
  return {.reason = std::move(reason),
          .message = std::move(message),
          .until_unhealthy = {},
          .repeated = false};
}

/// The first of `rules` that `conditions` have fulfilled for long enough, as a message; else the
/// time that the nearest still has goes into `next`.
std::string broken_rule(const std::vector<names::UnhealthyCondition>& rules,
                        const std::vector<Condition>& conditions, std::string_view of, WallTime now,
                        std::optional<Duration>& next) {
  for (const auto& rule : rules) {
    const Condition* found = kube::find_condition(conditions, rule.type);
    if (found == nullptr || found->status != rule.status) continue;
    const auto since = parse_rfc3339(found->lastTransitionTime);
    if (!since) continue;
    const auto limit = std::chrono::seconds(rule.timeoutSeconds.value_or(0));
    if (now >= *since + limit) {
      return std::string(of) + " has " + rule.type + " = " + rule.status + " for more than " +
             std::to_string(limit.count()) + " s";
    }
    keep_least(next, time_until(*since + limit, now));
  }
  return {};
}

/// When the wait for the Node began: everything that it needs was there.
std::optional<WallTime> startup_began(const Cluster& cluster, const Machine& machine) {
  auto latest = parse_rfc3339(machine.metadata.creationTimestamp);
  if (!latest) return std::nullopt;
  const auto later = [&](const std::vector<Condition>& conditions, std::string_view type) {
    const Condition* found = kube::find_condition(conditions, type);
    if (found == nullptr || found->status != "True") return;
    if (const auto since = parse_rfc3339(found->lastTransitionTime)) {
      latest = std::max(*latest, *since);
    }
  };
  later(cluster.status.conditions, "InfrastructureReady");
  later(cluster.status.conditions, "ControlPlaneInitialized");
  later(machine.status.conditions, "InfrastructureReady");
  return *latest;
}

Health judge_startup(const MachineHealthCheck& check, const Cluster& cluster,
                     const Machine& machine, WallTime now, std::optional<Duration> next) {
  const int limit = check.spec.checks.nodeStartupTimeoutSeconds.value_or(0);
  const auto began = startup_began(cluster, machine);
  if (limit > 0 && began) {
    const auto deadline = *began + std::chrono::seconds(limit);
    if (now >= deadline) {
      return unhealthy("NodeStartupTimeout",
                       "the Node did not come within " + std::to_string(limit) + " s");
    }
    keep_least(next, time_until(deadline, now));
  }
  return {.reason = {}, .message = {}, .until_unhealthy = next, .repeated = false};
}

/// It does not come back. One that never became a Node is replaced after a pause, for the next may
/// fail as well.
Health judge_failed(const Machine& machine, WallTime now) {
  constexpr std::chrono::minutes kPause{2};
  const auto born = parse_rfc3339(machine.metadata.creationTimestamp);
  if (machine.status.nodeRef.name.empty() && born && now < *born + kPause) {
    Health out;
    out.until_unhealthy = time_until(*born + kPause, now);
    return out;
  }
  const auto* why = kube::find_condition(machine.status.conditions, "InfrastructureReady");
  return unhealthy("UnhealthyMachine", why->message);
}

Health last_verdict(const Machine& machine, Duration until_settled) {
  Health out{.reason = {}, .message = {}, .until_unhealthy = until_settled, .repeated = true};
  const Condition* last = kube::find_condition(machine.status.conditions, kSucceeded);
  if (last == nullptr || last->status != "False") return out;
  out.reason = last->reason;
  out.message = last->message;
  return out;
}

/// How long a check that may remediate waits for others to recover; nothing where there never were
/// too many, or not for long enough. While it waits its condition has a message.
std::optional<Duration> wait_for_others(const MachineHealthCheck& check, int unhealthy,
                                        WallTime now) {
  const auto& status = check.status;
  const Condition* last = kube::find_condition(status.conditions, kAllowed);
  if (last == nullptr) return std::nullopt;
  if (last->status != "True") {
    // From below into a range: nobody recovers.
    const bool more =
        unhealthy > status.expectedMachines.value_or(0) - status.currentHealthy.value_or(0);
    return more ? std::nullopt : std::optional(kTenantGrace);
  }
  const auto since = parse_rfc3339(last->lastTransitionTime);
  if (last->message.empty() || !since) return std::nullopt;
  const auto left = time_until(*since + kTenantGrace, now);
  return left > Duration(0) ? std::optional(left) : std::nullopt;
}

bool ready_to_judge(const Cluster& cluster) {
  return cluster.status.initialization.infrastructureProvisioned.value_or(false) &&
         cluster.status.initialization.controlPlaneInitialized.value_or(false);
}

}  // namespace

bool is_target(const MachineHealthCheck& check, const Machine& machine) {
  const auto& notes = machine.metadata.annotations;
  return machine.spec.clusterName == check.spec.clusterName && !machine.metadata.deleting() &&
         !check.spec.selector.empty() &&
         api::matches(check.spec.selector, machine.metadata.labels) &&
         !notes.contains(std::string(names::kPausedAnnotation)) &&
         !notes.contains(std::string(names::kSkipRemediationAnnotation));
}

Health judge(const MachineHealthCheck& check, const Cluster& cluster, const HealthTarget& target,
             WallTime now, std::optional<Duration> until_settled) {
  const Machine& machine = *target.machine;
  if (machine.metadata.annotations.contains(std::string(names::kRemediateMachineAnnotation))) {
    return unhealthy("HasRemediateAnnotation", "somebody asked for its remediation");
  }
  if (!ready_to_judge(cluster)) return {};
  if (names::infrastructure_failed(machine)) return judge_failed(machine, now);
  if (until_settled) return last_verdict(machine, *until_settled);
  std::optional<Duration> next;
  const auto& checks = check.spec.checks;
  std::string broken = broken_rule(checks.unhealthyMachineConditions, machine.status.conditions,
                                   "the Machine", now, next);
  if (!broken.empty()) return unhealthy("UnhealthyMachine", std::move(broken));
  if (machine.status.nodeRef.name.empty()) {
    return judge_startup(check, cluster, machine, now, next);
  }
  if (!target.node) {
    return unhealthy(std::string(kNodeDeleted), "Node " + machine.status.nodeRef.name + " is gone");
  }
  broken = broken_rule(checks.unhealthyNodeConditions, target.node->status.conditions, "the Node",
                       now, next);
  if (!broken.empty()) return unhealthy(std::string(kUnhealthyNode), std::move(broken));
  return {.reason = {}, .message = {}, .until_unhealthy = next, .repeated = false};
}

bool newly_blames_node(const Machine& machine, const Health& health) {
  if (health.reason != kNodeDeleted && health.reason != kUnhealthyNode) return false;
  const Condition* last = kube::find_condition(machine.status.conditions, kSucceeded);
  return !health.repeated && (last == nullptr || last->status != "False");
}

Allowance allowance(const MachineHealthCheck& check, int total, int unhealthy, WallTime now) {
  const auto& trigger = check.spec.remediation.triggerIf;
  int least = 0;
  // Without a limit all may be; one that cannot be understood allows none.
  const auto& limit_given = trigger.unhealthyLessThanOrEqualTo;
  int most = resolve_count(limit_given, total, false, limit_given.is_null() ? total : 0);
  std::string limit = "at most " + std::to_string(most);
  if (!trigger.unhealthyInRange.empty()) {
    const auto range = names::parse_range(trigger.unhealthyInRange);
    if (!range) return {.allowed = false, .remaining = 0, .message = range.error().message};
    least = range->first;
    most = range->second;
    limit = "in the range " + trigger.unhealthyInRange;
  }
  Allowance out;
  out.allowed = unhealthy >= least && unhealthy <= most;
  out.remaining = out.allowed ? most - unhealthy : 0;
  if (!out.allowed) {
    out.message = std::to_string(unhealthy) + " of " + std::to_string(total) +
                  " Machines are unhealthy, remediation is for " + limit;
    return out;
  }
  out.wait = wait_for_others(check, unhealthy, now);
  if (out.wait) out.message = kAllowedAgain;
  return out;
}

bool may_remediate(const Machine& machine, const Allowance& allowed) {
  return allowed.allowed &&
         (!allowed.wait || names::infrastructure_failed(machine) ||
          machine.metadata.annotations.contains(std::string(names::kRemediateMachineAnnotation)));
}

Machine marked(const Machine& machine, const Health& health, bool remediate, std::string_view now) {
  Machine out = machine;
  auto& conditions = out.status.conditions;
  Condition succeeded = kube::make_condition(
      kSucceeded, health.healthy(), health.healthy() ? kSucceeded : std::string_view(health.reason),
      health.message, machine.metadata.generation);
  kube::set_condition(conditions, std::move(succeeded), now);
  const Condition* remediated = kube::find_condition(conditions, kOwnerRemediated);
  if (health.healthy()) {
    std::erase_if(conditions, [](const auto& one) { return one.type == kOwnerRemediated; });
  } else if (remediate && (remediated == nullptr || remediated->status == "True")) {
    Condition waiting = kube::make_condition(kOwnerRemediated, false, "WaitingForRemediation",
                                             "waiting for the owner to replace the Machine",
                                             machine.metadata.generation);
    kube::set_condition(conditions, std::move(waiting), now);
  }
  return out;
}

MachineHealthCheck observe(const MachineHealthCheck& check,
                           const std::vector<HealthTarget>& targets, int healthy,
                           const Allowance& allowed, std::string_view now) {
  MachineHealthCheck out = check;
  auto& status = out.status;
  status.expectedMachines = static_cast<std::int32_t>(targets.size());
  status.currentHealthy = healthy;
  status.remediationsAllowed = allowed.remaining;
  status.targets.clear();
  for (const auto& target : targets) status.targets.push_back(target.machine->metadata.name);
  std::ranges::sort(status.targets);
  status.observedGeneration = check.metadata.generation;
  put_conditions(
      status.conditions,
      {kube::make_condition(kAllowed, allowed.allowed,
                            allowed.allowed ? kAllowed : "TooManyUnhealthy", allowed.message),
       kube::make_condition("Paused", false, "NotPaused")},
      check.metadata.generation, now);
  return out;
}

bool awaits_remediation(const Machine& machine) {
  const Condition* succeeded = kube::find_condition(machine.status.conditions, kSucceeded);
  const Condition* remediated = kube::find_condition(machine.status.conditions, kOwnerRemediated);
  return succeeded != nullptr && succeeded->status == "False" && remediated != nullptr &&
         remediated->status == "False";
}

}  // namespace nestor::cluster
