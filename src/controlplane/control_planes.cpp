#include "controlplane/control_planes.hpp"

namespace nestor::controlplane {

ControlPlanes::ControlPlanes(kube::Runtime& runtime)
    : kcps(runtime.informers().of<KamajiControlPlane>()),
      clusters(runtime.informers().of<Cluster>()) {}

std::shared_ptr<const ControlPlanes::Cluster> ControlPlanes::cluster_of(
    const KamajiControlPlane& kcp) const {
  for (const kube::OwnerReference& owner : kcp.metadata.ownerReferences) {
    if (owner.kind != Cluster::kType.kind) continue;
    if (!owner.apiVersion.starts_with(std::string(Cluster::kType.group) + "/")) continue;
    return clusters.get({kcp.metadata.namespace_, owner.name});
  }
  return nullptr;
}

std::vector<kube::ObjectKey> ControlPlanes::of_cluster(const kube::ObjectKey& cluster) const {
  std::vector<kube::ObjectKey> keys;
  for (const auto& kcp : kcps.list(cluster.ns)) {
    const auto owner = cluster_of(*kcp);
    if (owner && owner->metadata.name == cluster.name) keys.push_back(kcp->metadata.key());
  }
  return keys;
}

}  // namespace nestor::controlplane
