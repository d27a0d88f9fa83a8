#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscale/simulation/drain_rules.hpp"
#include "autoscale/simulation/snapshot.hpp"

namespace nestor::autoscale {

/// What would follow from taking a node away.
struct Removal {
  bool possible = false;
  /// Pods that get another place; empty for an idle node.
  std::vector<PodPtr> moving;
  /// Upstream's reason why not ("BlockedByPod", "NoPlaceToMovePods", "BlockedByOnCompletionPod"),
  /// and a sentence.
  std::string reason;
  std::string message;
};

/// Takes nodes away in thought, one after the other: what was decided for one stands for the next.
class RemovalSimulator {
 public:
  /// `pods`: by index in the snapshot; null for pods that only a template brought.
  RemovalSimulator(Snapshot& snapshot, const std::vector<PodPtr>& pods, Budgets budgets,
                   DrainRules rules, WallTime now)
      : snapshot_(snapshot), pods_(pods), budgets_(std::move(budgets)), rules_(rules), now_(now) {}

  /// If possible, the node is closed afterwards and its pods are elsewhere; else nothing changed.
  Removal try_remove(NodeIndex node);

 private:
  /// Moves all of them; false when one finds no place, which `stuck` then names.
  bool move(const std::vector<PodIndex>& moving, PodIndex& stuck);

  Snapshot& snapshot_;
  const std::vector<PodPtr>& pods_;
  Budgets budgets_;
  DrainRules rules_;
  WallTime now_;
  /// Where the last pod of a class found a place: the next one most likely finds it near there.
  std::map<ClassIndex, NodeIndex> hints_;
};

/// Pods that count neither as a use of the node nor as a part of it that others could use.
struct UtilizationRules {
  bool ignore_daemons = false;
  bool ignore_mirrors = false;
};
/// The greater of the shares of CPU and memory that the node's pods ask for; of a node with
/// `gpu_resource` the share of that alone. At most 1 for a node that is not overfull.
double utilization(const Snapshot& snapshot, const std::vector<PodPtr>& pods, NodeIndex node,
                   const UtilizationRules& rules, const std::string& gpu_resource = {});

}  // namespace nestor::autoscale
