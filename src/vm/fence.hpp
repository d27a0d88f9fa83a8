#pragma once

#include <boost/describe/class.hpp>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/pod.hpp"
#include "api/core/service.hpp"
#include "api/kamaji/tenant_control_plane.hpp"

/// What keeps a guest inside its tenant (docs/adr/0007-fence.md): the manager says what a machine
/// may reach, its launcher enforces that in the pod's network namespace.
namespace nestor::vm {

/// On a launcher's pod: the FenceAccess of its machine as JSON, kept up to date by the manager.
inline constexpr std::string_view kFenceAnnotation = "nestor.dev/fence";
/// Shows that annotation inside the pod; the kubelet replaces the file after a change.
inline constexpr std::string_view kFenceFolder = "/run/nestor/fence";
inline constexpr std::string_view kFenceFile = "access";
/// Environment of the launcher: FenceOptions as JSON (absent: no fence), the node's addresses.
inline constexpr std::string_view kFenceVariable = "NESTOR_FENCE";
inline constexpr std::string_view kHostAddressVariable = "NESTOR_HOST_IP";

/// The same for all machines of a management cluster.
struct FenceOptions {
  bool enabled = true;
  /// Networks (CIDR) that guests cannot open connections to. Must cover the management cluster's
  /// nodes, pods and Services. The launcher adds what it sees: its node's address, the pod's own
  /// network, the API server's Service.
  std::vector<std::string> closed = {"0.0.0.0/8",      "10.0.0.0/8",    "172.16.0.0/12",
                                     "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
                                     "169.254.0.0/16", "224.0.0.0/3",   "fc00::/7",
                                     "fe80::/10",      "ff00::/8"};
  /// Networks within the closed ones that are open all the same: a registry, say.
  std::vector<std::string> open = {};
};
BOOST_DESCRIBE_STRUCT(FenceOptions, (), (enabled, closed, open))

/// One port of a Service's address.
struct FenceService {
  std::string address;
  /// "tcp", "udp" or "sctp".
  std::string protocol;
  std::int32_t port = 0;
  friend auto operator<=>(const FenceService&, const FenceService&) = default;
};
BOOST_DESCRIBE_STRUCT(FenceService, (), (address, protocol, port))

/// What one tenant cluster's machines may reach within the closed networks.
struct FenceAccess {
  /// Addresses of the cluster's other machines: everything there.
  std::vector<std::string> peers;
  /// Its control plane and load balancers.
  std::vector<FenceService> services;
  bool operator==(const FenceAccess&) const = default;
};
BOOST_DESCRIBE_STRUCT(FenceAccess, (), (peers, services))

/// The cluster's label on machines, pods and Services; "" for an object of none.
std::string_view fence_cluster(const kube::ObjectMeta& metadata);

/// The addresses of the cluster's launcher pods, sorted, each once. A pod on its way out no longer
/// counts: its address may soon be another tenant's. Nor does one in a node's network.
std::vector<std::string> fence_peers(
    const std::vector<std::shared_ptr<const api::core::Pod>>& pods);

/// How many entries a cluster's Services may have. An entry takes 90 bytes at most, and an API
/// server refuses an object with more than 256 KiB of annotations: a tenant with more ports must
/// not keep its peers from being written.
inline constexpr std::size_t kMaxFenceServices = 1000;

struct FenceServices {
  /// Sorted, each once.
  std::vector<FenceService> open = {};
  /// Those beyond kMaxFenceServices, oldest first.
  std::vector<std::shared_ptr<const api::core::Service>> left_out = {};
};

/// What the cluster's Services open: those that Nestor made, for a label anybody may write. They
/// are the Service that one of `control_planes` (of that cluster) has in its status, and those that
/// have the condition nestor.dev/TenantService. Of external IPs, which may be anybody's, only the
/// control plane's spec.networkProfile.address counts. The control plane comes first, then the
/// older before the younger, each with all of its ports or none: a new one never closes what was
/// open.
FenceServices fence_services(
    std::vector<std::shared_ptr<const api::core::Service>> services,
    const std::vector<std::shared_ptr<const api::kamaji::TenantControlPlane>>& control_planes);

/// Adds to a launcher's pod what its fence needs: environment and the file.
void add_fence(const FenceOptions& options, Json& pod);
void set_fence_access(const FenceAccess& access, Json& pod);

}  // namespace nestor::vm
