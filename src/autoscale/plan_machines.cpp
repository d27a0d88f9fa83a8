#include <algorithm>

#include "autoscale/planner.hpp"

/// The part of a decision about sizes that do not come true: Machines that do not become Nodes.
namespace nestor::autoscale {

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
  if (state.backoff_until && now_ < *state.backoff_until) return;
  const Options& options = view_.options;
  const bool again = state.backoff_until && state.backoff.count() > 0 &&
                     now_ < *state.backoff_until + options.node_group_backoff_reset_timeout;
  state.backoff = again ? std::min(state.backoff * 2, options.max_node_group_backoff_duration)
                        : options.initial_node_group_backoff_duration;
  state.backoff_until = now_ + state.backoff;
  state.backoff_reason = reason + ": " + message;
  note(Subject::kGroup, group, {}, true, reason, message);
}

/// Machines that never became Nodes are given up: replicas are lowered, and the group pauses.
void Planner::give_up_machines(std::size_t group) {
  const NodeGroup& view = view_.groups[group];
  GroupChange& change = out_.groups[group];
  int missing = view.target;
  std::vector<const MachineView*> late;
  for (const MachineView& machine : view.machines) {
    if (machine.deleting || change.state.removing.contains(machine.name)) continue;
    --missing;
    if (node_by_name_.contains(machine.node)) continue;
    const bool failed = machine.failed && machine.node.empty();
    if (failed || now_ >= machine.created + view.options.provision_time) late.push_back(&machine);
  }
  const auto asked = view.state.last_scale_up;
  if (missing > 0 && asked && view.target == view.state.scaled_up_to) {
    if (now_ >= *asked + view.options.provision_time) {
      change.replicas = std::max(view.min, size(group) - missing);
      back_off(group, "ScaleUpTimedOut",
               std::to_string(missing) + " Machines were not created within " +
                   format_duration(view.options.provision_time));
    } else {
      wake(*asked + view.options.provision_time);
    }
  }
  if (late.empty()) return;
  const bool failed = std::ranges::any_of(late, &MachineView::failed);
  // A node that was lost later is none that did not come; only a growing group pauses.
  if (asked && std::ranges::any_of(late, [&](const auto* one) {
        return one->created + std::chrono::seconds(1) >= *asked;
      })) {
    back_off(group, failed ? "FailedToScaleUpGroup" : "ScaleUpTimedOut",
             failed ? "Machine " + late.front()->name + " failed"
                    : "Machine " + late.front()->name + " did not become a Node within " +
                          format_duration(view.options.provision_time));
  }
  for (const MachineView* machine : late) {
    if (size(group) <= view.min) break;
    change.mark.push_back(machine->name);
    change.state.removing.insert(machine->name);
    change.replicas = size(group) - 1;
    note(Subject::kGroup, group, {}, true, "DeleteUnregistered",
         "removing Machine " + machine->name + ", which did not become a Node");
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
