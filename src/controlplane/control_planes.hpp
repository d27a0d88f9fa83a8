#pragma once

#include <memory>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "kube/runtime.hpp"

namespace nestor::controlplane {

/// Which Cluster a KamajiControlPlane belongs to, and back. Its TenantControlPlane has its name.
struct ControlPlanes {
  using Cluster = api::cluster::Cluster;
  using KamajiControlPlane = api::controlplane::KamajiControlPlane;

  explicit ControlPlanes(kube::Runtime& runtime);
  /// By owner reference; nullptr when there is none, or the Cluster is gone.
  std::shared_ptr<const Cluster> cluster_of(const KamajiControlPlane& kcp) const;
  std::vector<kube::ObjectKey> of_cluster(const kube::ObjectKey& cluster) const;

  kube::Informer<KamajiControlPlane> kcps;
  kube::Informer<Cluster> clusters;
};

}  // namespace nestor::controlplane
