#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/memory_budget.hpp"
#include "controlplane/control_planes.hpp"
#include "controlplane/controlplane.hpp"
#include "controlplane/names.hpp"
#include "controlplane/tenant_objects.hpp"
#include "controlplane/work.hpp"
#include "tenant/sessions.hpp"

namespace nestor::controlplane {

/// Keeps what kubeadm would make, and the add-ons, inside each tenant whose API server answers.
/// What somebody changes or deletes there is put back, as soon as the tenant has a session (one
/// without a Cluster has none: its objects are applied when the wanted ones change).
class TenantResourcesController {
 public:
  TenantResourcesController(kube::Runtime& runtime, tenant::Sessions& sessions, Options options);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  /// The way into a tenant and what was done there. It is not the session's: that one logs in as a
  /// user whose rights are among the objects applied here.
  struct Tenant {
    std::string kubeconfig_checksum;
    std::unique_ptr<kube::Client> client;
    kube::Applier applier{std::string(kTenantFieldManager)};
    /// Groups that were removed, for tenants without caches.
    std::set<std::string> removed;
    /// Of the objects whose warnings were told.
    std::string fingerprint;
    /// Whether the last visit kept its worker long.
    bool slow = false;
  };
  /// What is not as wanted.
  struct Pending {
    std::vector<Json> apply;
    /// What is made before a Namespace of `apply`, by its name.
    std::map<std::string, std::vector<Json>> once;
    /// In the order of removal.
    std::vector<Json> remove;
    bool empty() const { return apply.empty() && remove.empty(); }
  };

  Result<> connect(const TenantControlPlane& tcp, const Settings& settings, Tenant& tenant,
                   std::string& ca_pem);
  std::shared_ptr<tenant::Session> session_of(const kube::ObjectKey& key) const;
  Pending pending(const kube::ObjectKey& key, const TenantObjects& objects,
                  const Tenant& tenant) const;
  /// bring_up_to_date() within a time limit.
  Task<> visit(Pending pending, Tenant& tenant);
  Task<> bring_up_to_date(Pending pending, Tenant& tenant);
  void tell(const TenantControlPlane& tcp, const TenantObjects& objects, Tenant& tenant);
  Task<> note_status(const TenantControlPlane& tcp, const TenantObjects& objects);

  kube::Runtime& runtime_;
  Options options_;
  tenant::Sessions& sessions_;
  Caches caches_;
  ControlPlanes planes_;
  std::map<kube::ObjectKey, Tenant> tenants_;
  /// For the answers of all tenants while they are read.
  std::shared_ptr<CommonMemory> memory_ =
      std::make_shared<CommonMemory>(CommonMemory{.limit = 64UL << 20, .assured = 1UL << 20});
};

}  // namespace nestor::controlplane
