#pragma once

#include <memory>
#include <string>

#include "api/cluster/cluster.hpp"
#include "kube/runtime.hpp"
#include "storage/storage.hpp"
#include "storage/volumes.hpp"
#include "tenant/sessions.hpp"
#include "tenant/tenant_key.hpp"

namespace nestor::storage {

/// "storage-volume": one volume of one tenant, from the claim there to the claim here: made, grown
/// and deleted. Its key is the volume's id in the tenant. Source: what external-provisioner and
/// external-resizer do.
class ProvisionController {
 public:
  ProvisionController(kube::Runtime& runtime, tenant::Sessions& sessions, Options options);
  void watch(kube::Controller& controller);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using Claim = api::core::PersistentVolumeClaim;
  using ClaimPtr = std::shared_ptr<const Claim>;
  using Class = api::storage::StorageClass;
  using VolumePtr = std::shared_ptr<const api::core::PersistentVolume>;
  using SessionPtr = std::shared_ptr<tenant::Session>;

  Task<> provision(SessionPtr session, ClaimPtr claim, std::shared_ptr<const Class> type);
  Task<> make_volume(SessionPtr session, ClaimPtr claim, std::shared_ptr<const Class> type);
  /// Says on the claim here that the tenant has its volume.
  Task<> mark(SessionPtr session, std::string id);
  Task<> release(SessionPtr session, VolumePtr volume);
  Task<> grow(SessionPtr session, VolumePtr volume, ClaimPtr claim);
  Task<> report_growth(SessionPtr session, ClaimPtr claim, std::int64_t size, bool controller_done,
                       bool block);
  /// Deletes a claim here that never became a volume there, when the claim there is gone. What has
  /// been a volume goes by its reclaim policy alone: that there is none now may be the work of
  /// `kubectl delete pv`, or of a backup of the tenant's that is older than the volume.
  Task<> tidy(SessionPtr session, std::string id);
  /// Whether the tenant has a volume of that name, or of another name with that disk. Asked live.
  Task<bool> is_volume_of(SessionPtr session, std::string id);
  Owner owner_of(const kube::ObjectKey& cluster);
  /// The volumes of a claim here: the one that it was made for, and others with its handle.
  std::vector<kube::ObjectKey> keys_of(const Claim& claim) const;
  void enqueue_waiting(kube::Controller& controller);
  void enqueue_waiting(kube::Controller& controller, tenant::Session& session);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  Volumes volumes_;
  kube::Informer<Claim> claims_;
};

}  // namespace nestor::storage
