#pragma once

#include <string>
#include <vector>

#include "controlplane/manifest.hpp"
#include "controlplane/settings.hpp"

namespace nestor::controlplane {

/// A group of objects that is applied inside the tenant, or removed from it, as a whole.
struct TenantGroup {
  /// Name of its manifest: "kubeadm", "kube-proxy", "coredns", "flannel",
  /// "metrics-server", "csi" or one of "konnectivity"'s.
  std::string name;
  bool enabled = true;
  std::vector<Json> objects;
  /// Made before the group's Namespace is, and then left to the people of the tenant: they may
  /// change and delete these. Removed with the group.
  std::vector<Json> once;
};

struct TenantObjects {
  /// In the order of application.
  std::vector<TenantGroup> groups;
  /// What in the spec had no effect; for events.
  std::vector<std::string> warnings;
};

/// Everything inside the tenant that is ours. `endpoint` is "host:port" of status, `ca_pem` the
/// tenant's authority. Every object carries the managed-by label. Pure.
/// Errors: kInvalidArgument for a spec that cannot be rendered.
Result<TenantObjects> build_tenant_objects(const TenantControlPlane& tcp, const Settings& settings,
                                           const std::string& endpoint, const std::string& ca_pem);

}  // namespace nestor::controlplane
