#pragma once

#include <optional>

#include "controlplane/address.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Applies the Service `<n>` and notes it in the status. Gives the address, or nothing while the
/// load balancer has none yet (its Service's next change wakes the reconcile).
/// Errors: kInvalidArgument for NodePort without networkProfile.address; kFailedPrecondition when
/// that would be an external IP at which another control plane is reached.
Task<std::optional<Address>> ensure_service(Work& work);

/// The Service as it should be. Pure.
Json build_service(const Work& work);

/// The address of a Service. Pure; exposed for tests.
Result<std::optional<Address>> address_of(const TenantControlPlane& tcp, const Settings& settings,
                                          const api::core::Service& service);

}  // namespace nestor::controlplane
