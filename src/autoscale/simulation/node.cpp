#include "autoscale/simulation/node.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/quantity.hpp"

namespace nestor::autoscale {
namespace {

/// Taints that come and go with a node's state.
bool transient(const Taint& taint) {
  return taint.key.starts_with("node.kubernetes.io/") ||
         taint.key.starts_with("node.cloudprovider.kubernetes.io/") ||
         taint.key.starts_with("startup-taint.cluster-autoscaler.kubernetes.io/") ||
         taint.key.starts_with("status-taint.cluster-autoscaler.kubernetes.io/") ||
         taint.key.starts_with("ignore-taint.cluster-autoscaler.kubernetes.io/") ||
         taint.key == api::cluster::kNodeUninitializedTaint ||
         taint.key == "ToBeDeletedByClusterAutoscaler" ||
         taint.key == "DeletionCandidateOfClusterAutoscaler";
}

/// Of a node that is starting or cut off; what else a taint says, a node can live with.
bool not_ready(const Taint& taint) {
  return taint.key == "node.kubernetes.io/not-ready" ||
         taint.key == "node.kubernetes.io/network-unavailable" ||
         taint.key == "node.kubernetes.io/disk-pressure" ||
         taint.key == api::cluster::kNodeUninitializedTaint ||
         taint.key.starts_with("node.cloudprovider.kubernetes.io/uninitialized") ||
         taint.key.starts_with("startup-taint.cluster-autoscaler.kubernetes.io/") ||
         taint.key.starts_with("ignore-taint.cluster-autoscaler.kubernetes.io/");
}

}  // namespace

bool takes_pods(const api::core::Node& node) {
  return api::core::ready(node) && std::ranges::none_of(node.spec.taints, not_ready);
}

Node node_from(const api::core::Node& node) {
  Node out;
  out.name = node.metadata.name;
  out.labels = node.metadata.labels;
  out.taints = node.spec.taints;
  out.unschedulable = node.spec.unschedulable.value_or(false);
  for (const auto& [name, text] : node.status.allocatable) {
    const auto amount = name == "cpu" ? parse_quantity_milli(text) : parse_quantity(text);
    if (amount) out.allocatable.set(name, *amount);
  }
  return out;
}

Node template_from(const api::core::Node& node, const std::string& group_name) {
  Node out = node_from(node);
  out.name = "template-node-for-" + group_name;
  out.labels[std::string(kHostnameLabel)] = out.name;
  out.unschedulable = false;
  std::erase_if(out.taints, transient);
  return out;
}

}  // namespace nestor::autoscale
