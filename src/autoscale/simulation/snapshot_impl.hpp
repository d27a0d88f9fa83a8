#pragma once

#include <deque>
#include <unordered_map>

#include "autoscale/simulation/snapshot.hpp"
#include "autoscale/simulation/topology.hpp"

/// The inside of Snapshot, for the files that make it up (snapshot, classes, predicates).
namespace nestor::autoscale {

struct NodeState {
  std::shared_ptr<const Node> node;
  Resources used;
  std::vector<PodIndex> pods;
  /// By topology key.
  std::vector<std::int32_t> domains;
  std::vector<HostPort> ports;
  /// How many pods use a volume: by driver and handle.
  std::map<std::string, std::map<std::string, int>> volumes;
  bool closed = false;
};

struct PodState {
  ClassIndex pod_class = 0;
  NodeIndex node = kNoNode;
  /// Its place in the node's list, so that taking it off is quick.
  std::uint32_t slot = 0;
};

struct PodClass {
  std::shared_ptr<const PodShape> shape;
  std::vector<VolumeUse> volumes;
  // Indexes into Impl::terms and Impl::spreads: its own, and those of others that count it.
  std::vector<std::uint32_t> affinity_terms;
  std::vector<std::uint32_t> anti_terms;
  std::vector<std::uint32_t> matched_terms;
  std::vector<std::uint32_t> spreads;
  std::vector<std::uint32_t> matched_spreads;
  /// Matches all of its own affinity: the first of a group that wants to be together.
  bool matches_own_affinity = false;
};

struct Snapshot::Impl {
  struct Change {
    enum class Kind : std::uint8_t { kNode, kPod, kPlaced, kTaken, kClosed };
    Kind kind;
    NodeIndex node;
    PodIndex pod;
  };

  std::map<std::string, LabelMap> namespaces;
  Deadline deadline;
  TopologyKeys topology;
  std::vector<NodeState> nodes;
  std::vector<PodState> pods;
  std::vector<PodClass> classes;
  std::unordered_multimap<std::size_t, ClassIndex> class_by_hash;
  std::deque<TermState> terms;
  std::deque<SpreadState> spreads;
  std::vector<Change> log;

  ClassIndex add_class(std::shared_ptr<const PodShape> shape, std::vector<VolumeUse> volumes);
  std::uint32_t add_term(std::vector<PodTerm> all, const std::string& topology_key);
  void add_spread(ClassIndex owner, const SpreadConstraint& constraint);
  TopologyKeys::Key add_key(const std::string& label);

  void put(PodIndex pod, NodeIndex node);
  void take(PodIndex pod);
  /// Counts a pod of that class on the node, or (-1) no longer.
  void count_pod(const PodClass& pod_class, NodeIndex node, std::int32_t by);
  void count_node(SpreadState& spread, NodeIndex node, std::int32_t by);
  void count_resources(const PodClass& pod_class, NodeState& state, bool add);

  Obstacle check_taints(const PodShape& shape, const Node& node, std::string* detail) const;
  static bool affinity_fits(const PodShape& shape, const Node& node);
  bool volumes_reach(const PodClass& pod_class, const Node& node) const;
  bool volumes_fit(const PodClass& pod_class, const NodeState& state) const;
  Obstacle check_terms(const PodClass& pod_class, const NodeState& state) const;
  bool spread_fits(const PodClass& pod_class, const NodeState& state) const;
  /// By class of the owner: whether its pods may use the node at all.
  bool eligible(const PodShape& shape, const SpreadConstraint& constraint, const Node& node) const;
};

}  // namespace nestor::autoscale
