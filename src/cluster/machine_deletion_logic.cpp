#include "cluster/machine_deletion_logic.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"

namespace nestor::cluster {

namespace {

namespace names = api::cluster;
using api::cluster::Machine;
using enum MachineDeleteStep;
using Infrastructure = MachineDeleteView::Infrastructure;

constexpr std::int32_t kNodeDeletionTimeout = 10;

bool has_hook(const Machine& machine, std::string_view prefix) {
  return std::ranges::any_of(machine.metadata.annotations,
                             [&](const auto& item) { return item.first.starts_with(prefix); });
}

bool annotated(const Machine& machine, std::string_view annotation) {
  return machine.metadata.annotations.contains(std::string(annotation));
}

bool expired(const Machine& machine, MachineDeleteStep step, WallTime now) {
  const auto deadline = step_deadline(machine, step);
  return deadline && now >= *deadline;
}

bool needs_drain(const MachineDeleteView& view) {
  if (view.cluster_deleting || view.drained) return false;
  if (view.node == nullptr && !view.node_unknown) return false;
  if (annotated(*view.machine, names::kExcludeNodeDrainingAnnotation)) return false;
  return !expired(*view.machine, kDrain, view.now);
}

bool needs_detach(const MachineDeleteView& view) {
  if (view.cluster_deleting || view.detached || view.node == nullptr) return false;
  // Nobody detaches from a Node that does not answer, before it is known to be gone.
  if (is_unreachable(*view.node) && !api::core::out_of_service(*view.node)) return false;
  if (annotated(*view.machine, names::kExcludeWaitForVolumeDetachAnnotation)) return false;
  return !expired(*view.machine, kVolumes, view.now);
}

bool node_left(const MachineDeleteView& view) {
  if (view.cluster_deleting) return false;
  if (view.node != nullptr) return true;
  return view.node_unknown && !expired(*view.machine, kNode, view.now);
}

}  // namespace

MachineDeleteStep next_delete_step(const MachineDeleteView& view) {
  const Machine& machine = *view.machine;
  const bool stands = view.infrastructure == Infrastructure::kThere;
  if (has_hook(machine, names::kPreDrainHookPrefix)) return kPreDrainHook;
  if (stands && needs_drain(view)) return kDrain;
  if (stands && needs_detach(view)) return kVolumes;
  if (has_hook(machine, names::kPreTerminateHookPrefix)) return kPreTerminateHook;
  if (view.infrastructure != Infrastructure::kGone) return kInfrastructure;
  if (view.bootstrap_exists) return kBootstrap;
  return node_left(view) ? kNode : kDone;
}

std::string_view deleting_reason(MachineDeleteStep step) {
  switch (step) {
    case kPreDrainHook:
      return "WaitingForPreDrainHook";
    case kDrain:
      return "DrainingNode";
    case kVolumes:
      return "WaitingForVolumeDetach";
    case kPreTerminateHook:
      return "WaitingForPreTerminateHook";
    case kInfrastructure:
      return "WaitingForInfrastructureDeletion";
    case kBootstrap:
      return "WaitingForBootstrapDeletion";
    case kNode:
      return "DeletingNode";
    case kDone:
      return "DeletionCompleted";
  }
  return "InternalError";
}

void mark_step_begun(Machine& machine, MachineDeleteStep step, WallTime now) {
  auto& times = machine.status.deletion;
  std::string* begun = step == kPreDrainHook       ? &times.waitForPreDrainHookStartTime
                       : step == kDrain            ? &times.nodeDrainStartTime
                       : step == kVolumes          ? &times.waitForNodeVolumeDetachStartTime
                       : step == kPreTerminateHook ? &times.waitForPreTerminateHookStartTime
                                                   : nullptr;
  if (begun != nullptr && begun->empty()) *begun = format_rfc3339(now);
}

std::optional<WallTime> step_deadline(const Machine& machine, MachineDeleteStep step) {
  const auto& limits = machine.spec.deletion;
  const auto& times = machine.status.deletion;
  std::int32_t seconds = 0;
  std::string_view since;
  if (step == kDrain) {
    seconds = limits.nodeDrainTimeoutSeconds.value_or(0);
    since = times.nodeDrainStartTime;
  } else if (step == kVolumes) {
    seconds = limits.nodeVolumeDetachTimeoutSeconds.value_or(0);
    since = times.waitForNodeVolumeDetachStartTime;
  } else if (step == kNode) {
    seconds = limits.nodeDeletionTimeoutSeconds.value_or(kNodeDeletionTimeout);
    since = machine.metadata.deletionTimestamp;
  }
  if (seconds <= 0 || since.empty()) return std::nullopt;
  const auto start = parse_rfc3339(since);
  if (!start) return std::nullopt;
  return *start + std::chrono::seconds(seconds);
}

bool is_unreachable(const api::core::Node& node) {
  const auto* ready = kube::find_condition(node.status.conditions, "Ready");
  return ready != nullptr && ready->status == "Unknown";
}

}  // namespace nestor::cluster
