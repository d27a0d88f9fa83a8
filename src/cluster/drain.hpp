#pragma once

#include <string>
#include <vector>

#include "api/core/pod.hpp"
#include "cluster/machine_logic.hpp"
#include "kube/client.hpp"

namespace nestor::cluster {

/// Whether a drain has to wait for this pod to be gone: not those of DaemonSets, mirrors of static
/// pods, finished ones, and those that ask to be skipped. Pure.
bool must_leave(const api::core::Pod& pod);

struct DrainResult {
  /// Pods that are still there.
  int remaining = 0;
  /// Why the first of them could not be evicted, or "".
  std::string message;
};

/// One round: cordons the Node and asks for the eviction of every pod that must leave.
/// Errors: those of listing the pods; a refused eviction (disruption budget) only counts.
Task<DrainResult> drain_once(kube::Client& tenant, api::core::Node node);

}  // namespace nestor::cluster
