#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace nestor::cli {

/// A tenant cluster's objects as they stand; null where there is none yet.
struct ClusterState {
  Json cluster;
  Json control_plane;
  std::vector<Json> deployments;
  std::vector<Json> machines;
};

/// Where one part of a cluster stands, in words: {"machine demo-md-0-x7k2p", "node joined"}.
struct Milestone {
  std::string subject;
  std::string state;
  friend bool operator==(const Milestone&, const Milestone&) = default;
};

/// Every part's milestone, control plane first. Pure.
std::vector<Milestone> milestones(const ClusterState& state);

/// How many nodes a MachineDeployment wants. Without a number, as the controllers take it: the
/// autoscaler's minimum, else 1.
std::int64_t wanted_nodes(const Json& deployment);

/// Whether the API is up and every MachineDeployment has the nodes it wants, all Ready.
bool complete(const ClusterState& state);

/// The status ("True", "False", "Unknown") of a condition, or "".
std::string_view condition_status(const Json& object, std::string_view type);

/// What keeps the cluster from being complete, for the message of a timeout.
std::string what_is_missing(const ClusterState& state);

}  // namespace nestor::cli
