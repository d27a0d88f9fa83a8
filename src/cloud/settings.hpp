#pragma once

#include <string>
#include <string_view>

#include "kube/object.hpp"

namespace nestor::cloud {

// Annotations of a Cluster; what upstream's cloud controller reads from its cloud-config.

/// "false": another program initialises the Nodes and removes them.
inline constexpr std::string_view kNodesAnnotation = "nestor.dev/cloud-nodes";
/// "false": no zone and region labels.
inline constexpr std::string_view kZonesAnnotation = "nestor.dev/cloud-zones";
/// "false": Services of type LoadBalancer are left to another program.
inline constexpr std::string_view kBalancersAnnotation = "nestor.dev/cloud-load-balancers";
/// "false": the management cluster finds the machines of a load balancer by a selector, unless its
/// externalTrafficPolicy is Local; so it sends traffic to those as well whose Node is not ready.
inline constexpr std::string_view kSelectorlessAnnotation = "nestor.dev/cloud-selectorless";
/// The loadBalancerClass of the Services in the management cluster.
inline constexpr std::string_view kParentClassAnnotation = "nestor.dev/cloud-load-balancer-class";

struct Settings {
  bool nodes = true;
  bool zones = true;
  bool load_balancers = true;
  bool selectorless = true;
  std::string parent_class = {};
};

/// What the annotations of a Cluster ask for; anything but "true" and "false" is the default.
Settings settings_of(const kube::ObjectMeta& cluster);

}  // namespace nestor::cloud
