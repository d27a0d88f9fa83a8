#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/node.hpp"
#include "autoscale/simulation/resources.hpp"
#include "autoscale/simulation/selector.hpp"

namespace nestor::autoscale {

using api::core::Taint;

/// What scheduling sees of a node: of one that exists, or of one that a group would make.
struct Node {
  std::string name;
  LabelMap labels;
  std::vector<Taint> taints;
  Resources allocatable;
  /// spec.unschedulable: cordoned.
  bool unschedulable = false;
  /// How many volumes of a CSI driver it can attach; a driver that is not named has no limit.
  std::map<std::string, std::int64_t> volume_limits;
};

inline constexpr std::string_view kHostnameLabel = "kubernetes.io/hostname";

/// An unreadable quantity counts as none of that resource.
Node node_from(const api::core::Node& node);

/// Whether pods come to it as far as its own state is concerned: its condition Ready is True, and
/// no taint says that it is still starting or cut off. The taint goes a moment after the condition
/// comes; between the two the node is one that is on its way.
bool takes_pods(const api::core::Node& node);

/// The node like `node` that its group would make next: another name, without taints that only say
/// how `node` is doing, and not cordoned.
Node template_from(const api::core::Node& node, const std::string& group_name);

}  // namespace nestor::autoscale
