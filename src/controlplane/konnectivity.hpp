#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// The tunnel of a control plane, spec.addons.konnectivity: a server beside each kube-apiserver,
/// and agents inside the tenant that connect to it. What the two roles are called:
inline constexpr std::string_view kKonnectivityUser = "system:konnectivity-server";
inline constexpr std::string_view kKonnectivityAgent = "konnectivity-agent";

/// Where the API server and the tunnel's server meet, in their pod.
inline constexpr std::string_view kTunnelFolder = "/run/konnectivity";
inline constexpr std::string_view kEgressFolder = "/etc/kubernetes/konnectivity/configurations";
inline constexpr std::string_view kEgressFile = "egress-selector-configuration.yaml";
inline constexpr int kKonnectivityHealthPort = 8134;

/// Image and command of one end. Without an image in the spec it is Nestor's own program; with one,
/// upstream's, which takes the same options. Pure.
struct TunnelProgram {
  std::string image;
  std::vector<std::string> command;
};
TunnelProgram tunnel_server_program(const api::kamaji::KonnectivityServer& server,
                                    const Settings& settings);
TunnelProgram tunnel_agent_program(const api::kamaji::KonnectivityAgent& agent,
                                   const Settings& settings);

/// The API server's EgressSelectorConfiguration, as YAML. Everything but etcd goes through the
/// tunnel: what the tenant's objects name by address too ("controlplane": webhooks with a URL), or
/// the tenant's administrators could have the API server dial in the management network. That part
/// is left out, as upstream leaves it out always, when the spec lets the API server call something
/// itself (an audit or authorization webhook, tracing), which need not be reachable for the tenant.
/// Pure.
std::string egress_configuration(const TenantControlPlane& tcp);

/// Applies the API server's egress configuration and notes the add-on in the status; takes both
/// back, with the kubeconfig, when the spec no longer has it.
Task<> ensure_konnectivity(Work& work);

/// Where ensure_kubeconfigs() notes the server's kubeconfig.
api::kamaji::SecretStatus& konnectivity_kubeconfig_status(Work& work);

}  // namespace nestor::controlplane
