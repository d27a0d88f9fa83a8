#pragma once

#include <algorithm>

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

/// Keeps pods that do not tolerate it off a Node.
struct Taint {
  /// Key of the taint.
  std::string key;
  /// Value of the taint.
  std::string value;
  /// What happens to pods that do not tolerate it: NoSchedule, PreferNoSchedule or NoExecute.
  std::string effect;
  /// When the taint was added; only for NoExecute.
  std::string timeAdded;
  bool operator==(const Taint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Taint, (), (key, value, effect, timeAdded))

struct NodeSpec {
  std::string podCIDR;
  std::vector<std::string> podCIDRs;
  std::string providerID;
  std::vector<Taint> taints;
  std::optional<bool> unschedulable;
  bool operator==(const NodeSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeSpec, (), (podCIDR, podCIDRs, providerID, taints, unschedulable))

/// An address of a machine.
struct NodeAddress {
  /// Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.
  std::string type;
  /// The address or name itself.
  std::string address;
  bool operator==(const NodeAddress&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeAddress, (), (type, address))

struct NodeInfo {
  std::string machineID;
  std::string systemUUID;
  std::string bootID;
  std::string kernelVersion;
  std::string osImage;
  std::string containerRuntimeVersion;
  std::string kubeletVersion;
  std::string kubeProxyVersion;
  std::string operatingSystem;
  std::string architecture;
  bool operator==(const NodeInfo&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeInfo, (),
                      (machineID, systemUUID, bootID, kernelVersion, osImage,
                       containerRuntimeVersion, kubeletVersion, kubeProxyVersion, operatingSystem,
                       architecture))

/// An image on the node; kubelet reports the largest ones.
struct ContainerImage {
  std::vector<std::string> names;
  std::int64_t sizeBytes = 0;
  bool operator==(const ContainerImage&) const = default;
};
BOOST_DESCRIBE_STRUCT(ContainerImage, (), (names, sizeBytes))

struct NodeStatus {
  std::map<std::string, std::string> capacity;
  std::map<std::string, std::string> allocatable;
  std::vector<NodeAddress> addresses;
  std::vector<kube::Condition> conditions;
  std::optional<NodeInfo> nodeInfo;
  std::vector<Json> volumesAttached;
  std::vector<ContainerImage> images;
  bool operator==(const NodeStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeStatus, (),
                      (capacity, allocatable, addresses, conditions, nodeInfo, volumesAttached,
                       images))

struct Node {
  static constexpr kube::ResourceType kType{"", "v1", "Node", "nodes", false};
  kube::ObjectMeta metadata;
  NodeSpec spec;
  NodeStatus status;
  bool operator==(const Node&) const = default;
};
BOOST_DESCRIBE_STRUCT(Node, (), (metadata, spec, status))

/// On a Node whose machine has ended for certain: its pods are removed and its volumes detached
/// without its kubelet's word. Source: Kubernetes, "non-graceful node shutdown".
inline constexpr std::string_view kOutOfServiceTaint = "node.kubernetes.io/out-of-service";

inline bool out_of_service(const Node& node) {
  return std::ranges::any_of(node.spec.taints,
                             [](const Taint& taint) { return taint.key == kOutOfServiceTaint; });
}

inline bool ready(const Node& node) {
  return kube::condition_true(node.status.conditions, "Ready");
}

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::Node)
