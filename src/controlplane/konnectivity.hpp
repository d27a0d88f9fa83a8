#pragma once

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

/// Applies the API server's egress configuration and notes the add-on in the status; takes both
/// back, with the kubeconfig, when the spec no longer has it.
Task<> ensure_konnectivity(Work& work);

/// Where ensure_kubeconfigs() notes the server's kubeconfig.
api::kamaji::SecretStatus& konnectivity_kubeconfig_status(Work& work);

}  // namespace nestor::controlplane
