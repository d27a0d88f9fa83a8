#include <algorithm>
#include <utility>

#include "autoscale/planner.hpp"

/// The part of a decision about sizes that do not come true: Machines that do not become Nodes.
namespace nestor::autoscale {

/// Machines say no more than which Node they had: since when it is gone is the group's to remember.
void Planner::remember_losses(std::size_t group) {
  auto& lost = out_.groups[group].state.lost;
  const auto before = std::exchange(lost, {});
  for (const MachineView& machine : view_.groups[group].machines) {
    if (machine.deleting || machine.node.empty() || node_by_name_.contains(machine.node)) continue;
    const auto known = before.find(machine.name);
    lost[machine.name] = known == before.end() ? now_ : std::min(known->second, now_);
  }
}

/// When a Machine without a Node has been so for too long.
WallTime Planner::late_at(std::size_t group, const MachineView& machine) const {
  const auto& lost = out_.groups[group].state.lost;
  const auto known = lost.find(machine.name);
  const WallTime since = known == lost.end() ? machine.created : known->second;
  return since + view_.groups[group].options.provision_time;
}

/// Forgets Machines that are gone; takes a removal back that a larger size has overtaken.
void Planner::settle_removals(std::size_t group) {
  const NodeGroup& view = view_.groups[group];
  GroupChange& change = out_.groups[group];
  int alive = 0;
  for (const MachineView& machine : view.machines) alive += machine.deleting ? 0 : 1;
  const bool overtaken = view.target >= alive;
  std::erase_if(change.state.removing, [&](const std::string& name) {
    const auto machine = std::ranges::find(view.machines, name, &MachineView::name);
    if (machine == view.machines.end()) return true;
    if (machine->deleting || !overtaken) return false;
    if (machine->marked) change.unmark.push_back(name);
    return true;
  });
}

void Planner::back_off(std::size_t group, const std::string& reason, const std::string& message) {
  GroupState& state = out_.groups[group].state;
  // One for each growth: a Machine that failed may have to stay, at the minimum or in a roll-out.
  if (state.backoff_until &&
      (now_ < *state.backoff_until || state.last_scale_up < *state.backoff_until)) {
    return;
  }
  const Options& options = view_.options;
  const bool again = state.backoff_until && state.backoff.count() > 0 &&
                     now_ < *state.backoff_until + options.node_group_backoff_reset_timeout;
  state.backoff = again ? std::min(state.backoff * 2, options.max_node_group_backoff_duration)
                        : options.initial_node_group_backoff_duration;
  state.backoff_until = now_ + state.backoff;
  state.backoff_reason = reason + ": " + message;
  note(Subject::kGroup, group, {}, true, reason, message);
}

/// Machines that were not made in the time that one may take are no longer asked for, as in
/// upstream's fixNodeGroupSize.
void Planner::give_up_missing(std::size_t group) {
  const NodeGroup& view = view_.groups[group];
  GroupState& state = out_.groups[group].state;
  int missing = view.target;
  for (const MachineView& machine : view.machines) {
    // One that others delete is still there: another is made when it is gone.
    missing -= state.removing.contains(machine.name) ? 0 : 1;
  }
  // A roll-out takes Machines away before it makes others; a person's size is not taken back.
  const bool may_shrink =
      !view.rolling && view.target == state.scaled_up_to && view.target > view.min;
  if (missing <= 0 || !may_shrink) {
    state.short_since.reset();
    state.short_by = 0;
    return;
  }
  if (!state.short_since || *state.short_since > now_ || missing > state.short_by) {
    state.short_since = now_;
  }
  state.short_by = missing;
  const WallTime due = *state.short_since + view.options.provision_time;
  if (now_ < due) {
    wake(due);
    return;
  }
  out_.groups[group].replicas = std::max(view.min, view.target - missing);
  state.short_since.reset();
  state.short_by = 0;
  back_off(group, "ScaleUpTimedOut",
           std::to_string(missing) + " Machines were not created within " +
               format_duration(view.options.provision_time));
}

/// Machines that do not become Nodes, or have been without the one they had for as long, are given
/// up: replicas are lowered, and after the former the group pauses.
void Planner::give_up_machines(std::size_t group) {
  const NodeGroup& view = view_.groups[group];
  GroupChange& change = out_.groups[group];
  std::vector<const MachineView*> late;
  for (const MachineView& machine : view.machines) {
    if (machine.deleting || change.state.removing.contains(machine.name)) continue;
    if (node_by_name_.contains(machine.node)) continue;
    const bool failed = machine.failed && machine.node.empty();
    if (failed || now_ >= late_at(group, machine)) late.push_back(&machine);
  }
  // A Node that was lost later is none that did not come; only a growing group pauses.
  const auto asked = view.state.last_scale_up;
  const auto failure = std::ranges::find_if(late, [&](const MachineView* one) {
    return one->node.empty() && asked && one->created + std::chrono::seconds(1) >= *asked;
  });
  if (failure != late.end()) {
    const std::string who = "Machine " + (*failure)->name;
    (*failure)->failed ? back_off(group, "FailedToScaleUpGroup", who + " failed")
                       : back_off(group, "ScaleUpTimedOut",
                                  who + " did not become a Node within " +
                                      format_duration(view.options.provision_time));
  }
  for (const MachineView* machine : late) {
    // A smaller size would take away what a roll-out still leaves of the old.
    if (view.rolling || size(group) <= view.min) break;
    change.mark.push_back(machine->name);
    change.state.removing.insert(machine->name);
    change.replicas = size(group) - 1;
    note(Subject::kGroup, group, {}, true, "DeleteUnregistered",
         "removing Machine " + machine->name +
             (machine->node.empty() ? ", which did not become a Node"
                                    : ", whose Node " + machine->node + " is gone"));
  }
}

/// A group whose Machines all became Nodes has nothing against it any more.
void Planner::end_backoff(std::size_t group) {
  const NodeGroup& view = view_.groups[group];
  GroupState& state = out_.groups[group].state;
  if (!state.backoff_until) return;
  if (now_ < *state.backoff_until) {
    wake(*state.backoff_until);
    return;
  }
  const GroupReport& report = out_.groups[group].report;
  const bool came = state.last_scale_up && *state.last_scale_up >= *state.backoff_until &&
                    report.unregistered + report.long_unregistered + report.not_started == 0 &&
                    report.ready >= view.target;
  if (came || now_ >= *state.backoff_until + view_.options.node_group_backoff_reset_timeout) {
    state.backoff_until.reset();
    state.backoff = Duration{};
    state.backoff_reason.clear();
  }
}

void Planner::enforce_minimum(std::size_t group) {
  if (!view_.options.enforce_node_group_min_size) return;
  const int min = view_.groups[group].min;
  if (size(group) >= min) return;
  note(Subject::kGroup, group, {}, false, "ScaledUpGroup",
       "size set to the minimum, " + std::to_string(min));
  out_.groups[group].replicas = min;
  out_.groups[group].state.last_scale_up = now_;
  out_.groups[group].state.scaled_up_to = min;
}

}  // namespace nestor::autoscale
