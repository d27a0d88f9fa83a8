#pragma once

#include <vector>

#include "api/core/node.hpp"
#include "cli/cluster_objects.hpp"

namespace nestor::cli {

/// Whether the workers can run on a management cluster of these nodes: one of them must be able to
/// hold a worker of that size, and where images come from archives, have the workers' disk. Without
/// any node nothing is refused: a node may come.
/// Errors: kInvalidArgument with what there is instead.
Result<> fits(const ClusterRequest& request, const std::vector<api::core::Node>& nodes);

}  // namespace nestor::cli
