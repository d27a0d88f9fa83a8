#pragma once

#include <boost/describe/class.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_convert.hpp"
#include "base/quantity.hpp"
#include "kube/object.hpp"

/// kubevirt.io/v1: what is told of a running machine.
namespace nestor::api::kubevirt {

/// A network card of the guest.
struct InterfaceStatus {
  /// Name of the interface in the spec, else default.
  std::string name;
  /// Its first address, which is the pod's.
  std::string ipAddress;
  /// All of its addresses.
  std::vector<std::string> ipAddresses;
  /// Its MAC address. Not filled by Nestor.
  std::string mac;
  /// Its name in the pod.
  std::string interfaceName;
  friend bool operator==(const InterfaceStatus&, const InterfaceStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(InterfaceStatus, (), (name, ipAddress, ipAddresses, mac, interfaceName))

/// The pod that brings a hot-plugged volume to the machine's node.
struct HotplugVolumeStatus {
  /// Name of the pod.
  std::string attachPodName;
  /// UID of the pod.
  std::string attachPodUID;
  friend bool operator==(const HotplugVolumeStatus&, const HotplugVolumeStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(HotplugVolumeStatus, (), (attachPodName, attachPodUID))

/// The claim of a volume.
struct PersistentVolumeClaimInfo {
  /// Name of the claim.
  std::string claimName;
  /// Its access modes.
  std::vector<std::string> accessModes;
  /// Filesystem or Block.
  std::string volumeMode;
  /// How large it is.
  std::map<std::string, Quantity> capacity;
  /// How large it is to be.
  std::map<std::string, Quantity> requests;
  friend bool operator==(const PersistentVolumeClaimInfo&,
                         const PersistentVolumeClaimInfo&) = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimInfo, (),
                      (claimName, accessModes, volumeMode, capacity, requests))

/// A hot-plugged volume.
struct VolumeStatus {
  /// Name of the volume.
  std::string name;
  /// Drive in the guest. Not filled by Nestor.
  std::string target;
  /// Pending, Bound, AttachedToNode, MountedToPod, Ready (the guest has it) or Detaching.
  std::string phase;
  /// Why, as one word for programs.
  std::string reason;
  /// Why, as a sentence for people.
  std::string message;
  /// The pod that brings it to the machine's node.
  std::optional<HotplugVolumeStatus> hotplugVolume;
  /// Its claim.
  std::optional<PersistentVolumeClaimInfo> persistentVolumeClaimInfo;
  friend bool operator==(const VolumeStatus&, const VolumeStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(VolumeStatus, (),
                      (name, target, phase, reason, message, hotplugVolume,
                       persistentVolumeClaimInfo))

/// When a phase began.
struct PhaseTransition {
  /// The phase.
  std::string phase;
  /// When it began.
  std::string phaseTransitionTimestamp;
  friend bool operator==(const PhaseTransition&, const PhaseTransition&) = default;
};
BOOST_DESCRIBE_STRUCT(PhaseTransition, (), (phase, phaseTransitionTimestamp))

/// How the run is.
struct VirtualMachineInstanceStatus {
  /// Node of the management cluster that it is on.
  std::string nodeName;
  /// Pending, Scheduling, Scheduled (its pod has a node), Running, Succeeded or Failed.
  std::string phase;
  /// Why it has that phase. Not filled by Nestor.
  std::string reason;
  /// Node that it is to leave. Not filled by Nestor, which does not migrate.
  std::string evacuationNodeName;
  /// The machine's pod: its UID and its node.
  std::map<std::string, std::string> activePods;
  /// Its network cards.
  std::vector<InterfaceStatus> interfaces;
  /// Its hot-plugged volumes.
  std::vector<VolumeStatus> volumeStatus;
  /// Ready, LiveMigratable, and while it does not run PodScheduled and Synchronized with why not.
  std::vector<kube::Condition> conditions;
  /// When its phases began.
  std::vector<PhaseTransition> phaseTransitionTimestamps;
  friend bool operator==(const VirtualMachineInstanceStatus&,
                         const VirtualMachineInstanceStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstanceStatus, (),
                      (nodeName, phase, reason, evacuationNodeName, activePods, interfaces,
                       volumeStatus, conditions, phaseTransitionTimestamps))

}  // namespace nestor::api::kubevirt
