#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autoscale/simulation/pod.hpp"
#include "base/clock.hpp"

namespace nestor::autoscale {

/// A PodDisruptionBudget as it stands.
struct Budget {
  std::string ns;
  std::string name;
  std::optional<Requirements> selector;
  std::int64_t allowed = 0;

  bool covers(const Pod& pod) const {
    return pod.metadata.namespace_ == ns && selector && matches(*selector, pod.shape->labels);
  }
};

/// Budgets that shrink while nodes are emptied in thought.
class Budgets {
 public:
  explicit Budgets(std::vector<Budget> budgets) : budgets_(std::move(budgets)) {}
  bool covered(const Pod& pod) const;
  /// The name of a budget that does not allow one disruption more of the pod; "" when all do.
  std::string exhausted(const Pod& pod) const;
  /// Counts one disruption.
  void use(const Pod& pod);

 private:
  std::vector<Budget> budgets_;
};

/// Which pods keep a node from going.
struct DrainRules {
  bool skip_nodes_with_system_pods = true;
  bool skip_nodes_with_local_storage = true;
  bool skip_nodes_with_custom_controller_pods = true;
};

using PodPtr = std::shared_ptr<const Pod>;

/// What emptying a node means for the pods on it.
struct DrainVerdict {
  /// Need a place elsewhere.
  std::vector<PodPtr> moving;
  /// End with the node: of DaemonSets, finished ones, mirrors.
  std::vector<PodPtr> staying;
  /// The pod that forbids it, or null; with upstream's name for why, and a sentence.
  PodPtr blocking;
  std::string reason;
  std::string message;
  /// It only has to finish by itself (safe-to-evict=on-completion).
  bool waits_for_completion = false;
};

/// By upstream's rules, in their order: mirrors, long-terminating, DaemonSets, safe-to-evict,
/// finished, not replicated, kube-system, not safe to evict, local storage, disruption budgets. A
/// budget blocks when it allows no disruption at all: a drain takes pods that share one in turn.
DrainVerdict judge_drain(const std::vector<PodPtr>& pods, const Budgets& budgets,
                         const DrainRules& rules, WallTime now);

}  // namespace nestor::autoscale
