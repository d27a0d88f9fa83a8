#pragma once

#include <vector>

#include "api/core/secret.hpp"
#include "controlplane/tenant_from_kamaji.hpp"

namespace nestor::controlplane {

/// The Secrets by which Cluster API knows a cluster, ready for server-side apply:
/// `<cluster>-kubeconfig` (key `value`) and `<cluster>-ca` (tls.crt, tls.key), the latter only when
/// the TenantControlPlane's own Secret does not have that name already. Pure.
/// Errors: kNotFound, kInvalidArgument when the sources lack or garble a part.
Result<std::vector<Json>> build_cluster_secrets(const KamajiControlPlane& kcp,
                                                const api::cluster::Cluster& cluster,
                                                const api::kamaji::TenantControlPlane& tcp,
                                                const api::core::Secret& admin,
                                                const api::core::Secret& ca);

}  // namespace nestor::controlplane
