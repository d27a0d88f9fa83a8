#include "autoscale/simulation/drain_rules.hpp"

#include <algorithm>
#include <array>

namespace nestor::autoscale {
namespace {

constexpr const char* kSafeToEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict";
constexpr const char* kSafeLocalVolumes =
    "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
constexpr std::chrono::seconds kTerminationHeadroom(30);
/// Owners that make a pod anew elsewhere.
constexpr std::array<std::string_view, 4> kReplicating{"ReplicationController", "Job", "ReplicaSet",
                                                       "StatefulSet"};

enum class Class : std::uint8_t { kMoving, kStaying, kBlocking, kWaiting };

struct Judgement {
  Class is = Class::kMoving;
  std::string reason;
  std::string message;
};

/// Deleted, and past its grace period by a while: nothing waits for it.
bool long_terminating(const Pod& pod, WallTime now) {
  if (!pod.metadata.deleting()) return false;
  // deletionTimestamp is when the grace period ends.
  const auto ends = parse_rfc3339(pod.metadata.deletionTimestamp);
  return ends && now > *ends + kTerminationHeadroom;
}

/// Whether a volume stays behind that the annotation does not excuse.
bool keeps_local_data(const Pod& pod) {
  const std::string_view excused = pod.metadata.annotation(kSafeLocalVolumes);
  return std::ranges::any_of(pod.local_volumes, [&](const std::string& volume) {
    std::string_view rest = excused;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ')) one.remove_suffix(1);
      if (one == volume) return false;
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    return true;
  });
}

bool replicated(const Pod& pod, const DrainRules& rules) {
  const auto* owner = pod.metadata.controller();
  if (owner == nullptr) return false;
  return !rules.skip_nodes_with_custom_controller_pods ||
         std::ranges::find(kReplicating, owner->kind) != kReplicating.end();
}

Judgement judge(const Pod& pod, const Budgets& budgets, const DrainRules& rules, WallTime now) {
  const std::string name = pod.metadata.key().to_string();
  if (pod.mirror() || long_terminating(pod, now)) return {Class::kStaying, "", ""};
  if (pod.owned_by("DaemonSet")) return {Class::kStaying, "", ""};
  const std::string_view safe = pod.metadata.annotation(kSafeToEvict);
  const auto by_budget = [&]() -> Judgement {
    if (const auto budget = budgets.exhausted(pod); !budget.empty()) {
      return {Class::kBlocking, "NotEnoughPdb",
              "PodDisruptionBudget " + budget + " allows no disruption of pod " + name};
    }
    return {};
  };
  if (pod.finished()) return {Class::kStaying, "", ""};
  if (safe == "true") return by_budget();
  if (safe == "on-completion") {
    return {Class::kWaiting, "OnCompletion", "pod " + name + " is to finish by itself"};
  }
  if (!replicated(pod, rules)) {
    return {Class::kBlocking, "NotReplicated", "nothing would make pod " + name + " anew"};
  }
  if (rules.skip_nodes_with_system_pods && pod.metadata.namespace_ == "kube-system" &&
      !budgets.covered(pod)) {
    return {Class::kBlocking, "UnmovableKubeSystemPod",
            "pod " + name + " is part of the system and has no PodDisruptionBudget"};
  }
  if (safe == "false") {
    return {Class::kBlocking, "NotSafeToEvictAnnotation",
            "pod " + name + " is annotated safe-to-evict=false"};
  }
  if (rules.skip_nodes_with_local_storage && keeps_local_data(pod)) {
    return {Class::kBlocking, "LocalStorageRequested", "pod " + name + " keeps data on the node"};
  }
  return by_budget();
}

}  // namespace

bool Budgets::covered(const Pod& pod) const {
  return std::ranges::any_of(budgets_, [&](const Budget& one) { return one.covers(pod); });
}

std::string Budgets::exhausted(const Pod& pod) const {
  for (const Budget& one : budgets_) {
    if (one.allowed < 1 && one.covers(pod)) return one.ns + "/" + one.name;
  }
  return "";
}

void Budgets::use(const Pod& pod) {
  for (Budget& one : budgets_) {
    if (one.covers(pod)) --one.allowed;
  }
}

DrainVerdict judge_drain(const std::vector<PodPtr>& pods, const Budgets& budgets,
                         const DrainRules& rules, WallTime now) {
  DrainVerdict out;
  for (const PodPtr& pod : pods) {
    Judgement judged = judge(*pod, budgets, rules, now);
    switch (judged.is) {
      case Class::kStaying:
        out.staying.push_back(pod);
        break;
      case Class::kMoving:
        out.moving.push_back(pod);
        break;
      case Class::kWaiting:
      case Class::kBlocking:
        out.blocking = pod;
        out.reason = std::move(judged.reason);
        out.message = std::move(judged.message);
        out.waits_for_completion = judged.is == Class::kWaiting;
        return out;
    }
  }
  return out;
}

}  // namespace nestor::autoscale
