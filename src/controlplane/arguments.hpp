#pragma once

#include <string>
#include <vector>

#include "controlplane/address.hpp"

namespace nestor::controlplane {

/// Where data is kept, as the API server needs to know it.
struct StoreAccess {
  /// "host:port" each.
  std::vector<std::string> endpoints;
};

/// Command lines of the three programs: ours sorted, then the user's extra ones word for word
/// (flags may repeat). For the API server and the scheduler some of ours replace the user's; for
/// the controller manager the user's replace ours.
std::vector<std::string> api_server_arguments(const TenantControlPlane& tcp,
                                              const Settings& settings, const Address& address,
                                              const StoreAccess& store);
std::vector<std::string> controller_manager_arguments(const TenantControlPlane& tcp,
                                                      const Settings& settings);
std::vector<std::string> scheduler_arguments(const TenantControlPlane& tcp);

/// Of the tunnel's server, when the spec has one: ours replace the user's.
std::vector<std::string> konnectivity_server_arguments(const TenantControlPlane& tcp,
                                                       const Settings& settings);
/// Of its agents, which connect to `host`:`port`: the user's replace ours.
std::vector<std::string> konnectivity_agent_arguments(const api::kamaji::KonnectivityAgent& agent,
                                                      const std::string& host, int port);

}  // namespace nestor::controlplane
