#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster/machine.hpp"
#include "api/core/node.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"

/// What a Machine's state follows from. Pure.
namespace nestor::cluster {

struct MachineView {
  api::cluster::Machine machine;
  /// Nothing when there is none (or no reference).
  std::optional<Json> bootstrap;
  std::optional<Json> infrastructure;
  /// Whether their kinds are served.
  bool bootstrap_known = true;
  bool infrastructure_known = true;
  /// The tenant's Node with the Machine's providerID, or nullptr.
  const api::core::Node* node = nullptr;
  /// Whether the tenant's Nodes are known; if not, `node` says nothing.
  bool connected = false;
  /// They have not been known for so long that what they said last counts no more.
  bool lost = false;
  /// Whether a MachineDeployment says what it should be, and what it lacks for that.
  bool in_deployment = false;
  std::vector<std::string> outdated;
  WallTime now;
};

/// The Machine with spec.providerID, data Secret, status and conditions as `view` shows them.
api::cluster::Machine observe(const MachineView& view);

/// Sets Ready and Available as the Machine's other conditions have them: a Machine that is being
/// deleted is neither.
void summarize(api::cluster::Machine& machine, WallTime now);

/// When the Machine becomes Available without anything else happening (minReadySeconds).
std::optional<Duration> until_available(const api::cluster::Machine& machine, WallTime now);

/// The Node as its Machine wants it: labels of the domains that follow the Machine, annotations
/// that name it, without the taint of the uninitialised, and with that of the outdated while a
/// newer Machine is to replace it. Equal to `node` when nothing is to do.
api::core::Node wanted_node(const api::core::Node& node, const api::cluster::Machine& machine);

/// Whether a Node's change can matter to its Machine. Most are its kubelet's word that all is as it
/// was.
bool tells_news(const api::core::Node& before, const api::core::Node& now);

/// How long changes of a Node are gathered: they are made inside the tenant, as many as somebody
/// there likes, and each look at a Machine costs calls to the management cluster.
inline constexpr Duration kNodePace = std::chrono::seconds(1);

/// Whether a label of a Machine is carried over to its Node.
bool is_node_label(std::string_view key);

}  // namespace nestor::cluster
