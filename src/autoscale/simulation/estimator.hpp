#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscale/simulation/snapshot.hpp"

namespace nestor::autoscale {

/// Pending pods that are all alike to the scheduler.
struct PodGroup {
  ClassIndex pod_class = 0;
  std::vector<PodIndex> pods;
};
/// In the order in which the classes first appear.
std::vector<PodGroup> group_pods(const Snapshot& snapshot, const std::vector<PodIndex>& pods);

/// What a node group would add: the node, and the pods of DaemonSets that come with it.
struct NodeTemplate {
  std::shared_ptr<const Node> node;
  std::vector<ClassIndex> daemons;
};

struct Estimate {
  /// New nodes that at least one of `pods` needs.
  int nodes = 0;
  std::vector<PodIndex> pods;
  /// Why not even an empty new node takes a pod of the class, in the scheduler's words.
  std::map<ClassIndex, std::string> refused;
};

/// How many nodes like `node` the pods need, by first-fit-decreasing over CPU and memory; at most
/// `max_nodes`. Pods that still do not fit then are left out.
class Estimator {
 public:
  explicit Estimator(Snapshot& snapshot, Deadline deadline = {})
      : snapshot_(snapshot), deadline_(deadline) {}
  /// Leaves the snapshot as it was. After the deadline it looks at no more pods.
  Estimate estimate(const std::vector<PodGroup>& groups, const NodeTemplate& node, int max_nodes);
  /// The same for pods that were estimated, whatever the time, and leaves the new nodes and the
  /// pods on them in the snapshot.
  Estimate apply(const std::vector<PodGroup>& groups, const NodeTemplate& node, int max_nodes);
  /// Adds one node like `node`, with its daemons.
  NodeIndex add_node(const NodeTemplate& node);

 private:
  struct Run;
  Estimate pack(const std::vector<PodGroup>& groups, const NodeTemplate& node, int max_nodes,
                const Deadline& deadline);
  void place_group(Run& run, const PodGroup& group);
  Snapshot& snapshot_;
  Deadline deadline_;
  /// Makes the names of new nodes differ.
  int serial_ = 0;
};

}  // namespace nestor::autoscale
