#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/process.hpp"

/// KubeVirt's "bridge" binding: the guest takes over the pod's address and MAC.
namespace nestor::vm {

struct Route {
  /// CIDR, or "0.0.0.0/0" and "::/0" for the default.
  std::string destination;
  /// "" when directly on the link.
  std::string gateway;
  /// The gateway is in none of the interface's networks.
  bool on_link = false;
  friend bool operator==(const Route&, const Route&) = default;
};

/// The pod's interface as its CNI plugin left it.
struct PodLink {
  std::string name = "eth0";
  std::string mac;
  int mtu = 1500;
  /// With prefix length; global scope only.
  std::vector<std::string> addresses;
  std::vector<Route> routes;
};

/// What a pod's resolv.conf says.
struct Dns {
  std::vector<std::string> servers;
  std::vector<std::string> search;
};

/// Whether that address, with or without prefix length, is one of IPv6.
inline bool is_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

inline constexpr std::string_view kTap = "tap0";
inline constexpr std::string_view kBridge = "k6t-eth0";

/// From `ip -json address show dev eth0` and `ip -json [-6] route show dev eth0` (both families in
/// one array). Errors: kFailedPrecondition when there is no address or MAC.
Result<PodLink> read_pod_link(const Json& addresses, const Json& routes);

/// Locally administered and unicast, from the pod's MAC; differs from it.
std::string bridge_port_mac(std::string_view pod_mac);

/// The commands that turn the pod's network into: eth0-nic and tap0 as ports of k6t-eth0, without
/// any address. eth0-nic does not learn: a CNI bridge in hairpin mode reflects the guest's own
/// frames.
std::vector<std::vector<std::string>> bridge_commands(const PodLink& link);

Dns read_resolv_conf(std::string_view text);

/// Reads the link, then runs the commands. Errors: as above; kInternal from `ip`.
Task<PodLink> set_up_bridge(ProcessRunner& processes);

}  // namespace nestor::vm
