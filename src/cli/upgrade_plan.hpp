#pragma once

#include <string>

#include "cli/progress.hpp"

namespace nestor::cli {

/// What an upgrade of a cluster to a version has to do.
struct UpgradePlan {
  /// Of the control plane as it is wanted now.
  std::string from;
  /// The oldest that a node group is wanted to have; "" without groups.
  std::string nodes_from;
  bool control_plane = false;
  bool nodes = false;
  bool nothing() const { return !control_plane && !nodes; }
};

/// Kubernetes' rules: never down, one minor version at a time, nodes at most three behind.
/// Errors: kInvalidArgument, kFailedPrecondition (the cluster has no control plane yet), each with
/// what to do instead.
Result<UpgradePlan> plan_upgrade(const ClusterState& state, const std::string& target);

/// Whether the control plane runs `version` in all its pods.
bool control_plane_at(const ClusterState& state, const std::string& version);
/// Whether every node group has only Ready nodes of `version`.
bool nodes_at(const ClusterState& state, const std::string& version);

}  // namespace nestor::cli
