#pragma once

#include <optional>
#include <string_view>

#include "api/cluster/machine.hpp"
#include "api/core/node.hpp"
#include "base/clock.hpp"

/// The order in which a Machine goes. Pure.
namespace nestor::cluster {

enum class MachineDeleteStep {
  kPreDrainHook,
  kDrain,
  kVolumes,
  kPreTerminateHook,
  kInfrastructure,
  kBootstrap,
  kNode,
  kDone,
};

struct MachineDeleteView {
  enum class Infrastructure { kGone, kThere, kGoing };

  const api::cluster::Machine* machine = nullptr;
  bool cluster_deleting = false;
  /// Of the tenant; nullptr when it cannot be asked or has none.
  const api::core::Node* node = nullptr;
  /// There may be a Node, but the tenant cannot be asked.
  bool node_unknown = false;
  Infrastructure infrastructure = Infrastructure::kGone;
  bool bootstrap_exists = false;
  /// No pod that must go is left on the Node.
  bool drained = false;
  /// No volume that must be detached is left on the Node.
  bool detached = false;
  WallTime now;
};

/// Hooks (annotations of the Machine) hold it at their place whatever else there is. What is left
/// of a Node is only looked after while the infrastructure stands: there is no way back from its
/// removal. A tenant that cannot be asked is waited for, unless a time limit says how long.
MachineDeleteStep next_delete_step(const MachineDeleteView& view);

/// The reason of the condition Deleting.
std::string_view deleting_reason(MachineDeleteStep step);

/// Remembers when the step began, where the Machine has a place for it.
void mark_step_begun(api::cluster::Machine& machine, MachineDeleteStep step, WallTime now);

/// When the step's time limit ends it; nothing without limit.
std::optional<WallTime> step_deadline(const api::cluster::Machine& machine, MachineDeleteStep step);

/// Whether the Node does not report (its condition Ready is Unknown).
bool is_unreachable(const api::core::Node& node);

}  // namespace nestor::cluster
