#pragma once

#include <string>
#include <vector>

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

/// A node group's image that the chart's `values` name stays as it is whatever the version, so that
/// new nodes would be of the old one: `sets` (as helm's --set takes them) must name it anew, or its
/// name have the target version in it. Errors: kInvalidArgument with all that are to be named.
/// Pure.
Result<> validate_images(const Json& values, const std::vector<std::string>& sets,
                         const std::string& target);

/// Whether the control plane runs `version` in all its pods.
bool control_plane_at(const ClusterState& state, const std::string& version);
/// Whether every node group has only Ready nodes of `version`.
bool nodes_at(const ClusterState& state, const std::string& version);

}  // namespace nestor::cli
