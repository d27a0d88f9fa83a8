#pragma once

#include <memory>

#include "api/cluster/cluster.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "kube/runtime.hpp"

namespace nestor::infrastructure {

/// A KubevirtCluster needs nothing made: it is provisioned as soon as it belongs to a Cluster,
/// whose control plane brings the endpoint. One that is managed from outside is left alone.
class KubevirtClusterController {
 public:
  explicit KubevirtClusterController(kube::Runtime& runtime) : runtime_(runtime) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  /// The Cluster it belongs to, or nullptr.
  std::shared_ptr<const api::cluster::Cluster> owner_of(
      const api::infrastructure::KubevirtCluster& infrastructure);

  kube::Runtime& runtime_;
};

}  // namespace nestor::infrastructure
