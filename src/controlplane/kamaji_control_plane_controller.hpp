#pragma once

#include <memory>
#include <string>

#include "api/infrastructure/kubevirt_cluster.hpp"
#include "controlplane/control_planes.hpp"
#include "controlplane/controlplane.hpp"
#include "controlplane/tenant_from_kamaji.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Runs a KamajiControlPlane of Cluster API as a TenantControlPlane of the same name, and tells the
/// Cluster and its infrastructure where the API server is.
class KamajiControlPlaneController {
 public:
  explicit KamajiControlPlaneController(kube::Runtime& runtime);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using Cluster = api::cluster::Cluster;
  using KubevirtCluster = api::infrastructure::KubevirtCluster;

  std::vector<kube::ObjectKey> of_infrastructure(const KubevirtCluster& infra) const;
  Task<> run_steps(KamajiControlPlane& kcp, const Cluster& cluster);
  Task<> patch_infrastructure(KamajiControlPlane& kcp, const Cluster& cluster);
  Task<> write_secrets(KamajiControlPlane& kcp, const Cluster& cluster,
                       const TenantControlPlane& tcp);
  Task<> finish(KamajiControlPlane& kcp);
  void set(KamajiControlPlane& kcp, const char* type, bool status, const char* reason,
           std::string message = {}) const;
  void note_status(KamajiControlPlane& kcp, const TenantControlPlane& tcp) const;

  kube::Runtime& runtime_;
  Caches caches_;
  ControlPlanes planes_;
  /// Secrets of Clusters: ours are among them.
  kube::Informer<api::core::Secret> cluster_secrets_;
  kube::Informer<KubevirtCluster> infrastructures_;
  kube::Applier applier_;
};

}  // namespace nestor::controlplane
