#include "cluster/drain.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace nestor::cluster {

namespace {

using api::core::Pod;

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kDrainLabel = "cluster.x-k8s.io/drain";
/// After a refusal that no budget explains (a webhook's, a server's fault).
constexpr Duration kEvictAgain = std::chrono::seconds(10);
/// Pods of one sort that a message names.
constexpr std::size_t kNamed = 5;

bool covers(const api::policy::PodDisruptionBudget& budget, const Pod& pod) {
  return budget.metadata.namespace_ == pod.metadata.namespace_ && budget.spec.selector &&
         api::matches(*budget.spec.selector, pod.metadata.labels);
}

/// A budget of the pod that allows no disruption, or null.
BudgetPtr exhausted_budget(const DrainView& view, const Pod& pod) {
  const auto found = std::ranges::find_if(view.budgets, [&](const BudgetPtr& budget) {
    return covers(*budget, pod) && budget->status.disruptionsAllowed <= 0;
  });
  return found == view.budgets.end() ? nullptr : *found;
}

std::string circumstances_of(const DrainView& view, const Pod& pod) {
  std::string out = api::core::ready(pod) ? "ready" : "unready";
  for (const BudgetPtr& budget : view.budgets) {
    if (!covers(*budget, pod)) continue;
    out += " " + budget->metadata.name + "@" + budget->metadata.resourceVersion;
  }
  return out;
}

bool ask_again(const DrainView& view, const Pod& pod, const Refusal& refusal) {
  if (refusal.again && view.now >= *refusal.again) return true;
  if (circumstances_of(view, pod) == refusal.circumstances) return false;
  // A budget lets go of unready pods by its own rules, which only the API server knows.
  return exhausted_budget(view, pod) == nullptr || !api::core::ready(pod);
}

void add_part(std::string& text, const std::string& part) {
  if (!text.empty()) text += "; ";
  text += part;
}

void add_names(std::string& text, const std::string& what, const std::vector<PodPtr>& pods) {
  if (pods.empty()) return;
  std::vector<std::string> names;
  for (const PodPtr& pod : pods) names.push_back(pod->metadata.key().to_string());
  add_part(text, what + joined_some(names, kNamed));
}

std::string why_blocked(const DrainView& view, const Pod& pod, const Refusals& refusals) {
  if (const auto budget = exhausted_budget(view, pod)) {
    return "pod disruption budget " + budget->metadata.name + " needs " +
           std::to_string(budget->status.desiredHealthy) + " healthy pods and has " +
           std::to_string(budget->status.currentHealthy);
  }
  const auto refused = refusals.find(pod.metadata.uid);
  return refused == refusals.end() ? "" : refused->second.reason;
}

}  // namespace

DrainBehavior drain_behavior(const Pod& pod) {
  if (api::core::finished(pod)) return DrainBehavior::kSkip;
  if (pod.metadata.annotations.contains(std::string(kMirrorAnnotation))) {
    return DrainBehavior::kSkip;
  }
  const auto* owner = pod.metadata.controller();
  if (owner != nullptr && owner->kind == "DaemonSet") return DrainBehavior::kSkip;
  const std::string asked = lower(pod.metadata.label(kDrainLabel));
  if (asked == "skip") return DrainBehavior::kSkip;
  if (asked == "wait-completed") return DrainBehavior::kWaitCompleted;
  return DrainBehavior::kEvict;
}

DrainPlan plan_drain(const DrainView& view, const Refusals& refusals) {
  DrainPlan plan;
  for (const PodPtr& pod : view.pods) {
    const DrainBehavior behavior = drain_behavior(*pod);
    if (behavior == DrainBehavior::kSkip) continue;
    if (pod->metadata.deleting()) {
      if (!view.unreachable) plan.ending.push_back(pod);
      continue;
    }
    if (behavior == DrainBehavior::kWaitCompleted) {
      plan.finishing.push_back(pod);
      continue;
    }
    const auto refused = refusals.find(pod->metadata.uid);
    const bool ask = refused == refusals.end() || ask_again(view, *pod, refused->second);
    (ask ? plan.evict : plan.blocked).push_back(pod);
  }
  return plan;
}

Refusal refusal_of(const DrainView& view, const Pod& pod, const Error& error, WallTime now) {
  Refusal refusal;
  refusal.reason = error.message;
  refusal.circumstances = circumstances_of(view, pod);
  // That a budget's controller lags behind comes with a time; a budget that is used up does not.
  if (error.retry_after) {
    refusal.again = now + *error.retry_after;
  } else if (error.code != Code::kResourceExhausted || !exhausted_budget(view, pod)) {
    refusal.again = now + kEvictAgain;
  }
  return refusal;
}

std::string describe(const DrainPlan& plan, const DrainView& view, const Refusals& refusals) {
  std::string text;
  for (std::size_t i = 0; i < std::min(plan.blocked.size(), kNamed); ++i) {
    const Pod& pod = *plan.blocked[i];
    add_part(text, "pod " + pod.metadata.key().to_string() +
                       " cannot be evicted: " + why_blocked(view, pod, refusals));
  }
  if (plan.blocked.size() > kNamed) {
    add_part(text, std::to_string(plan.blocked.size() - kNamed) + " more cannot be evicted");
  }
  add_names(text, "waiting until completed: ", plan.finishing);
  auto ending = plan.ending;
  ending.insert(ending.end(), plan.evict.begin(), plan.evict.end());
  add_names(text, "ending: ", ending);
  return text;
}

std::optional<Duration> until_retry(const DrainPlan& plan, const Refusals& refusals, WallTime now) {
  std::optional<Duration> least;
  for (const PodPtr& pod : plan.blocked) {
    const auto refused = refusals.find(pod->metadata.uid);
    if (refused == refusals.end() || !refused->second.again) continue;
    keep_least(least, time_until(*refused->second.again, now));
  }
  return least;
}

}  // namespace nestor::cluster
