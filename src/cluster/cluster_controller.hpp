#pragma once

#include "cluster/cluster_logic.hpp"
#include "cluster/context.hpp"

namespace nestor::cluster {

/// Brings infrastructure and control plane together under a Cluster: owners and labels, endpoint,
/// status; and takes it apart in order.
class ClusterController {
 public:
  explicit ClusterController(Context& context) : context_(context) {}
  /// Adds itself, with its watches, to the runtime.
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;
  Task<kube::ReconcileResult> reconcile_normal(ClusterPtr cluster);
  Task<kube::ReconcileResult> reconcile_delete(ClusterPtr cluster);
  /// Starts the deletion of all workers; whether any is left.
  Task<bool> remove_workers(ClusterPtr cluster);
  template <kube::Resource T>
  Task<bool> remove_all(kube::Informer<T> informer, ClusterPtr cluster);
  ClusterView view_of(const api::cluster::Cluster& cluster);
  std::vector<kube::ObjectKey> clusters_referring_to(std::string_view kind,
                                                     const kube::ObjectMeta& object);
  void announce(const api::cluster::Cluster& before, const api::cluster::Cluster& after);

  Context& context_;
};

}  // namespace nestor::cluster
