#pragma once

#include "controlplane/arguments.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// The Deployment `<n>` as it should be, with the checksums that the status notes, so that its pods
/// are replaced when a Secret changes. Pure.
Json build_deployment(const Work& work, const Address& address, const StoreAccess& store);

/// Applies it, notes its state in the status, and gives it as the API server has it now.
Task<> ensure_deployment(Work& work, Json wanted, std::optional<api::apps::Deployment>& out);

/// The pod template's containers and volumes. Pure.
JsonArray build_containers(const TenantControlPlane& tcp, const Settings& settings,
                           const Address& address, const StoreAccess& store);
JsonArray build_volumes(const TenantControlPlane& tcp, const Settings& settings);

}  // namespace nestor::controlplane
