#include "autoscale/plan.hpp"

#include <algorithm>

#include "autoscale/planner.hpp"
#include "base/heap_size.hpp"
#include "base/text.hpp"

namespace nestor::autoscale {
namespace {

/// On a node that we cordoned.
constexpr const char* kCordonedAnnotation = "autoscaler.nestor.dev/cordoned";

/// Of 2200: the clock's nanoseconds end in 2262. The tenant may write any number.
constexpr std::int64_t kLastSecond = 7'258'118'400;

/// Bytes that shapes, nodes and budgets take. Work grows with the product of their numbers: so few
/// are looked at in milliseconds, whatever they are.
constexpr std::size_t kSmall = 64 << 10;

std::optional<WallTime> taint_time(const Taint& taint) {
  const auto seconds = parse_number<std::int64_t>(taint.value);
  if (!seconds || *seconds < 0 || *seconds > kLastSecond) return WallTime{};
  return WallTime(std::chrono::seconds(*seconds));
}

void set_taint(std::vector<Taint>& taints, std::string_view key, std::string_view effect,
               const std::optional<WallTime>& since) {
  std::erase_if(taints, [&](const Taint& taint) { return taint.key == key; });
  if (!since) return;
  Taint taint;
  taint.key = key;
  taint.effect = effect;
  taint.value = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(since->time_since_epoch()).count());
  taints.push_back(std::move(taint));
}

}  // namespace

NodeMarks read_marks(const api::core::Node& node) {
  NodeMarks out;
  for (const Taint& taint : node.spec.taints) {
    if (taint.key == kToBeDeletedTaint) out.to_be_deleted_since = taint_time(taint);
    if (taint.key == kDeletionCandidateTaint) out.candidate_since = taint_time(taint);
  }
  return out;
}

api::core::Node with_marks(const api::core::Node& node, const NodeMarks& marks) {
  api::core::Node out = node;
  set_taint(out.spec.taints, kDeletionCandidateTaint, "PreferNoSchedule", marks.candidate_since);
  set_taint(out.spec.taints, kToBeDeletedTaint, "NoSchedule", marks.to_be_deleted_since);
  auto& annotations = out.metadata.annotations;
  if (marks.to_be_deleted_since && !node.spec.unschedulable.value_or(false)) {
    out.spec.unschedulable = true;
    annotations[kCordonedAnnotation] = "true";
  } else if (!marks.to_be_deleted_since && annotations.erase(kCordonedAnnotation) > 0) {
    out.spec.unschedulable.reset();
  }
  return out;
}

Planner::Planner(const TenantView& view, WallTime now, Random& random, Deadline deadline)
    : view_(view),
      now_(now),
      random_(random),
      deadline_(deadline),
      snapshot_(view.namespaces, deadline),
      estimator_(snapshot_, deadline),
      growth_(view.groups.size()),
      shrink_(view.groups.size()) {
  out_.groups.resize(view.groups.size());
  for (std::size_t i = 0; i < view.groups.size(); ++i) out_.groups[i].state = view.groups[i].state;
}

void Planner::note(Subject subject, std::size_t group, const kube::ObjectMeta& object, bool warning,
                   std::string reason, std::string message) {
  Note note;
  note.subject = subject;
  note.group = group;
  note.object.name = object.name;
  note.object.namespace_ = object.namespace_;
  note.object.uid = object.uid;
  note.warning = warning;
  note.reason = std::move(reason);
  note.message = std::move(message);
  out_.notes.push_back(std::move(note));
}

int Planner::size(std::size_t group) const {
  return out_.groups[group].replicas.value_or(view_.groups[group].target);
}

bool Planner::ill(int unready, int total) const {
  return unready > view_.options.ok_total_unready_count &&
         unready * 100 > view_.options.max_total_unready_percentage * total;
}

void Planner::sort_nodes() {
  std::map<std::string, std::pair<std::size_t, const MachineView*>> machine_of;
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    for (const MachineView& machine : view_.groups[i].machines) {
      if (!machine.node.empty()) machine_of[machine.node] = {i, &machine};
    }
  }
  for (const auto& node : view_.nodes) {
    KnownNode known;
    known.node = node;
    known.marks = read_marks(*node);
    known.ready = takes_pods(*node);
    known.group = kNoGroup;
    if (const auto found = machine_of.find(node->metadata.name); found != machine_of.end()) {
      std::tie(known.group, known.machine) = found->second;
      const NodeGroup& group = view_.groups[known.group];
      known.going = known.machine->deleting || group.state.removing.contains(known.machine->name);
      const auto born = parse_rfc3339(node->metadata.creationTimestamp).value_or(now_);
      known.starting = !known.ready && now_ < born + group.options.startup_time;
      if (known.starting) wake(born + group.options.startup_time);
    }
    node_by_name_[node->metadata.name] = nodes_.size();
    nodes_.push_back(std::move(known));
  }
}

void Planner::count() {
  int unready = 0;
  for (const KnownNode& node : nodes_) {
    if (!node.ready && !node.starting) ++unready;
    if (node.group == kNoGroup) continue;
    GroupReport& report = out_.groups[node.group].report;
    if (node.going || node.marks.to_be_deleted_since) {
      ++report.being_deleted;
    } else if (node.ready) {
      ++report.ready;
    } else {
      ++(node.starting ? report.not_started : report.unready);
    }
  }
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    const NodeGroup& group = view_.groups[i];
    GroupReport& report = out_.groups[i].report;
    remember_losses(i);
    for (const MachineView& machine : group.machines) {
      if (machine.deleting || node_by_name_.contains(machine.node)) continue;
      const WallTime due = late_at(i, machine);
      ++(now_ >= due ? report.long_unregistered : report.unregistered);
      if (now_ < due) wake(due);
    }
    const int ill_nodes = report.unready + report.long_unregistered;
    report.healthy = !ill(ill_nodes, ill_nodes + report.ready);
  }
  cluster_ill_ = ill(unready, static_cast<int>(nodes_.size()));
  out_.healthy = !cluster_ill_;
}

ClassIndex Planner::class_of(const Pod& pod) {
  std::vector<VolumeUse> volumes;
  if (view_.volume) {
    for (const std::string& claim : pod.claims) {
      volumes.push_back(view_.volume(pod.metadata.namespace_, claim));
    }
  }
  return snapshot_.add_class(pod.shape, std::move(volumes));
}

void Planner::build_snapshot() {
  for (KnownNode& known : nodes_) {
    auto node = std::make_shared<Node>(node_from(*known.node));
    if (const auto limits = view_.volume_limits.find(node->name);
        limits != view_.volume_limits.end()) {
      node->volume_limits = limits->second;
    }
    known.index = snapshot_.add_node(std::move(node));
  }
  // All classes first: a term is then counted while pods are placed, not by another walk.
  std::map<const PodShape*, ClassIndex> plain;
  std::vector<std::pair<PodPtr, ClassIndex>> placed;
  for (const PodPtr& pod : view_.pods) {
    if (deadline_.passed()) return;
    if (pod->node.empty() || pod->finished() || !node_by_name_.contains(pod->node)) continue;
    if (pod->claims.empty()) {
      const auto [it, added] = plain.try_emplace(pod->shape.get());
      if (added) it->second = class_of(*pod);
      placed.emplace_back(pod, it->second);
    } else {
      placed.emplace_back(pod, class_of(*pod));
    }
  }
  for (const auto& [pod, pod_class] : placed) {
    if (deadline_.passed()) return;
    snapshot_.place(snapshot_.add_pod(pod_class), nodes_[node_by_name_[pod->node]].index);
    pods_.push_back(pod);
  }
  // Nothing goes to nodes that are going or not (yet) there.
  for (const KnownNode& known : nodes_) {
    if (known.going || known.marks.to_be_deleted_since || !known.ready) {
      snapshot_.close_node(known.index);
    }
  }
}

/// The pods of DaemonSets take their part of each new node.
void Planner::build_templates() {
  templates_.resize(view_.groups.size());
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    const auto& node = view_.groups[i].template_node;
    if (node == nullptr) continue;
    NodeTemplate made{node, {}};
    const Snapshot::Mark mark = snapshot_.mark();
    const NodeIndex sample = snapshot_.add_node(node);
    for (const auto& shape : view_.daemons) {
      const ClassIndex daemon = snapshot_.add_class(shape);
      if (snapshot_.check_node_only(daemon, sample) == Obstacle::kNone) {
        made.daemons.push_back(daemon);
      }
    }
    snapshot_.rollback(mark);
    templates_[i] = std::move(made);
  }
}

Result<Decision> Planner::run() {
  sort_nodes();
  count();
  for (std::size_t i = 0; i < view_.groups.size(); ++i) {
    settle_removals(i);
    give_up_missing(i);
    give_up_machines(i);
    end_backoff(i);
    enforce_minimum(i);
  }
  build_snapshot();
  build_templates();
  if (deadline_.passed()) {
    return fail(Code::kDeadlineExceeded, "the tenant has more pods than can be looked at in time");
  }
  const Snapshot::Mark mark = snapshot_.mark();
  add_upcoming();
  scale_up();
  commit_growth();
  // Nodes that do not exist yet take no pods from nodes that do.
  snapshot_.rollback(mark);
  pods_.resize(snapshot_.pod_count());
  scale_down();
  write_marks();
  return std::move(out_);
}

Result<Decision> decide(const TenantView& view, WallTime now, Random& random, Deadline deadline) {
  return Planner(view, now, random, deadline).run();
}

bool is_small(const TenantView& view) {
  std::size_t size = heap_size(view.namespaces);
  for (const Budget& budget : view.budgets) size += sizeof(budget) + heap_size(budget.selector);
  for (const auto& shape : view.daemons) size += heap_size(shape);
  for (const auto& node : view.nodes) {
    if (size > kSmall) break;
    size += heap_size(node);
  }
  for (const PodPtr& pod : view.pods) {
    if (size > kSmall) break;
    size += heap_size(pod->shape);
  }
  return size <= kSmall;
}

}  // namespace nestor::autoscale
