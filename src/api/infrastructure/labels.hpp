#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Fixed words of the KubeVirt infrastructure provider.
namespace nestor::api::infrastructure {

inline constexpr std::string_view kKubevirtMachineFinalizer =
    "kubevirtmachine.infrastructure.cluster.x-k8s.io";
inline constexpr std::string_view kMachineNameLabel = "capk.cluster.x-k8s.io/kubevirt-machine-name";
inline constexpr std::string_view kMachineNamespaceLabel =
    "capk.cluster.x-k8s.io/kubevirt-machine-namespace";
/// On a VM or VMI: it will never come back; the value says why.
inline constexpr std::string_view kVmIsTerminalLabel = "capk.cluster.x-k8s.io/vm-is-terminal";
/// "control-plane" or "worker".
inline constexpr std::string_view kRoleLabel = "cluster.x-k8s.io/role";
inline constexpr std::string_view kVmLabel = "kubevirt.io/vm";
/// Key of the bootstrap data in "<machine>-userdata", and name of its volume and disk.
inline constexpr std::string_view kUserDataKey = "userdata";
inline constexpr std::string_view kCloudInitVolume = "cloudinitvolume";

inline constexpr std::string_view kProviderIdPrefix = "kubevirt://";

/// What the machine and its Node are called by: "kubevirt://<machine>".
inline std::string provider_id(std::string_view machine) {
  return std::string(kProviderIdPrefix).append(machine);
}

/// The machine that is called so; nothing when `id` is another provider's.
inline std::optional<std::string> machine_of_provider_id(std::string_view id) {
  if (!id.starts_with(kProviderIdPrefix)) return std::nullopt;
  return std::string(id.substr(kProviderIdPrefix.size()));
}

}  // namespace nestor::api::infrastructure
