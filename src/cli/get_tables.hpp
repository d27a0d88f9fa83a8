#pragma once

#include <vector>

#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"

/// The tables of `nestor get`. Pure.
namespace nestor::cli {

/// VERSION is that of the control plane which runs; the nodes may be behind it, which `wide` shows.
Table clusters_table(const GetOptions& options, WallTime now, const std::vector<Json>& clusters,
                     const std::vector<Json>& control_planes, const std::vector<Json>& deployments);

Table machines_table(const GetOptions& options, WallTime now, const std::vector<Json>& machines);

/// Of MachineDeployments. MIN and MAX are the autoscaler's bounds.
Table nodegroups_table(const GetOptions& options, WallTime now,
                       const std::vector<Json>& deployments);

}  // namespace nestor::cli
