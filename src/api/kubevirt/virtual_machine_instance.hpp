#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.hpp"
#include "api/kubevirt/domain.hpp"
#include "api/kubevirt/volume.hpp"
#include "base/json.hpp"
#include "kube/object.hpp"

/// kubevirt.io/v1: the part of KubeVirt's API that Nestor reads or writes. Both kinds are larger
/// upstream: writers patch or copy raw JSON, so that fields not named here stay.
/// Source: KubeVirt user guide, "Virtual Machine Instances"; field names are upstream's.
namespace nestor::api::kubevirt {

/// Labels and annotations that bind pods to machines.
inline constexpr std::string_view kLabelKind = "kubevirt.io";
inline constexpr std::string_view kLabelCreatedBy = "kubevirt.io/created-by";
inline constexpr std::string_view kLabelVmName = "vm.kubevirt.io/name";
inline constexpr std::string_view kAnnotationDomain = "kubevirt.io/domain";
inline constexpr std::string_view kInstanceFinalizer = "kubevirt.io/foregroundDeleteVirtualMachine";
inline constexpr std::string_view kMachineFinalizer =
    "kubevirt.io/virtualMachineControllerFinalize";

struct VirtualMachineInstanceSpec {
  Domain domain;
  std::vector<Network> networks;
  std::vector<Volume> volumes;
  std::string hostname;
  std::string subdomain;
  std::map<std::string, std::string> nodeSelector;
  Json affinity;
  std::vector<Json> tolerations;
  std::vector<Json> topologySpreadConstraints;
  std::string priorityClassName;
  std::string schedulerName;
  std::string evictionStrategy;
  /// Seconds the guest gets to shut down; default 30.
  std::optional<std::int64_t> terminationGracePeriodSeconds;
  std::string dnsPolicy;
  Json dnsConfig;
  Json readinessProbe;
  Json livenessProbe;
  Json accessCredentials;
  std::string startStrategy;
  std::string architecture;
  friend bool operator==(const VirtualMachineInstanceSpec&,
                         const VirtualMachineInstanceSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstanceSpec, (),
                      (domain, networks, volumes, hostname, subdomain, nodeSelector, affinity,
                       tolerations, topologySpreadConstraints, priorityClassName, schedulerName,
                       evictionStrategy, terminationGracePeriodSeconds, dnsPolicy, dnsConfig,
                       readinessProbe, livenessProbe, accessCredentials, startStrategy,
                       architecture))

struct InterfaceStatus {
  /// Of the interface in the spec; consumers look for "default".
  std::string name;
  std::string ipAddress;
  std::vector<std::string> ipAddresses;
  std::string mac;
  std::string interfaceName;
  friend bool operator==(const InterfaceStatus&, const InterfaceStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(InterfaceStatus, (), (name, ipAddress, ipAddresses, mac, interfaceName))

/// The pod that mounts a hot-plugged volume's claim.
struct HotplugVolumeStatus {
  std::string attachPodName;
  std::string attachPodUID;
  friend bool operator==(const HotplugVolumeStatus&, const HotplugVolumeStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(HotplugVolumeStatus, (), (attachPodName, attachPodUID))

struct PersistentVolumeClaimInfo {
  std::string claimName;
  std::vector<std::string> accessModes;
  std::string volumeMode;
  std::map<std::string, Quantity> capacity;
  std::map<std::string, Quantity> requests;
  friend bool operator==(const PersistentVolumeClaimInfo&,
                         const PersistentVolumeClaimInfo&) = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimInfo, (),
                      (claimName, accessModes, volumeMode, capacity, requests))

struct VolumeStatus {
  std::string name;
  /// Drive in the guest ("sda"), when known.
  std::string target;
  /// Pending, Bound, AttachedToNode, MountedToPod, Ready, Detaching or UnMountedFromPod.
  std::string phase;
  std::string reason;
  std::string message;
  /// Only of hot-plugged volumes.
  std::optional<HotplugVolumeStatus> hotplugVolume;
  std::optional<PersistentVolumeClaimInfo> persistentVolumeClaimInfo;
  friend bool operator==(const VolumeStatus&, const VolumeStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(VolumeStatus, (),
                      (name, target, phase, reason, message, hotplugVolume,
                       persistentVolumeClaimInfo))

struct PhaseTransition {
  std::string phase;
  std::string phaseTransitionTimestamp;
  friend bool operator==(const PhaseTransition&, const PhaseTransition&) = default;
};
BOOST_DESCRIBE_STRUCT(PhaseTransition, (), (phase, phaseTransitionTimestamp))

struct VirtualMachineInstanceStatus {
  std::string nodeName;
  /// Pending, Scheduling, Scheduled, Running, Succeeded, Failed or Unknown.
  std::string phase;
  std::string reason;
  std::string evacuationNodeName;
  /// The machine's pods (uid) and their nodes.
  std::map<std::string, std::string> activePods;
  std::vector<InterfaceStatus> interfaces;
  std::vector<VolumeStatus> volumeStatus;
  std::vector<kube::Condition> conditions;
  std::vector<PhaseTransition> phaseTransitionTimestamps;
  friend bool operator==(const VirtualMachineInstanceStatus&,
                         const VirtualMachineInstanceStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstanceStatus, (),
                      (nodeName, phase, reason, evacuationNodeName, activePods, interfaces,
                       volumeStatus, conditions, phaseTransitionTimestamps))

/// One run of a virtual machine.
struct VirtualMachineInstance {
  static constexpr kube::ResourceType kType{.group = "kubevirt.io",
                                            .version = "v1",
                                            .kind = "VirtualMachineInstance",
                                            .plural = "virtualmachineinstances"};
  kube::ObjectMeta metadata;
  VirtualMachineInstanceSpec spec;
  VirtualMachineInstanceStatus status;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstance, (), (metadata, spec, status))

/// Whether the phase is one that never changes again.
inline bool is_final(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

}  // namespace nestor::api::kubevirt

NESTOR_EXTERN_JSON(nestor::api::kubevirt::VirtualMachineInstance)
