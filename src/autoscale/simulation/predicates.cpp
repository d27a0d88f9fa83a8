#include <algorithm>

#include "autoscale/simulation/snapshot_impl.hpp"

/// What the scheduler's filters say, worked out from a Snapshot's counts.
/// Source: kube-scheduler's plugins NodeUnschedulable, TaintToleration, NodeAffinity,
/// NodeResourcesFit, NodePorts, NodeVolumeLimits, VolumeBinding, InterPodAffinity and
/// PodTopologySpread.
namespace nestor::autoscale {
namespace {

constexpr std::string_view kAnyAddress = "0.0.0.0";

bool tolerates(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (toleration.key.empty()) return toleration.op == "Exists";
  if (toleration.key != taint.key) return false;
  return toleration.op == "Exists" || toleration.value == taint.value;
}

bool tolerated(const PodShape& shape, const Taint& taint) {
  return std::ranges::any_of(shape.tolerations,
                             [&](const auto& one) { return tolerates(one, taint); });
}

bool conflict(const HostPort& a, const HostPort& b) {
  return a.port == b.port && a.protocol == b.protocol &&
         (a.ip == b.ip || a.ip == kAnyAddress || b.ip == kAnyAddress);
}

bool ports_free(const PodShape& shape, const NodeState& state) {
  return std::ranges::none_of(shape.ports, [&](const HostPort& port) {
    return std::ranges::any_of(state.ports, [&](const auto& used) { return conflict(port, used); });
  });
}

}  // namespace

Obstacle Snapshot::Impl::check_taints(const PodShape& shape, const Node& node,
                                      std::string* detail) const {
  if (node.unschedulable) {
    Taint cordon;
    cordon.key = "node.kubernetes.io/unschedulable";
    cordon.effect = "NoSchedule";
    if (!tolerated(shape, cordon)) return Obstacle::kUnschedulable;
  }
  for (const Taint& taint : node.taints) {
    if (taint.effect == "PreferNoSchedule" || tolerated(shape, taint)) continue;
    if (detail != nullptr) *detail = "{" + taint.key + ": " + taint.value + "}";
    return Obstacle::kTaint;
  }
  return Obstacle::kNone;
}

bool Snapshot::Impl::affinity_fits(const PodShape& shape, const Node& node) {
  for (const auto& [key, value] : shape.node_selector) {
    const auto label = node.labels.find(key);
    if (label == node.labels.end() || label->second != value) return false;
  }
  return !shape.node_terms || matches(*shape.node_terms, node.labels, node.name);
}

bool Snapshot::Impl::volumes_reach(const PodClass& pod_class, const Node& node) const {
  return std::ranges::all_of(pod_class.volumes, [&](const VolumeUse& volume) {
    return !volume.node_terms || matches(*volume.node_terms, node.labels, node.name);
  });
}

bool Snapshot::Impl::volumes_fit(const PodClass& pod_class, const NodeState& state) const {
  if (pod_class.volumes.empty() || state.node->volume_limits.empty()) return true;
  std::map<std::string_view, std::int64_t> more;
  for (const VolumeUse& volume : pod_class.volumes) {
    const auto driver = state.volumes.find(volume.driver);
    const bool attached = !volume.handle.empty() && driver != state.volumes.end() &&
                          driver->second.contains(volume.handle);
    if (!attached) ++more[volume.driver];
  }
  return std::ranges::all_of(more, [&](const auto& one) {
    const std::string name(one.first);
    const auto limit = state.node->volume_limits.find(name);
    if (limit == state.node->volume_limits.end()) return true;
    std::int64_t used = 0;
    if (const auto driver = state.volumes.find(name); driver != state.volumes.end()) {
      // Volumes without a handle are all different.
      for (const auto& [handle, uses] : driver->second) used += handle.empty() ? uses : 1;
    }
    return used + one.second <= limit->second;
  });
}

Obstacle Snapshot::Impl::check_terms(const PodClass& pod_class, const NodeState& state) const {
  for (const std::uint32_t index : pod_class.matched_terms) {
    const TermState& term = terms[index];
    if (term.owners.at(state.domains[term.key]) > 0) return Obstacle::kExistingAntiAffinity;
  }
  for (const std::uint32_t index : pod_class.anti_terms) {
    const TermState& term = terms[index];
    if (term.matched.at(state.domains[term.key]) > 0) return Obstacle::kPodAntiAffinity;
  }
  bool nobody = true;
  bool all_here = true;
  for (const std::uint32_t index : pod_class.affinity_terms) {
    const TermState& term = terms[index];
    const std::int32_t domain = state.domains[term.key];
    if (domain == TopologyKeys::kNoDomain) return Obstacle::kPodAffinity;
    if (term.matched.total() > 0) nobody = false;
    if (term.matched.at(domain) == 0) all_here = false;
  }
  // The first pod of a group that wants to be together has nobody to be with.
  if (all_here || (nobody && pod_class.matches_own_affinity)) return Obstacle::kNone;
  return Obstacle::kPodAffinity;
}

bool Snapshot::Impl::spread_fits(const PodClass& pod_class, const NodeState& state) const {
  return std::ranges::all_of(pod_class.spreads, [&](std::uint32_t index) {
    const SpreadState& spread = spreads[index];
    const std::int32_t domain = state.domains[spread.key];
    if (domain == TopologyKeys::kNoDomain) return false;
    const std::int64_t here = spread.pods.at(domain) + (spread.matches_itself ? 1 : 0);
    return here - spread.fewest() <= spread.constraint.max_skew;
  });
}

Obstacle Snapshot::check_node_only(ClassIndex pod_class, NodeIndex node,
                                   std::string* detail) const {
  const PodShape& shape = *impl_->classes[pod_class].shape;
  const Node& on = *impl_->nodes[node].node;
  const Obstacle taints = impl_->check_taints(shape, on, detail);
  if (taints != Obstacle::kNone) return taints;
  return Impl::affinity_fits(shape, on) ? Obstacle::kNone : Obstacle::kNodeAffinity;
}

Obstacle Snapshot::check(ClassIndex pod_class, NodeIndex node, std::string* detail) const {
  const PodClass& one = impl_->classes[pod_class];
  const NodeState& state = impl_->nodes[node];
  if (state.closed) return Obstacle::kClosed;
  for (const VolumeUse& volume : one.volumes) {
    if (volume.missing.empty()) continue;
    if (detail != nullptr) *detail = volume.missing;
    return Obstacle::kVolumeMissing;
  }
  // The cheapest and likeliest first when nobody asks why; else in the scheduler's order.
  if (detail == nullptr && !state.node->allocatable.fits(one.shape->requests, state.used)) {
    return Obstacle::kResources;
  }
  const Obstacle fixed = check_node_only(pod_class, node, detail);
  if (fixed != Obstacle::kNone) return fixed;
  if (detail != nullptr && !state.node->allocatable.fits(one.shape->requests, state.used, detail)) {
    return Obstacle::kResources;
  }
  if (!ports_free(*one.shape, state)) return Obstacle::kPorts;
  if (!impl_->volumes_reach(one, *state.node)) return Obstacle::kVolumeAffinity;
  if (!impl_->volumes_fit(one, state)) return Obstacle::kVolumeLimit;
  const Obstacle terms = impl_->check_terms(one, state);
  if (terms != Obstacle::kNone) return terms;
  return impl_->spread_fits(one, state) ? Obstacle::kNone : Obstacle::kTopologySpread;
}

std::string explain(Obstacle obstacle, const std::string& detail) {
  switch (obstacle) {
    case Obstacle::kNone:
      return "";
    case Obstacle::kClosed:
      return "node(s) being removed";
    case Obstacle::kVolumeMissing:
      return detail;
    case Obstacle::kUnschedulable:
      return "node(s) were unschedulable";
    case Obstacle::kTaint:
      return "node(s) had untolerated taint " + detail;
    case Obstacle::kNodeAffinity:
      return "node(s) didn't match Pod's node affinity/selector";
    case Obstacle::kResources:
      return detail == Resources::name_of(Resources::kPods) ? "Too many pods"
                                                            : "Insufficient " + detail;
    case Obstacle::kPorts:
      return "node(s) didn't have free ports for the requested pod ports";
    case Obstacle::kVolumeAffinity:
      return "node(s) had volume node affinity conflict";
    case Obstacle::kVolumeLimit:
      return "node(s) exceed max volume count";
    case Obstacle::kPodAffinity:
      return "node(s) didn't match pod affinity rules";
    case Obstacle::kPodAntiAffinity:
      return "node(s) didn't match pod anti-affinity rules";
    case Obstacle::kExistingAntiAffinity:
      return "node(s) didn't satisfy existing pods anti-affinity rules";
    case Obstacle::kTopologySpread:
      return "node(s) didn't match pod topology spread constraints";
  }
  return "";
}

}  // namespace nestor::autoscale
