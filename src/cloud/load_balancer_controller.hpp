#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/core/service.hpp"
#include "api/discovery/endpoint_slice.hpp"
#include "cloud/cloud.hpp"
#include "cloud/machines.hpp"
#include "cloud/settings.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"
#include "tenant/tenant_key.hpp"

namespace nestor::cloud {

/// Field manager of parents and their EndpointSlices.
inline constexpr const char* kLoadBalancerManager = "nestor-load-balancer";

/// Index of EndpointSlices, in the management cluster and in tenants: "namespace/service".
inline constexpr const char* kBySliceService = "cloud.slice-service";
std::vector<std::string> service_of_slice(const api::discovery::EndpointSlice& slice);

/// Gives every tenant's Services of type LoadBalancer a parent Service in the management cluster,
/// and their addresses back. A key is a Service of a tenant. What a parent belongs to is in its
/// labels, so that one whose Service or Cluster went while nobody looked is found and removed.
class LoadBalancerController {
 public:
  LoadBalancerController(kube::Runtime& runtime, tenant::Sessions& sessions, Machines& machines,
                         Options options);

  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using Service = api::core::Service;
  using EndpointSlice = api::discovery::EndpointSlice;
  using ServicePtr = std::shared_ptr<const Service>;
  using SlicePtr = std::shared_ptr<const EndpointSlice>;
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;
  using SessionPtr = std::shared_ptr<tenant::Session>;

  /// What one reconcile works with.
  struct Work {
    tenant::TenantKey key;
    ClusterPtr cluster;
    Settings settings;
    SessionPtr session;
    ServicePtr tenant;
  };

  void watch_management(kube::Controller& controller);
  void enqueue_cluster(const kube::ObjectKey& cluster);
  void enqueue_selectorless(const kube::ObjectKey& cluster);

  Task<ServicePtr> tenant_service(Work work);
  std::vector<ServicePtr> parents_of(const tenant::TenantKey& key) const;
  /// Whether we gave the tenant's Service a balancer, or were about to.
  bool was_served(const Work& work) const;
  /// Starts the deletion of all parents of the key but `keep`. True once none is left.
  Task<bool> remove_parents(tenant::TenantKey key, std::string keep);
  /// Leaves in `work` the tenant Service as it then is.
  Task<kube::ReconcileResult> ensure(Work& work);
  Task<> ensure_finalizer(Work& work);
  Task<Service> ensure_parent(Work work);
  /// Says in its status that it is ours: by that the fences of the cluster's machines know it.
  Task<> mark_parent(Service parent);
  /// Makes room for a Service's first parent in `making_`, or puts it in `surplus_`. Returns
  /// whether there was room. No coroutine: of several at a time none may see the room that another
  /// takes.
  bool admit(const Work& work);
  /// Takes back what admit() gave, for the next who waits.
  void give_up_place(const tenant::TenantKey& key);
  /// Looks again at the Services of `cluster` for which there was no room.
  void enqueue_surplus(const kube::ObjectKey& cluster);
  /// The name of the Service's parent: the one it has, else the first that is nobody else's.
  Task<std::string> name_of_parent(Work work);
  Task<> ensure_slices(Work work, Service parent);
  Task<std::vector<SlicePtr>> tenant_slices(Work work);
  /// Takes machines that ended out of the Service's slices while the tenant, and so its Nodes,
  /// cannot be asked: their addresses may be another's soon.
  Task<> drop_ended(tenant::TenantKey key);
  Task<> write_slices(Service parent, std::vector<EndpointSlice> wanted,
                      std::vector<SlicePtr> present);
  Task<> remove_slice(SlicePtr slice);
  Task<kube::ReconcileResult> write_back(Work work, Service parent);
  Task<> release(Work work);
  Task<> tell_failure(Work work, std::string reason, std::string message);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  Machines& machines_;
  Options options_;
  kube::Informer<Service> parents_;
  kube::Informer<EndpointSlice> slices_;
  kube::Controller* controller_ = nullptr;
  /// The sessions whose EndpointSlices are watched: only of tenants that need them.
  std::map<kube::ObjectKey, std::weak_ptr<tenant::Session>> slices_watched_;
  /// By cluster, packed keys: whose first parent is being made and may not be in the cache yet, and
  /// who must wait until another Service of the tenant gives up its own.
  std::map<kube::ObjectKey, std::set<kube::ObjectKey>> making_;
  std::map<kube::ObjectKey, std::set<kube::ObjectKey>> surplus_;
};

}  // namespace nestor::cloud
