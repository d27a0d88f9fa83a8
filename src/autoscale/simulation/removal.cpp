#include "autoscale/simulation/removal.hpp"

#include <algorithm>

namespace nestor::autoscale {

bool RemovalSimulator::move(const std::vector<PodIndex>& moving, PodIndex& stuck) {
  for (const PodIndex pod : moving) snapshot_.unplace(pod);
  for (const PodIndex pod : moving) {
    const ClassIndex pod_class = snapshot_.class_of(pod);
    NodeIndex& hint = hints_[pod_class];
    const NodeIndex place = snapshot_.first_fit(pod_class, hint);
    if (place == kNoNode) {
      stuck = pod;
      return false;
    }
    hint = place;
    snapshot_.place(pod, place);
  }
  return true;
}

Removal RemovalSimulator::try_remove(NodeIndex node) {
  Removal out;
  std::vector<PodPtr> present;
  std::map<const Pod*, PodIndex> index;
  std::vector<PodIndex> moving;
  for (const PodIndex pod : snapshot_.pods_on(node)) {
    if (pods_[pod] == nullptr) continue;
    // A pending pod that was put here in thought only needs another place.
    if (pods_[pod]->node != snapshot_.node(node).name) {
      moving.push_back(pod);
      continue;
    }
    present.push_back(pods_[pod]);
    index[pods_[pod].get()] = pod;
  }
  DrainVerdict verdict = judge_drain(present, budgets_, rules_, now_);
  if (verdict.blocking != nullptr) {
    out.reason = verdict.waits_for_completion ? "BlockedByOnCompletionPod" : "BlockedByPod";
    out.message = std::move(verdict.message);
    return out;
  }
  for (const PodPtr& pod : verdict.moving) moving.push_back(index[pod.get()]);
  const Snapshot::Mark mark = snapshot_.mark();
  snapshot_.close_node(node);
  PodIndex stuck = 0;
  if (!move(moving, stuck)) {
    out.reason = "NoPlaceToMovePods";
    out.message = "no other node has room for pod " + pods_[stuck]->metadata.key().to_string();
    snapshot_.rollback(mark);
    return out;
  }
  for (const PodPtr& pod : verdict.moving) budgets_.use(*pod);
  out.possible = true;
  out.moving = std::move(verdict.moving);
  return out;
}

double utilization(const Snapshot& snapshot, const std::vector<PodPtr>& pods, NodeIndex node,
                   const UtilizationRules& rules, const std::string& gpu_resource) {
  Resources used = snapshot.used(node);
  Resources all = snapshot.node(node).allocatable;
  for (const PodIndex index : snapshot.pods_on(node)) {
    const Pod* pod = pods[index].get();
    if (pod == nullptr) continue;
    if ((rules.ignore_daemons && pod->owned_by("DaemonSet")) ||
        (rules.ignore_mirrors && pod->mirror())) {
      used -= pod->shape->requests;
      all -= pod->shape->requests;
    }
  }
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole <= 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  if (!gpu_resource.empty() && all.get(gpu_resource) > 0) {
    return share(used.get(gpu_resource), all.get(gpu_resource));
  }
  return std::max(share(used.get(Resources::kCpu), all.get(Resources::kCpu)),
                  share(used.get(Resources::kMemory), all.get(Resources::kMemory)));
}

}  // namespace nestor::autoscale
