#pragma once

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
  kube::Runtime& runtime_;
};

}  // namespace nestor::infrastructure
