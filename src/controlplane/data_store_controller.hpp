#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

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
  /// uid and generation
  using Checked = std::pair<std::string, std::int64_t>;
  /// Of each store: for which one this process has seen to its authentication.
  std::map<std::string, Checked> authenticated_;
  /// Secrets that wake us.
  std::set<kube::ObjectKey> watched_;
  kube::Controller* controller_ = nullptr;
};

}  // namespace nestor::controlplane
