#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "autoscale/simulation/deadline.hpp"
#include "autoscale/simulation/node.hpp"
#include "autoscale/simulation/pod.hpp"

namespace nestor::autoscale {

using NodeIndex = std::uint32_t;
using PodIndex = std::uint32_t;
/// Pods of one class have equal shapes and volumes that ask the same of a node.
using ClassIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = ~NodeIndex{0};

/// A volume of a pod, as far as it says where the pod can run.
struct VolumeUse {
  std::string driver;
  /// Two pods on a node with the same one attach once. "" is always another volume.
  std::string handle;
  /// Where the volume can be reached from.
  std::optional<NodeTerms> node_terms;
  /// Why no node helps a pod that uses it, in the scheduler's words; "" when one may.
  std::string missing;
  bool operator==(const VolumeUse&) const = default;
};

/// Why a pod cannot run on a node.
enum class Obstacle : std::uint8_t {
  kNone,
  kClosed,
  kVolumeMissing,
  kUnschedulable,
  kTaint,
  kNodeAffinity,
  kResources,
  kPorts,
  kVolumeAffinity,
  kVolumeLimit,
  kPodAffinity,
  kPodAntiAffinity,
  kExistingAntiAffinity,
  kTopologySpread,
};

/// Nodes and the pods on them, to try things out: what the scheduler would say to a pod on a node,
/// what would follow, and back. Equal pods are worked out once; counts by topology are kept with
/// each move, so a check does not look at other pods. No I/O. Not copyable; indexes stay valid.
class Snapshot {
 public:
  /// `namespaces`: labels by namespace, for namespace selectors. Classes that are added after
  /// `deadline` lack terms and constraints: nothing may be decided by them.
  explicit Snapshot(std::map<std::string, LabelMap> namespaces = {}, Deadline deadline = {});
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  NodeIndex add_node(std::shared_ptr<const Node> node);
  ClassIndex add_class(std::shared_ptr<const PodShape> shape, std::vector<VolumeUse> volumes = {});
  PodIndex add_pod(ClassIndex pod_class);

  /// Puts a pod, which is on no node, on one; whether it fits is the caller's question.
  void place(PodIndex pod, NodeIndex node);
  /// Takes a pod off its node.
  void unplace(PodIndex pod);
  /// Takes a node out of consideration. Its pods stay and count.
  void close_node(NodeIndex node);

  /// What would keep a pod of that class from the node; `detail` (may be null) gets the resource,
  /// the taint or what is the matter with a volume.
  Obstacle check(ClassIndex pod_class, NodeIndex node, std::string* detail = nullptr) const;
  bool fits(ClassIndex pod_class, NodeIndex node) const {
    return check(pod_class, node) == Obstacle::kNone;
  }
  /// Only what no other pod can change: taints, node affinity. For pods of DaemonSets.
  Obstacle check_node_only(ClassIndex pod_class, NodeIndex node,
                           std::string* detail = nullptr) const;
  /// The first node that fits, looked for from `start` on and then from the beginning; or kNoNode.
  NodeIndex first_fit(ClassIndex pod_class, NodeIndex start = 0) const;
  /// Whether other pods' places matter to a pod of that class, or its place to theirs.
  bool depends_on_pods(ClassIndex pod_class) const;

  /// A state to come back to. Marks are rolled back in reverse order.
  using Mark = std::size_t;
  Mark mark() const;
  /// Undoes placements, closings and additions of nodes and pods (not of classes) since `mark`.
  void rollback(Mark mark);

  std::size_t node_count() const;
  std::size_t pod_count() const;
  const Node& node(NodeIndex node) const;
  const Resources& used(NodeIndex node) const;
  const std::vector<PodIndex>& pods_on(NodeIndex node) const;
  bool closed(NodeIndex node) const;
  NodeIndex node_of(PodIndex pod) const;
  ClassIndex class_of(PodIndex pod) const;
  const PodShape& shape(ClassIndex pod_class) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The scheduler's words for an obstacle.
std::string explain(Obstacle obstacle, const std::string& detail);

}  // namespace nestor::autoscale
