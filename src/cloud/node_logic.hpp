#pragma once

#include <optional>
#include <string>

#include "api/core/node.hpp"
#include "cloud/machines.hpp"

/// What a cloud provider knows of a Node, written on it. Pure.
namespace nestor::cloud {

/// Where a machine runs; "" when its place has no such label.
struct Place {
  std::string region;
  std::string zone;
};

struct NodeView {
  const api::core::Node& node;
  const Machine& machine;
  /// Nothing when zones are not to be written, or not known yet.
  std::optional<Place> place;
  /// Whether the place must be known before the Node may be used.
  bool needs_place = false;
};

/// The instance type of a machine: what KubeVirt sized it by, else its size ("2cpu-4Gi"); "" when
/// it has none. Fit to be a label's value.
std::string instance_type(const Machine& machine);

/// The Node with providerID, labels, addresses and taints as its machine has them. Addresses only
/// where kubelet leaves them to us (it started with --cloud-provider=external, which shows in the
/// taint of the uninitialised); the taint goes with the write that completes the rest.
api::core::Node wanted_node(const NodeView& view);

/// Whether the Node waits for its cloud provider.
bool uninitialized(const api::core::Node& node);

}  // namespace nestor::cloud
