#pragma once

#include <map>
#include <memory>
#include <string>

#include "controlplane/controlplane.hpp"
#include "controlplane/tenant_objects.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Keeps what kubeadm would make, and the add-ons, inside each tenant whose API server answers.
class TenantResourcesController {
 public:
  TenantResourcesController(kube::Runtime& runtime, Options options);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  /// The way into a tenant and what was last applied there.
  struct Tenant {
    std::string kubeconfig_checksum;
    std::unique_ptr<kube::Client> client;
    /// Of all objects; equal means there is nothing to do.
    std::string fingerprint;
  };

  Result<> connect(const TenantControlPlane& tcp, const Settings& settings, Tenant& tenant,
                   std::string& ca_pem);
  Task<> bring_up_to_date(const TenantControlPlane& tcp, const TenantObjects& objects,
                          Tenant& tenant);
  Task<> note_status(const TenantControlPlane& tcp, const TenantObjects& objects);

  kube::Runtime& runtime_;
  Options options_;
  Caches caches_;
  std::map<kube::ObjectKey, Tenant> tenants_;
};

/// Applies a group: its namespaces first, then the rest at the same time.
Task<> apply_group(kube::Client& client, const TenantGroup& group);
/// Deletes those objects of a group that carry our managed-by label.
Task<> remove_group(kube::Client& client, const TenantGroup& group);

}  // namespace nestor::controlplane
