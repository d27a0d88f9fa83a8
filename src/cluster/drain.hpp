#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core/pod.hpp"
#include "api/policy/pod_disruption_budget.hpp"
#include "base/clock.hpp"

/// What emptying a Node means for each pod on it, and when to ask for which eviction. Pure.
namespace nestor::cluster {

using PodPtr = std::shared_ptr<const api::core::Pod>;
using BudgetPtr = std::shared_ptr<const api::policy::PodDisruptionBudget>;

enum class DrainBehavior {
  /// Evicted, and waited for.
  kEvict,
  /// Left alone: of DaemonSets, mirrors of static pods, finished ones, labelled "skip".
  kSkip,
  /// Not evicted, but waited for (label "wait-completed").
  kWaitCompleted,
};
DrainBehavior drain_behavior(const api::core::Pod& pod);

/// An eviction that the tenant refused.
struct Refusal {
  std::string reason;
  /// The pod's readiness and its disruption budgets as they were known then: while these stay as
  /// they are, so does the answer.
  std::string circumstances;
  /// When to ask again in any case; nothing when a budget must change first.
  std::optional<WallTime> again;
};
/// By the pod's uid. Only saves asking too early; lost at a restart.
using Refusals = std::map<std::string, Refusal>;

struct DrainView {
  /// All of the Node.
  std::vector<PodPtr> pods;
  /// All of the tenant.
  std::vector<BudgetPtr> budgets;
  /// The Node does not report any more: nobody will confirm that its pods ended.
  bool unreachable = false;
  WallTime now;
};

/// The pods that still have to leave.
struct DrainPlan {
  /// Ask for their eviction now.
  std::vector<PodPtr> evict;
  /// Refused before, and nothing changed since.
  std::vector<PodPtr> blocked;
  /// Being deleted already.
  std::vector<PodPtr> ending;
  /// Only waited for.
  std::vector<PodPtr> finishing;
  bool done() const {
    return evict.empty() && blocked.empty() && ending.empty() && finishing.empty();
  }
};
DrainPlan plan_drain(const DrainView& view, const Refusals& refusals);

/// What is remembered when the eviction of `pod` failed with `error`.
Refusal refusal_of(const DrainView& view, const api::core::Pod& pod, const Error& error,
                   WallTime now);

/// One sentence that names the pods that are left and why; "" when none is.
std::string describe(const DrainPlan& plan, const DrainView& view, const Refusals& refusals);

/// Until the next eviction has to be asked for again without anything else happening.
std::optional<Duration> until_retry(const DrainPlan& plan, const Refusals& refusals, WallTime now);

}  // namespace nestor::cluster
