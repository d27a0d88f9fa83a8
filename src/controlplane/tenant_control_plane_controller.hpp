#pragma once

#include <string>

#include "controlplane/address.hpp"
#include "controlplane/controlplane.hpp"
#include "controlplane/store_contents.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

struct Authorities;

/// Keeps a TenantControlPlane's Service, Secrets and Deployment in the management cluster, and its
/// user in the DataStore.
class TenantControlPlaneController {
 public:
  TenantControlPlaneController(kube::Runtime& runtime, Options options);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  /// Notes a refusal in the status.
  bool is_pod_allowed(Work& work, const Json& deployment);
  Task<> run_steps(Work& work, std::optional<api::apps::Deployment>& deployment);
  Task<> prepare_store(Work& work, StoreContents& store);
  Task<> find_address(Work& work, std::optional<Address>& out);
  Task<kube::ReconcileResult> finish(const TenantControlPlane& tcp);
  Task<> add_finalizer(const TenantControlPlane& tcp);
  void forget(const TenantControlPlane& tcp);

  kube::Runtime& runtime_;
  Options options_;
  Caches caches_;
  kube::Applier applier_;
  Reservations reservations_;
};

/// status.kubernetesResources.version from replicas, readiness and progress. `deployment` is the
/// one just applied, or null: a cached one may still show the roll-out of the spec before. Pure.
void note_version(Work& work, const api::apps::Deployment* deployment);

}  // namespace nestor::controlplane
