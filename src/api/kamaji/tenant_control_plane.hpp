#pragma once

#include "api/json.hpp"
#include "api/kamaji/tenant_control_plane_spec.hpp"
#include "api/kamaji/tenant_control_plane_status.hpp"

namespace nestor::api::kamaji {

/// The control plane of one tenant cluster, running as pods of the management cluster. Usually made
/// by a KamajiControlPlane.
struct TenantControlPlane {
  static constexpr kube::ResourceType kType{"kamaji.clastix.io", "v1alpha1", "TenantControlPlane",
                                            "tenantcontrolplanes"};
  kube::ObjectMeta metadata;
  /// What the control plane is to be.
  TenantControlPlaneSpec spec;
  /// How the control plane is.
  TenantControlPlaneStatus status;
};
BOOST_DESCRIBE_STRUCT(TenantControlPlane, (), (metadata, spec, status))

}  // namespace nestor::api::kamaji

NESTOR_EXTERN_JSON(nestor::api::kamaji::TenantControlPlane)
