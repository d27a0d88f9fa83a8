#include "autoscale/simulation/estimator.hpp"

#include <algorithm>

namespace nestor::autoscale {
namespace {

/// How much of the node one pod takes; bigger ones are placed first.
double weight(const PodShape& shape, const Node& node) {
  double sum = 0;
  for (const auto kind : {Resources::kCpu, Resources::kMemory}) {
    const auto whole = static_cast<double>(node.allocatable.get(kind));
    if (whole > 0) sum += static_cast<double>(shape.requests.get(kind)) / whole;
  }
  return sum;
}

}  // namespace

std::vector<PodGroup> group_pods(const Snapshot& snapshot, const std::vector<PodIndex>& pods) {
  std::vector<PodGroup> out;
  std::map<ClassIndex, std::size_t> place;
  for (const PodIndex pod : pods) {
    const ClassIndex pod_class = snapshot.class_of(pod);
    const auto [it, added] = place.try_emplace(pod_class, out.size());
    if (added) out.push_back({pod_class, {}});
    out[it->second].pods.push_back(pod);
  }
  return out;
}

struct Estimator::Run {
  const NodeTemplate& node;
  int max_nodes;
  const Deadline& deadline;
  /// The first of the new nodes in the snapshot.
  NodeIndex first;
  /// Pods placed, by new node.
  std::vector<int> load;
  Estimate estimate;
};

NodeIndex Estimator::add_node(const NodeTemplate& node) {
  auto copy = std::make_shared<Node>(*node.node);
  copy->name += "-" + std::to_string(serial_++);
  // Its own, so that rules about hostnames see different nodes.
  copy->labels[std::string(kHostnameLabel)] = copy->name;
  const NodeIndex index = snapshot_.add_node(std::move(copy));
  for (const ClassIndex daemon : node.daemons) {
    snapshot_.place(snapshot_.add_pod(daemon), index);
  }
  return index;
}

void Estimator::place_group(Run& run, const PodGroup& group) {
  const bool fixed = !snapshot_.depends_on_pods(group.pod_class);
  std::size_t from = 0;
  for (const PodIndex pod : group.pods) {
    if (run.deadline.passed()) return;
    if (snapshot_.node_of(pod) != kNoNode) continue;
    if (!fixed) from = 0;
    while (from < run.load.size() &&
           !snapshot_.fits(group.pod_class, run.first + static_cast<NodeIndex>(from))) {
      ++from;
    }
    if (from == run.load.size()) {
      const bool last_is_empty = !run.load.empty() && run.load.back() == 0;
      if (last_is_empty || static_cast<int>(run.load.size()) >= run.max_nodes) return;
      const NodeIndex added = add_node(run.node);
      run.load.push_back(0);
      if (!snapshot_.fits(group.pod_class, added)) return;
    }
    snapshot_.place(pod, run.first + static_cast<NodeIndex>(from));
    ++run.load[from];
    run.estimate.pods.push_back(pod);
  }
}

Estimate Estimator::pack(const std::vector<PodGroup>& groups, const NodeTemplate& node,
                         int max_nodes, const Deadline& deadline) {
  Run run{node, max_nodes, deadline, 0, {}, {}};
  std::vector<const PodGroup*> order;
  {
    // One empty node tells who can run there at all.
    const Snapshot::Mark mark = snapshot_.mark();
    const NodeIndex empty = add_node(node);
    for (const PodGroup& group : groups) {
      if (deadline.passed()) break;
      std::string detail;
      const Obstacle obstacle = snapshot_.check(group.pod_class, empty, &detail);
      if (obstacle == Obstacle::kNone) {
        order.push_back(&group);
      } else {
        run.estimate.refused[group.pod_class] = explain(obstacle, detail);
        // Another pod of this very estimate may be the company it waits for.
        if (obstacle == Obstacle::kPodAffinity) order.push_back(&group);
      }
    }
    snapshot_.rollback(mark);
  }
  std::ranges::sort(order, [&](const PodGroup* a, const PodGroup* b) {
    const double first = weight(snapshot_.shape(a->pod_class), *node.node);
    const double second = weight(snapshot_.shape(b->pod_class), *node.node);
    return first != second ? first > second : a < b;
  });
  run.first = static_cast<NodeIndex>(snapshot_.node_count());
  // Again while it helps: a pod's company may have been placed after it was tried.
  std::size_t placed = 0;
  do {
    placed = run.estimate.pods.size();
    for (const PodGroup* group : order) place_group(run, *group);
  } while (run.estimate.pods.size() > placed);
  run.estimate.nodes =
      static_cast<int>(std::ranges::count_if(run.load, [](int n) { return n > 0; }));
  for (const PodIndex pod : run.estimate.pods) {
    run.estimate.refused.erase(snapshot_.class_of(pod));
  }
  return std::move(run.estimate);
}

Estimate Estimator::estimate(const std::vector<PodGroup>& groups, const NodeTemplate& node,
                             int max_nodes) {
  const Snapshot::Mark mark = snapshot_.mark();
  Estimate out = pack(groups, node, max_nodes, deadline_);
  snapshot_.rollback(mark);
  return out;
}

Estimate Estimator::apply(const std::vector<PodGroup>& groups, const NodeTemplate& node,
                          int max_nodes) {
  return pack(groups, node, max_nodes, Deadline());
}

}  // namespace nestor::autoscale
