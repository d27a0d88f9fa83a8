#include <algorithm>

#include "autoscale/simulation/snapshot_impl.hpp"

/// How classes, their terms and constraints come into a Snapshot, and how pods are counted.
namespace nestor::autoscale {

ClassIndex Snapshot::Impl::add_class(std::shared_ptr<const PodShape> shape,
                                     std::vector<VolumeUse> volumes) {
  const std::size_t hash = hash_of(*shape) + volumes.size();
  const auto [from, to] = class_by_hash.equal_range(hash);
  for (auto it = from; it != to; ++it) {
    const PodClass& known = classes[it->second];
    if ((known.shape == shape || *known.shape == *shape) && known.volumes == volumes) {
      return it->second;
    }
  }
  const auto index = static_cast<ClassIndex>(classes.size());
  class_by_hash.emplace(hash, index);
  PodClass& made = classes.emplace_back();
  made.shape = std::move(shape);
  made.volumes = std::move(volumes);
  if (deadline.passed()) return index;
  for (std::uint32_t i = 0; i < terms.size(); ++i) {
    if (matches(terms[i], *made.shape, namespaces)) made.matched_terms.push_back(i);
  }
  for (std::uint32_t i = 0; i < spreads.size(); ++i) {
    if (spreads[i].matches(*made.shape)) made.matched_spreads.push_back(i);
  }
  const PodShape& own = *made.shape;
  for (const PodTerm& term : own.affinity) {
    if (deadline.passed()) return index;
    made.affinity_terms.push_back(add_term(own.affinity, term.topology_key));
  }
  made.matches_own_affinity = std::ranges::all_of(made.affinity_terms, [&](std::uint32_t term) {
    return std::ranges::find(made.matched_terms, term) != made.matched_terms.end();
  });
  for (const PodTerm& term : own.anti_affinity) {
    if (deadline.passed()) return index;
    made.anti_terms.push_back(add_term({term}, term.topology_key));
  }
  for (const SpreadConstraint& constraint : own.spread) {
    if (deadline.passed()) return index;
    add_spread(index, constraint);
  }
  return index;
}

TopologyKeys::Key Snapshot::Impl::add_key(const std::string& label) {
  bool added = false;
  const TopologyKeys::Key key = topology.add(label, added);
  if (added) {
    for (NodeState& state : nodes) {
      state.domains.push_back(topology.domain(key, state.node->labels));
    }
  }
  return key;
}

std::uint32_t Snapshot::Impl::add_term(std::vector<PodTerm> all, const std::string& topology_key) {
  const TopologyKeys::Key key = add_key(topology_key);
  const auto same = [&](const TermState& term) { return term.key == key && term.all == all; };
  const auto found = std::ranges::find_if(terms, same);
  if (found != terms.end()) return static_cast<std::uint32_t>(found - terms.begin());
  const auto index = static_cast<std::uint32_t>(terms.size());
  TermState& made = terms.emplace_back();
  made.all = std::move(all);
  made.key = key;
  std::vector<bool> matched(classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    matched[i] = matches(made, *classes[i].shape, namespaces);
    if (matched[i]) classes[i].matched_terms.push_back(index);
  }
  for (const PodState& pod : pods) {
    if (pod.node != kNoNode && matched[pod.pod_class]) {
      made.matched.add(nodes[pod.node].domains[key], 1);
    }
  }
  return index;
}

bool Snapshot::Impl::eligible(const PodShape& shape, const SpreadConstraint& constraint,
                              const Node& node) const {
  for (const SpreadConstraint& one : shape.spread) {
    if (!node.labels.contains(one.topology_key)) return false;
  }
  if (constraint.honor_affinity && !affinity_fits(shape, node)) return false;
  return !constraint.honor_taints || check_taints(shape, node, nullptr) == Obstacle::kNone;
}

void Snapshot::Impl::add_spread(ClassIndex owner, const SpreadConstraint& constraint) {
  const auto index = static_cast<std::uint32_t>(spreads.size());
  const std::shared_ptr<const PodShape> shape = classes[owner].shape;
  const TopologyKeys::Key key = add_key(constraint.topology_key);
  SpreadState& made = spreads.emplace_back();
  made.constraint = constraint;
  made.ns = shape->ns;
  made.key = key;
  made.owner = shape;
  made.matches_itself = made.matches(*shape);
  classes[owner].spreads.push_back(index);
  std::vector<bool> matched(classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    matched[i] = made.matches(*classes[i].shape);
    if (matched[i]) classes[i].matched_spreads.push_back(index);
  }
  for (NodeIndex node = 0; node < nodes.size(); ++node) count_node(made, node, 1);
  for (const PodState& pod : pods) {
    if (pod.node == kNoNode || !matched[pod.pod_class] || !made.eligible[pod.node]) continue;
    made.pods.add(nodes[pod.node].domains[key], 1);
  }
  made.touched();
}

void Snapshot::Impl::count_node(SpreadState& spread, NodeIndex node, std::int32_t by) {
  if (by > 0) {
    spread.eligible.resize(node + 1);
    spread.eligible[node] = eligible(*spread.owner, spread.constraint, *nodes[node].node);
  }
  if (spread.eligible[node]) spread.nodes.add(nodes[node].domains[spread.key], by);
  if (by < 0) spread.eligible.resize(node);
  spread.touched();
}

void Snapshot::Impl::count_pod(const PodClass& pod_class, NodeIndex node, std::int32_t by) {
  const NodeState& state = nodes[node];
  for (const std::uint32_t term : pod_class.matched_terms) {
    terms[term].matched.add(state.domains[terms[term].key], by);
  }
  for (const std::uint32_t term : pod_class.anti_terms) {
    terms[term].owners.add(state.domains[terms[term].key], by);
  }
  for (const std::uint32_t index : pod_class.matched_spreads) {
    SpreadState& spread = spreads[index];
    if (!spread.eligible[node]) continue;
    spread.pods.add(state.domains[spread.key], by);
    spread.touched();
  }
}

void Snapshot::Impl::count_resources(const PodClass& pod_class, NodeState& state, bool add) {
  const PodShape& shape = *pod_class.shape;
  if (add) {
    state.used += shape.requests;
    state.ports.insert(state.ports.end(), shape.ports.begin(), shape.ports.end());
  } else {
    state.used -= shape.requests;
    for (const HostPort& port : shape.ports) {
      state.ports.erase(std::ranges::find(state.ports, port));
    }
  }
  for (const VolumeUse& volume : pod_class.volumes) {
    auto& handles = state.volumes[volume.driver];
    int& uses = handles[volume.handle];
    uses += add ? 1 : -1;
    if (uses == 0) handles.erase(volume.handle);
  }
}

void Snapshot::Impl::put(PodIndex pod, NodeIndex node) {
  PodState& state = pods[pod];
  NodeState& on = nodes[node];
  const PodClass& pod_class = classes[state.pod_class];
  state.node = node;
  state.slot = static_cast<std::uint32_t>(on.pods.size());
  on.pods.push_back(pod);
  count_resources(pod_class, on, true);
  count_pod(pod_class, node, 1);
}

void Snapshot::Impl::take(PodIndex pod) {
  PodState& state = pods[pod];
  NodeState& on = nodes[state.node];
  const PodClass& pod_class = classes[state.pod_class];
  count_pod(pod_class, state.node, -1);
  count_resources(pod_class, on, false);
  const PodIndex last = on.pods.back();
  on.pods[state.slot] = last;
  pods[last].slot = state.slot;
  on.pods.pop_back();
  state.node = kNoNode;
}

}  // namespace nestor::autoscale
