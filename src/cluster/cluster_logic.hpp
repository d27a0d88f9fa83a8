#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "base/json.hpp"

/// What a Cluster's state follows from. Pure.
namespace nestor::cluster {

/// All that the Cluster controller looks at.
struct ClusterView {
  api::cluster::Cluster cluster;
  /// Nothing when there is none (or no reference).
  std::optional<Json> infrastructure;
  std::optional<Json> control_plane;
  /// Whether their kinds are served.
  bool infrastructure_known = true;
  bool control_plane_known = true;
  std::vector<api::cluster::MachineDeployment> deployments;
  bool remote_connected = false;
  std::string remote_message;
  /// RFC 3339.
  std::string now;
};

/// The Cluster with endpoint, status and conditions as `view` shows them.
api::cluster::Cluster observe(const ClusterView& view);

/// Deleting goes from the inside out; a step begins when nothing of the one before is left.
enum class DeleteStep { kWorkers, kControlPlane, kInfrastructure, kDone };
struct Remaining {
  bool workers = false;
  bool control_plane = false;
  bool infrastructure = false;
};
DeleteStep next_delete_step(const Remaining& remaining);
/// The reason of the condition Deleting during that step.
std::string_view deleting_reason(DeleteStep step);

/// The condition of `type` on another object, carried over under the name `as`. `fallback` stands
/// in when it has none of it.
kube::Condition mirror(const Json& object, std::string_view type, std::string_view as,
                       bool fallback);

}  // namespace nestor::cluster
