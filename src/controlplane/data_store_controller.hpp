#pragma once

#include <set>
#include <string>

#include "api/core/secret.hpp"
#include "api/kamaji/data_store.hpp"
#include "api/kamaji/tenant_control_plane.hpp"
#include "controlplane/controlplane.hpp"
#include "kube/runtime.hpp"

namespace nestor::controlplane {

/// Checks DataStores, tells who uses them, and keeps those in use from being deleted.
class DataStoreController {
 public:
  DataStoreController(kube::Runtime& runtime, Options options);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  Task<> validate(const api::kamaji::DataStore& store);
  void watch_secrets(const api::kamaji::DataStore& store);
  std::vector<std::string> users_of(const std::string& store) const;

  kube::Runtime& runtime_;
  Options options_;
  kube::Informer<api::kamaji::DataStore> stores_;
  kube::Informer<api::kamaji::TenantControlPlane> tcps_;
  /// Secrets that wake us.
  std::set<kube::ObjectKey> watched_;
  kube::Controller* controller_ = nullptr;
};

}  // namespace nestor::controlplane
