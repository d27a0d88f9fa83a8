#include <algorithm>
#include <set>

#include "autoscale/planner.hpp"

/// The half of a decision that makes groups larger.
namespace nestor::autoscale {
namespace {

constexpr const char* kPodDelay = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay";
/// Rounds of choosing a group; each but the last adds nodes.
constexpr int kMaxRounds = 100;

/// Pending pods that one decision looks at; the others wait for the next.
constexpr std::size_t kMaxPending = 3000;
constexpr Duration kNextBatch = std::chrono::seconds(1);
/// Pods that are named in one decision's events.
constexpr std::size_t kMaxNotes = 200;

bool remade_elsewhere(const Pod& pod) {
  return pod.metadata.controller() != nullptr && !pod.owned_by("DaemonSet") && !pod.mirror();
}

}  // namespace

/// Nodes that were asked for and are not ready yet are there already, as far as pods are concerned.
void Planner::add_upcoming() {
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    const NodeGroup& group = view_.groups[i];
    const GroupReport& report = out_.groups[i].report;
    if (!templates_[i]) continue;
    int upcoming = size(i) - report.ready - report.unready;
    for (const MachineView& machine : group.machines) {
      // Nor does an old one count whose Node is gone: pods do not wait for it to come back.
      const bool never = machine.failed || now_ >= machine.created + group.options.provision_time;
      if (never && !machine.deleting && !node_by_name_.contains(machine.node) &&
          !out_.groups[i].state.removing.contains(machine.name)) {
        --upcoming;
      }
    }
    // Those marked to be deleted still count in the group's size until it is lowered.
    for (const KnownNode& node : nodes_) {
      if (node.group == i && node.marks.to_be_deleted_since && !node.going) --upcoming;
    }
    for (; upcoming > 0; --upcoming) {
      estimator_.add_node(*templates_[i]);
      pods_.resize(snapshot_.pod_count());
    }
  }
}

/// Whether the autoscaler is to find a node for a pod that has none.
bool Planner::to_be_helped(const Pod& pod) {
  if (!pod.unschedulable || pod.owned_by("DaemonSet")) return false;
  if (pod.priority < view_.options.expendable_pods_priority_cutoff) return false;
  // It waits for lesser pods to make room on a node that was chosen already.
  if (node_by_name_.contains(pod.nominated_node)) return false;
  Duration delay = view_.options.new_pod_scale_up_delay;
  if (auto own = parse_duration(pod.metadata.annotation(kPodDelay))) delay = *own;
  // Without a delay the clocks need not agree.
  if (delay.count() == 0) return true;
  const auto born = parse_rfc3339(pod.metadata.creationTimestamp).value_or(now_);
  if (now_ >= born + delay) return true;
  wake(born + delay);
  return false;
}

/// Pods without a node, and those whose node is going, as new pods of the snapshot.
std::vector<PodIndex> Planner::pending_pods() {
  std::vector<PodPtr> pending;
  for (const PodPtr& pod : view_.pods) {
    if (pod->finished() || pod->metadata.deleting()) continue;
    if (pod->node.empty()) {
      if (to_be_helped(*pod)) pending.push_back(pod);
      continue;
    }
    const auto node = node_by_name_.find(pod->node);
    if (node == node_by_name_.end() || !remade_elsewhere(*pod)) continue;
    // From a node that is only about to go they may yet stay.
    if (nodes_[node->second].going) pending.push_back(pod);
  }
  if (pending.size() > kMaxPending) {
    // Another part each time, so that those nothing can help do not stand before the others.
    const double at = random_.uniform() * static_cast<double>(pending.size());
    std::ranges::rotate(pending, pending.begin() + static_cast<std::ptrdiff_t>(at));
    pending.resize(kMaxPending);
    wake(now_ + kNextBatch);
  }
  std::vector<PodIndex> out;
  for (PodPtr& pod : pending) {
    if (deadline_.passed()) return {};
    out.push_back(snapshot_.add_pod(class_of(*pod)));
    pods_.push_back(std::move(pod));
  }
  return out;
}

/// Whether Machines that replicas were lowered for are still to be deleted: a size that grows again
/// before would keep them, and ask for nothing new.
bool Planner::losing(std::size_t group) const {
  const NodeGroup& view = view_.groups[group];
  if (size(group) < view.target) return true;
  const auto& removing = out_.groups[group].state.removing;
  return std::ranges::any_of(view.machines, [&](const MachineView& machine) {
    return !machine.deleting && removing.contains(machine.name);
  });
}

/// Why a group cannot grow at all, in upstream's words; "" when it can.
std::string Planner::skip_reason(std::size_t group) const {
  const NodeGroup& view = view_.groups[group];
  const GroupChange& change = out_.groups[group];
  if (!change.report.healthy) return "not ready for scale-up";
  if (change.state.backoff_until && now_ < *change.state.backoff_until) {
    return "in backoff after failed scale-up";
  }
  if (losing(group)) return "getting rid of nodes first";
  if (room(group) <= 0) {
    return size(group) + growth_[group] >= view.max ? "max node group size reached"
                                                    : "max total nodes in cluster reached";
  }
  if (!templates_[group]) return view.no_template;
  return "";
}

int Planner::room(std::size_t group) const {
  int room = view_.groups[group].max - size(group) - growth_[group];
  if (const int limit = view_.options.max_nodes_total; limit > 0) {
    int total = 0;
    for (const KnownNode& node : nodes_) total += node.group == kNoGroup ? 1 : 0;
    for (std::size_t i = 0; i < view_.groups.size(); ++i) total += size(i) + growth_[i];
    room = std::min(room, limit - total);
  }
  return std::min(room, view_.options.max_nodes_per_scaleup);
}

/// Chooses one group for as many of the pods as it helps. False when none helps any.
bool Planner::grow_once(std::vector<PodIndex>& remaining, bool first) {
  const std::vector<PodGroup> pod_groups = group_pods(snapshot_, remaining);
  std::vector<ExpansionOption> options;
  std::vector<Estimate> estimates;
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    if (const std::string why = skip_reason(i); !why.empty()) {
      for (const PodGroup& one : pod_groups) refusals_[one.pod_class][i] = why;
      continue;
    }
    const NodeTemplate& node_template = *templates_[i];
    Estimate estimate = estimator_.estimate(pod_groups, node_template, room(i));
    if (first) {
      for (const auto& [pod_class, why] : estimate.refused) refusals_[pod_class][i] = why;
    }
    if (estimate.nodes == 0) continue;
    ExpansionOption option;
    option.group = i;
    option.group_id = view_.groups[i].id();
    option.nodes = estimate.nodes;
    option.pods = estimate.pods.size();
    option.capacity = node_template.node->allocatable;
    for (const PodIndex pod : estimate.pods) {
      option.requests += snapshot_.shape(snapshot_.class_of(pod)).requests;
    }
    options.push_back(std::move(option));
    estimates.push_back(std::move(estimate));
  }
  if (options.empty()) return false;
  const std::size_t best = choose(options, view_.options.expander, view_.priorities, random_);
  const std::size_t group = options[best].group;
  const Estimate done = estimator_.apply(group_pods(snapshot_, estimates[best].pods),
                                         *templates_[group], room(group));
  pods_.resize(snapshot_.pod_count());
  growth_[group] += done.nodes;
  for (const PodIndex pod : done.pods) helped_[pod] = group;
  std::erase_if(remaining, [&](PodIndex pod) { return helped_.contains(pod); });
  return !done.pods.empty();
}

void Planner::scale_up() {
  std::vector<PodIndex> remaining;
  std::map<ClassIndex, NodeIndex> hints;
  for (const PodIndex pod : pending_pods()) {
    if (deadline_.passed()) break;
    const ClassIndex pod_class = snapshot_.class_of(pod);
    NodeIndex& hint = hints[pod_class];
    const NodeIndex node = snapshot_.first_fit(pod_class, hint == kNoNode ? 0 : hint);
    if (node == kNoNode) {
      remaining.push_back(pod);
      continue;
    }
    hint = node;
    snapshot_.place(pod, node);
    if (pods_[pod]->node.empty()) ++out_.pending;
  }
  if (cluster_ill_) {
    if (remaining.empty()) return;
    note(Subject::kTenant, 0, {}, true, "ClusterUnhealthy",
         "too many nodes are not ready, so no group is changed");
    out_.helpless = static_cast<int>(remaining.size());
    return;
  }
  for (int round = 0; round < kMaxRounds && !remaining.empty(); ++round) {
    if (deadline_.passed() || !grow_once(remaining, round == 0)) break;
  }
  // Those that nobody looked at are not helpless.
  deadline_.passed() ? wake(now_ + kNextBatch) : note_refusals(remaining);
}

/// Says to each pod that no group helps why that is.
void Planner::note_refusals(const std::vector<PodIndex>& helpless) {
  std::size_t notes = 0;
  for (const PodIndex index : helpless) {
    const Pod& pod = *pods_[index];
    if (!pod.node.empty()) continue;
    ++out_.helpless;
    if (++notes > kMaxNotes) continue;
    std::map<std::string, int> counts;
    for (const auto& [group, why] : refusals_[snapshot_.class_of(index)]) ++counts[why];
    std::string message = "pod didn't trigger scale-up:";
    for (const auto& [why, count] : counts) {
      message += (message.ends_with(':') ? " " : ", ") + std::to_string(count) + " " + why;
    }
    if (counts.empty()) message += " it would not fit if a new node is added";
    note(Subject::kPod, 0, pod.metadata, false, "NotTriggerScaleUp", std::move(message));
  }
}

void Planner::commit_growth() {
  std::vector<std::string> plans(view_.groups.size());
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    GroupChange& change = out_.groups[i];
    GroupReport& report = change.report;
    const NodeGroup& group = view_.groups[i];
    int upcoming = report.unregistered + report.not_started;
    // A Node that is gone is at best on its way back.
    for (const auto& [machine, since] : change.state.lost) {
      upcoming -= now_ < since + group.options.provision_time ? 1 : 0;
    }
    if (upcoming > 0) {
      report.scale_up = "InProgress";
      report.scale_up_message = std::to_string(upcoming) + " nodes are on their way";
    }
    if (change.state.backoff_until && now_ < *change.state.backoff_until) {
      report.scale_up = "Backoff";
      report.scale_up_message = "until " + format_rfc3339(*change.state.backoff_until) + ": " +
                                change.state.backoff_reason;
    }
    if (growth_[i] == 0) continue;
    const int before = size(i);
    change.replicas = before + growth_[i];
    change.state.last_scale_up = now_;
    change.state.scaled_up_to = *change.replicas;
    out_.scaled_up = true;
    plans[i] = "{" + group.id() + " " + std::to_string(before) + "->" +
               std::to_string(*change.replicas) + " (max: " + std::to_string(group.max) + ")}";
    report.scale_up = "InProgress";
    report.scale_up_message = "growing from " + std::to_string(before) + " to " +
                              std::to_string(*change.replicas) + " nodes";
    wake(now_ + group.options.provision_time);
    note(Subject::kGroup, i, {}, false, "ScaledUpGroup",
         "Scale-up: group " + group.id() + " size set to " + std::to_string(*change.replicas) +
             " instead of " + std::to_string(before) + " (max: " + std::to_string(group.max) + ")");
  }
  std::size_t notes = 0;
  for (const auto& [index, group] : helped_) {
    const Pod& pod = *pods_[index];
    if (!pod.node.empty()) continue;
    ++out_.pending;
    if (++notes > kMaxNotes) continue;
    note(Subject::kPod, group, pod.metadata, false, std::string(kTriggered),
         "pod triggered scale-up: [" + plans[group] + "]");
  }
  // What a group would not do for pods that nothing else helped either.
  for (std::size_t i = 0; i < view_.groups.size() && out_.helpless > 0; ++i) {
    GroupReport& report = out_.groups[i].report;
    if (growth_[i] > 0 || report.scale_up != "NoActivity") continue;
    std::set<std::string> reasons;
    for (const auto& [pod_class, groups] : refusals_) {
      if (const auto why = groups.find(i); why != groups.end()) reasons.insert(why->second);
    }
    for (const std::string& why : reasons) {
      report.scale_up_message += (report.scale_up_message.empty() ? "" : "; ") + why;
    }
    if (!reasons.empty()) {
      report.scale_up = "NotNeeded";
      report.scale_up_message = "cannot help " + std::to_string(out_.helpless) +
                                " pending pods: " + report.scale_up_message;
    }
  }
}

}  // namespace nestor::autoscale
