#pragma once

#include "api/cluster/cluster.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/kamaji/tenant_control_plane.hpp"

namespace nestor::controlplane {

using api::controlplane::KamajiControlPlane;

/// The TenantControlPlane of the same name that runs a KamajiControlPlane, ready for server-side
/// apply. Pure.
Json build_tenant_control_plane(const KamajiControlPlane& kcp,
                                const api::cluster::Cluster& cluster);

}  // namespace nestor::controlplane
