#include <algorithm>
#include <tuple>

#include "autoscale/planner.hpp"

/// The half of a decision that makes groups smaller.
namespace nestor::autoscale {
namespace {

/// Nodes that are simulated in one decision beyond those that were unneeded already.
constexpr std::size_t kMaxNewCandidates = 600;
constexpr std::string_view kDelayDeletion = "delay-deletion.cluster-autoscaler.kubernetes.io/";

bool deletion_delayed(const api::core::Node& node) {
  return std::ranges::any_of(node.metadata.annotations, [](const auto& annotation) {
    return annotation.first.starts_with(kDelayDeletion);
  });
}

std::string percent(double share) {
  return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
}

std::string gpu_of(const Node& node) {
  for (const auto& [name, amount] : node.allocatable.extended()) {
    if (amount > 0 && name.ends_with("/gpu")) return name;
  }
  return "";
}

}  // namespace

/// Why a node of a group stays whatever its pods; "" when they decide.
std::string Planner::keeps(const KnownNode& node, std::string& message) const {
  const NodeGroup& group = view_.groups[node.group];
  const auto& metadata = node.node->metadata;
  if (node.going) return message = "being deleted", "CurrentlyBeingDeleted";
  if (metadata.annotation(kScaleDownDisabled) == "true") {
    return message = "annotated " + std::string(kScaleDownDisabled), "ScaleDownDisabledAnnotation";
  }
  if (group.rolling) {
    return message = "its group is being rolled to a new template", "NotUnneededOtherReason";
  }
  if (node.starting) return message = "is just starting", "NotUnreadyLongEnough";
  if (size(node.group) - shrink_[node.group] <= group.min) {
    return message = "the group has its minimum size, " + std::to_string(group.min),
           "NodeGroupMinSizeReached";
  }
  if (!node.ready) return "";
  const Node& shape = snapshot_.node(node.index);
  const std::string gpu = gpu_of(shape);
  const double used = utilization(snapshot_, pods_, node.index, view_.options.utilization, gpu);
  const double threshold =
      gpu.empty() ? group.options.utilization_threshold : group.options.gpu_utilization_threshold;
  if (used > threshold) {
    return message =
               "its pods ask for " + percent(used) + " of it, more than " + percent(threshold),
           "NotUnderutilized";
  }
  return "";
}

/// Nodes of groups: those on their way out, then empty ones, then those unneeded before, then the
/// least used.
std::vector<KnownNode*> Planner::candidates() {
  std::vector<std::tuple<int, WallTime, double, KnownNode*>> order;
  for (KnownNode& node : nodes_) {
    if (node.group == kNoGroup) continue;
    const bool empty = std::ranges::all_of(snapshot_.pods_on(node.index), [&](PodIndex pod) {
      return pods_[pod]->owned_by("DaemonSet") || pods_[pod]->mirror();
    });
    const int rank = node.marks.to_be_deleted_since ? 0
                     : empty                        ? 1
                     : node.marks.candidate_since   ? 2
                                                    : 3;
    const WallTime since = node.marks.candidate_since.value_or(WallTime::max());
    const double used = utilization(snapshot_, pods_, node.index, view_.options.utilization);
    order.emplace_back(rank, since, used, &node);
  }
  std::ranges::sort(order);
  std::vector<KnownNode*> out;
  for (const auto& one : order) out.push_back(std::get<3>(one));
  return out;
}

/// Whether a group has asked for more Machines than it has: a smaller size would only cancel that,
/// and no Machine would go.
bool Planner::growing(std::size_t group) const {
  const auto alive =
      std::ranges::count(view_.groups[group].machines, false, &MachineView::deleting);
  return growth_[group] > 0 || alive < size(group);
}

void Planner::consider(KnownNode& node, RemovalSimulator& simulator) {
  GroupReport& report = out_.groups[node.group].report;
  std::string& says = report.nodes[node.node->metadata.name];
  std::string message;
  std::string reason = keeps(node, message);
  const bool begun = node.marks.to_be_deleted_since.has_value();
  if (reason.empty() && begun && growing(node.group)) {
    reason = "NotUnneededOtherReason";
    message = "its group grows";
  }
  Removal removal;
  if (reason.empty()) {
    removal = simulator.try_remove(node.index);
    if (!removal.possible) std::tie(reason, message) = std::tie(removal.reason, removal.message);
  }
  if (!reason.empty()) {
    says = reason + ": " + message;
    if (node.going) return;
    node.marks = {};
    if (node.machine->marked) out_.groups[node.group].unmark.push_back(node.machine->name);
    if (begun) {
      out_.groups[node.group].state.last_scale_down_failure = now_;
      note(Subject::kNode, 0, node.node->metadata, true, "ScaleDownFailed",
           "no longer removed: " + message);
    }
    return;
  }
  ++shrink_[node.group];
  ++report.candidates;
  if (begun) {
    WallTime due = *node.marks.to_be_deleted_since + view_.options.node_delete_delay_after_taint;
    says = "being removed";
    if (deletion_delayed(*node.node)) {
      due += view_.options.node_deletion_delay_timeout;
      says += "; its deletion is delayed by an annotation";
    }
    if (now_ >= due) {
      finish_removal(node, removal);
    } else {
      ++(removal.moving.empty() ? idle_in_progress_ : drains_in_progress_);
      wake(due);
    }
    return;
  }
  if (!node.marks.candidate_since || *node.marks.candidate_since > now_) {
    node.marks.candidate_since = now_;
  }
  unneeded_.push_back({&node, *node.marks.candidate_since, removal.moving.empty()});
}

/// The Machine is marked and replicas are lowered, both of which the Machine's controller then
/// turns into a drain and a deletion.
void Planner::finish_removal(KnownNode& node, const Removal& removal) {
  GroupChange& change = out_.groups[node.group];
  change.mark.push_back(node.machine->name);
  change.state.removing.insert(node.machine->name);
  change.state.last_scale_down = now_;
  change.replicas = size(node.group) - 1;
  // size() has it now.
  --shrink_[node.group];
  node.going = true;
  const std::string& name = node.node->metadata.name;
  const bool idle = removal.moving.empty();
  note(Subject::kNode, 0, node.node->metadata, false, "ScaleDown",
       "node removed by cluster autoscaler");
  note(Subject::kGroup, node.group, {}, false, idle ? "ScaleDownEmpty" : "ScaleDown",
       idle ? "Scale-down: removing empty node \"" + name + "\""
            : "Scale-down: removing node " + name + ", " + std::to_string(removal.moving.size()) +
                  " pods move");
  for (const PodPtr& pod : removal.moving) {
    note(Subject::kPod, 0, pod->metadata, false, "ScaleDown", "deleting pod for node scale down");
  }
}

/// Whether removals have to wait a while after the last change.
bool Planner::in_cooldown(std::string& message) const {
  const Options& options = view_.options;
  WallTime until{};
  const auto later = [&](const std::optional<WallTime>& at, Duration delay, std::string_view what) {
    if (!at || *at + delay <= until) return;
    until = *at + delay;
    message = "in cooldown after " + std::string(what) + " until " + format_rfc3339(until);
  };
  for (const GroupChange& group : out_.groups) {
    later(group.state.last_scale_up, options.scale_down_delay_after_add, "a scale-up");
    later(group.state.last_scale_down, options.scale_down_delay_after_delete, "a scale-down");
    later(group.state.last_scale_down_failure, options.scale_down_delay_after_failure,
          "a failed scale-down");
  }
  return now_ < until;
}

/// Begins with those unneeded for long enough: idle ones together, others one by one.
void Planner::start_removals() {
  std::ranges::sort(unneeded_, [](const Leaving& a, const Leaving& b) {
    return std::tie(b.idle, a.since, a.node->index) < std::tie(a.idle, b.since, b.node->index);
  });
  for (const Leaving& one : unneeded_) {
    KnownNode& node = *one.node;
    const NodeGroup& group = view_.groups[node.group];
    std::string& says = out_.groups[node.group].report.nodes[node.node->metadata.name];
    const WallTime due =
        one.since + (node.ready ? group.options.unneeded_time : group.options.unready_time);
    says = "unneeded since " + format_rfc3339(one.since) + ", goes after " + format_rfc3339(due);
    std::string message;
    if (!view_.options.scale_down_enabled) {
      says += "; scale-down is switched off";
    } else if (in_cooldown(message)) {
      says += "; " + message;
    } else if (growing(node.group)) {
      says += "; its group grows";
    } else if (now_ < due) {
      wake(due);
    } else {
      int& busy = one.idle ? idle_in_progress_ : drains_in_progress_;
      const int limit =
          one.idle ? view_.options.max_scale_down_parallelism : view_.options.max_drain_parallelism;
      if (busy >= limit) {
        says += "; others go first";
        continue;
      }
      ++busy;
      node.marks.to_be_deleted_since = now_;
      says = "being removed";
      wake(now_ + view_.options.node_delete_delay_after_taint);
    }
  }
}

void Planner::scale_down() {
  if (cluster_ill_ || deadline_.passed()) return;
  // Pods on their way to existing nodes take room there.
  for (const PodIndex pod : pending_pods()) {
    const NodeIndex node = snapshot_.first_fit(snapshot_.class_of(pod));
    if (node != kNoNode) snapshot_.place(pod, node);
  }
  for (const KnownNode& node : nodes_) {
    if (!node.going || node.group == kNoGroup) continue;
    const bool idle = std::ranges::all_of(snapshot_.pods_on(node.index), [&](PodIndex pod) {
      return pods_[pod]->owned_by("DaemonSet") || pods_[pod]->mirror();
    });
    ++(idle ? idle_in_progress_ : drains_in_progress_);
  }
  RemovalSimulator simulator(snapshot_, pods_, Budgets(view_.budgets), view_.options.drain, now_);
  std::size_t simulated = 0;
  for (KnownNode* node : candidates()) {
    const bool known = node->marks.candidate_since || node->marks.to_be_deleted_since;
    if (deadline_.passed() || (!known && ++simulated > kMaxNewCandidates)) break;
    consider(*node, simulator);
  }
  start_removals();
  // A cooldown ends by itself.
  if (!unneeded_.empty()) {
    for (const GroupChange& group : out_.groups) {
      const Options& options = view_.options;
      const auto ends = [&](const std::optional<WallTime>& at, Duration delay) {
        if (at && *at + delay > now_) wake(*at + delay);
      };
      ends(group.state.last_scale_up, options.scale_down_delay_after_add);
      ends(group.state.last_scale_down, options.scale_down_delay_after_delete);
      ends(group.state.last_scale_down_failure, options.scale_down_delay_after_failure);
    }
  }
  for (GroupChange& group : out_.groups) {
    GroupReport& report = group.report;
    if (report.candidates > 0) report.scale_down = "CandidatesPresent";
  }
}

/// The taints that nodes should have now, where they differ from what they have.
void Planner::write_marks() {
  for (const KnownNode& node : nodes_) {
    NodeMarks wanted = node.marks;
    // A node that no group makes is none of ours any more.
    if (node.group == kNoGroup) wanted = {};
    if (node.going) continue;
    if (wanted != read_marks(*node.node)) {
      out_.nodes.push_back({node.node->metadata.name, wanted});
    }
  }
}

}  // namespace nestor::autoscale
