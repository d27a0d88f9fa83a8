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
#include "api/kubevirt/virtual_machine_instance_status.hpp"
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

/// Hardware, disks and network of the machine, and where its pod may be.
struct VirtualMachineInstanceSpec {
  /// The hardware of the machine.
  Domain domain;
  /// Networks of the machine: at most one, that of the pod, which is the default.
  std::vector<Network> networks;
  /// What its disks hold.
  std::vector<Volume> volumes;
  /// Host name of the guest. Default: the instance's name.
  std::string hostname;
  /// Subdomain of the pod in DNS.
  std::string subdomain;
  /// Labels of the nodes that it may be on.
  std::map<std::string, std::string> nodeSelector;
  /// Affinity of its pod (corev1.Affinity).
  Json affinity;
  /// Tolerations of its pod (corev1.Toleration).
  std::vector<Json> tolerations;
  /// How pods are spread (corev1.TopologySpreadConstraint).
  std::vector<Json> topologySpreadConstraints;
  /// PriorityClass of its pod.
  std::string priorityClassName;
  /// Scheduler of its pod.
  std::string schedulerName;
  /// What happens when its node is drained. Without effect: the pod is evicted like any other.
  std::string evictionStrategy;
  /// Seconds that the guest gets to shut down. Default 30.
  std::optional<std::int64_t> terminationGracePeriodSeconds;
  /// DNS policy of its pod; the guest gets the pod's name servers.
  std::string dnsPolicy;
  /// DNS settings of its pod (corev1.PodDNSConfig).
  Json dnsConfig;
  /// When the guest is ready: httpGet or tcpSocket (corev1.Probe); others are left out.
  Json readinessProbe;
  /// When the guest is to be ended: httpGet or tcpSocket (corev1.Probe); others are left out.
  Json livenessProbe;
  /// SSH keys and passwords for the guest. Without effect.
  Json accessCredentials;
  /// Whether it starts paused. Without effect.
  std::string startStrategy;
  /// Architecture of the machine. Without effect: it is amd64.
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

/// One run of a virtual machine, in a pod. Usually made by a VirtualMachine.
struct VirtualMachineInstance {
  static constexpr kube::ResourceType kType{.group = "kubevirt.io",
                                            .version = "v1",
                                            .kind = "VirtualMachineInstance",
                                            .plural = "virtualmachineinstances"};
  kube::ObjectMeta metadata;
  /// Hardware, disks and network of the machine, and where its pod may be.
  VirtualMachineInstanceSpec spec;
  /// How the run is.
  VirtualMachineInstanceStatus status;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstance, (), (metadata, spec, status))

/// Whether the phase is one that never changes again.
inline bool is_final(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }

}  // namespace nestor::api::kubevirt

NESTOR_EXTERN_JSON(nestor::api::kubevirt::VirtualMachineInstance)
