#pragma once

#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "base/json.hpp"
#include "kube/client.hpp"

namespace nestor::cli {

/// What a worker of a node group asks of the management cluster.
struct WorkerSize {
  /// Name of the MachineDeployment.
  std::string group;
  std::int64_t cpu = 2;
  std::string memory = "2Gi";
  /// containerDisk.
  std::string image = {};
  friend bool operator==(const WorkerSize&, const WorkerSize&) = default;
};

/// The sizes of the node groups among a cluster's objects; not of those without nodes for now.
std::vector<WorkerSize> worker_sizes(const std::vector<Json>& objects);

/// Whether such a worker can run on a management cluster of these nodes: one of them must be able
/// to hold it, and where images come from archives, have the worker's disk. Without any node
/// nothing is refused: a node may come. Errors: kInvalidArgument with what there is instead.
Result<> fits(const WorkerSize& worker, const std::vector<api::core::Node>& nodes);

/// Asks that of all workers among a cluster's objects. Where we may not list nodes, the scheduler
/// tells.
Task<> refuse_unfit(kube::Client& client, std::vector<Json> objects);

}  // namespace nestor::cli
