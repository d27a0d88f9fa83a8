#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "api/core/secret.hpp"
#include "api/kamaji/data_store.hpp"
#include "api/kamaji/tenant_control_plane.hpp"
#include "controlplane/controlplane.hpp"
#include "controlplane/store_contents.hpp"
#include "controlplane/store_room.hpp"
#include "kube/runtime.hpp"

namespace nestor::controlplane {

/// Checks DataStores, tells how full they are and who uses them, and keeps those in use from being
/// deleted.
class DataStoreController {
 public:
  DataStoreController(kube::Runtime& runtime, Options options);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  /// Under which rules authentication was seen to.
  struct Checked {
    std::string uid;
    std::int64_t generation = 0;
    /// Ours to switch on.
    bool own = false;
    /// It may be off.
    bool single_tenant = false;
    bool operator==(const Checked&) const = default;
  };
  struct Answer {
    Checked about;
    SteadyTime given;
  };
  /// Errors: kFailedPrecondition when it is off and has to be on.
  Task<> check_authentication(const api::kamaji::DataStore& store, const StoreContents& contents);
  void tell(const api::kamaji::DataStore& store, const kube::Condition& room);
  void watch_secrets(const api::kamaji::DataStore& store);
  std::vector<std::string> users_of(const std::string& store) const;

  kube::Runtime& runtime_;
  Options options_;
  kube::Informer<api::kamaji::DataStore> stores_;
  kube::Informer<api::kamaji::TenantControlPlane> tcps_;
  /// Of each store: when its authentication was last seen to be as it has to be.
  std::map<std::string, Answer> authenticated_;
  StoreRoom room_;
  /// Secrets that wake us.
  std::set<kube::ObjectKey> watched_;
  kube::Controller* controller_ = nullptr;
};

}  // namespace nestor::controlplane
