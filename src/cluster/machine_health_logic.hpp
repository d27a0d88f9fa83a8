#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/core/node.hpp"
#include "base/clock.hpp"

/// Which Machines a MachineHealthCheck finds unhealthy, and what may be done. Pure; expects a
/// defaulted check.
namespace nestor::cluster {

struct HealthTarget {
  std::shared_ptr<const api::cluster::Machine> machine;
  /// As the tenant has it; null when it is not there.
  std::shared_ptr<const api::core::Node> node;
};

struct Health {
  /// "" while healthy, else the reason of the condition HealthCheckSucceeded.
  std::string reason;
  std::string message;
  /// Until the Machine becomes unhealthy if nothing changes; nothing when never.
  std::optional<Duration> until_unhealthy;
  /// What was said before, for nothing can be said yet: not to be acted on.
  bool repeated = false;
  bool healthy() const { return reason.empty(); }
};

/// Whether the check looks at the Machine at all: selected, of its cluster, not being deleted, not
/// paused, without the annotation that skips remediation.
bool is_target(const api::cluster::MachineHealthCheck& check, const api::cluster::Machine& machine);

/// How long a tenant must have been connected before its silence counts: its Nodes may have been
/// cut off as well, and what is cached of them be old. As long must few enough have been unhealthy,
/// after there were too many, before those are replaced: more may be about to recover.
inline constexpr Duration kTenantGrace = std::chrono::seconds(90);

/// Machines of a cluster whose infrastructure or control plane is not there yet are healthy. While
/// there is something `until_settled`, only a person's word and failed infrastructure count.
Health judge(const api::cluster::MachineHealthCheck& check, const api::cluster::Cluster& cluster,
             const HealthTarget& target, WallTime now, std::optional<Duration> until_settled = {});

/// Whether the verdict is news, and of the Node: one to make sure of with the Node as it is now.
bool newly_blames_node(const api::cluster::Machine& machine, const Health& health);

struct Allowance {
  bool allowed = true;
  /// How many more may become unhealthy before nothing is remediated any more.
  int remaining = 0;
  /// Why not, or not yet, or "".
  std::string message;
  /// While there is something: allowed again, but only since a moment ago, and for so much longer
  /// not acted on.
  std::optional<Duration> wait = {};
};
/// Goes by the check's status too, which tells how it was before, and since when.
Allowance allowance(const api::cluster::MachineHealthCheck& check, int total, int unhealthy,
                    WallTime now);

/// Whether an unhealthy Machine may be remediated now. One that a person gave up, or whose
/// infrastructure failed, does not recover: it waits for no others.
bool may_remediate(const api::cluster::Machine& machine, const Allowance& allowed);

/// The Machine with the conditions HealthCheckSucceeded and, where its owner shall replace it,
/// OwnerRemediated.
api::cluster::Machine marked(const api::cluster::Machine& machine, const Health& health,
                             bool remediate, std::string_view now);

/// Counts, targets and conditions of the check.
api::cluster::MachineHealthCheck observe(const api::cluster::MachineHealthCheck& check,
                                         const std::vector<HealthTarget>& targets, int healthy,
                                         const Allowance& allowed, std::string_view now);

/// Whether the Machine waits for its owner to replace it.
bool awaits_remediation(const api::cluster::Machine& machine);

}  // namespace nestor::cluster
