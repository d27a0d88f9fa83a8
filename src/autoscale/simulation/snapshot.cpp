#include "autoscale/simulation/snapshot.hpp"

#include <algorithm>

#include "autoscale/simulation/snapshot_impl.hpp"

namespace nestor::autoscale {

Snapshot::Snapshot(std::map<std::string, LabelMap> namespaces, Deadline deadline)
    : impl_(std::make_unique<Impl>()) {
  impl_->namespaces = std::move(namespaces);
  impl_->deadline = deadline;
}

Snapshot::~Snapshot() = default;

NodeIndex Snapshot::add_node(std::shared_ptr<const Node> node) {
  Impl& impl = *impl_;
  NodeState state;
  state.node = std::move(node);
  state.domains.reserve(impl.topology.size());
  for (TopologyKeys::Key key = 0; key < impl.topology.size(); ++key) {
    state.domains.push_back(impl.topology.domain(key, state.node->labels));
  }
  const auto index = static_cast<NodeIndex>(impl.nodes.size());
  impl.nodes.push_back(std::move(state));
  for (SpreadState& spread : impl.spreads) impl.count_node(spread, index, 1);
  impl.log.push_back({Impl::Change::Kind::kNode, index, 0});
  return index;
}

ClassIndex Snapshot::add_class(std::shared_ptr<const PodShape> shape,
                               std::vector<VolumeUse> volumes) {
  return impl_->add_class(std::move(shape), std::move(volumes));
}

PodIndex Snapshot::add_pod(ClassIndex pod_class) {
  const auto index = static_cast<PodIndex>(impl_->pods.size());
  impl_->pods.push_back({pod_class, kNoNode, 0});
  impl_->log.push_back({Impl::Change::Kind::kPod, 0, index});
  return index;
}

void Snapshot::place(PodIndex pod, NodeIndex node) {
  impl_->put(pod, node);
  impl_->log.push_back({Impl::Change::Kind::kPlaced, node, pod});
}

void Snapshot::unplace(PodIndex pod) {
  const NodeIndex node = impl_->pods[pod].node;
  impl_->take(pod);
  impl_->log.push_back({Impl::Change::Kind::kTaken, node, pod});
}

void Snapshot::close_node(NodeIndex node) {
  if (impl_->nodes[node].closed) return;
  impl_->nodes[node].closed = true;
  impl_->log.push_back({Impl::Change::Kind::kClosed, node, 0});
}

NodeIndex Snapshot::first_fit(ClassIndex pod_class, NodeIndex start) const {
  const auto count = static_cast<NodeIndex>(impl_->nodes.size());
  if (start >= count) start = 0;
  for (NodeIndex i = 0; i < count; ++i) {
    const NodeIndex node = start + i < count ? start + i : start + i - count;
    if (fits(pod_class, node)) return node;
  }
  return kNoNode;
}

bool Snapshot::depends_on_pods(ClassIndex pod_class) const {
  const PodClass& one = impl_->classes[pod_class];
  return !one.affinity_terms.empty() || !one.anti_terms.empty() || !one.spreads.empty() ||
         !one.matched_terms.empty() || !one.matched_spreads.empty();
}

Snapshot::Mark Snapshot::mark() const { return impl_->log.size(); }

void Snapshot::rollback(Mark mark) {
  Impl& impl = *impl_;
  using Kind = Impl::Change::Kind;
  while (impl.log.size() > mark) {
    const Impl::Change change = impl.log.back();
    impl.log.pop_back();
    switch (change.kind) {
      case Kind::kNode:
        for (SpreadState& spread : impl.spreads) impl.count_node(spread, change.node, -1);
        impl.nodes.pop_back();
        break;
      case Kind::kPod:
        impl.pods.pop_back();
        break;
      case Kind::kPlaced:
        impl.take(change.pod);
        break;
      case Kind::kTaken:
        impl.put(change.pod, change.node);
        break;
      case Kind::kClosed:
        impl.nodes[change.node].closed = false;
        break;
    }
  }
}

std::size_t Snapshot::node_count() const { return impl_->nodes.size(); }
std::size_t Snapshot::pod_count() const { return impl_->pods.size(); }
const Node& Snapshot::node(NodeIndex node) const { return *impl_->nodes[node].node; }
const Resources& Snapshot::used(NodeIndex node) const { return impl_->nodes[node].used; }
const std::vector<PodIndex>& Snapshot::pods_on(NodeIndex node) const {
  return impl_->nodes[node].pods;
}
bool Snapshot::closed(NodeIndex node) const { return impl_->nodes[node].closed; }
NodeIndex Snapshot::node_of(PodIndex pod) const { return impl_->pods[pod].node; }
ClassIndex Snapshot::class_of(PodIndex pod) const { return impl_->pods[pod].pod_class; }
const PodShape& Snapshot::shape(ClassIndex pod_class) const {
  return *impl_->classes[pod_class].shape;
}

}  // namespace nestor::autoscale
