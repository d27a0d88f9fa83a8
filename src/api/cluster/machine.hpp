#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

struct MachineBootstrap {
  /// Either a reference to a config, or the Secret with the data itself.
  ContractReference configRef;
  std::string dataSecretName;
  bool operator==(const MachineBootstrap&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineBootstrap, (), (configRef, dataSecretName))

/// Seconds; 0 waits forever.
struct MachineDeletionSpec {
  std::optional<std::int32_t> nodeDrainTimeoutSeconds;
  std::optional<std::int32_t> nodeVolumeDetachTimeoutSeconds;
  std::optional<std::int32_t> nodeDeletionTimeoutSeconds;
  bool operator==(const MachineDeletionSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeletionSpec, (),
                      (nodeDrainTimeoutSeconds, nodeVolumeDetachTimeoutSeconds,
                       nodeDeletionTimeoutSeconds))

struct MachineTaint {
  std::string key;
  std::string value;
  std::string effect;
  /// "Always" or "OnInitialization".
  std::string propagation;
  bool operator==(const MachineTaint&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineTaint, (), (key, value, effect, propagation))

struct MachineSpec {
  std::string clusterName;
  MachineBootstrap bootstrap;
  ContractReference infrastructureRef;
  /// Of Kubernetes, with "v" in front.
  std::string version;
  std::string providerID;
  std::string failureDomain;
  std::optional<std::int32_t> minReadySeconds;
  std::vector<ConditionGate> readinessGates;
  MachineDeletionSpec deletion;
  std::vector<MachineTaint> taints;
  bool operator==(const MachineSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSpec, (),
                      (clusterName, bootstrap, infrastructureRef, version, providerID,
                       failureDomain, minReadySeconds, readinessGates, deletion, taints))

/// What MachineSet and MachineDeployment make Machines from.
struct MachineTemplate {
  TemplateMetadata metadata;
  MachineSpec spec;
  bool operator==(const MachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineTemplate, (), (metadata, spec))

struct MachineInitialization {
  std::optional<bool> infrastructureProvisioned;
  std::optional<bool> bootstrapDataSecretCreated;
  bool operator==(const MachineInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineInitialization, (),
                      (infrastructureProvisioned, bootstrapDataSecretCreated))

/// RFC 3339 times at which steps of a deletion began; "" when not yet.
struct MachineDeletionStatus {
  std::string nodeDrainStartTime;
  std::string waitForNodeVolumeDetachStartTime;
  std::string waitForPreDrainHookStartTime;
  std::string waitForPreTerminateHookStartTime;
  bool operator==(const MachineDeletionStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeletionStatus, (),
                      (nodeDrainStartTime, waitForNodeVolumeDetachStartTime,
                       waitForPreDrainHookStartTime, waitForPreTerminateHookStartTime))

struct MachineStatus {
  std::vector<kube::Condition> conditions;
  MachineInitialization initialization;
  LocalReference nodeRef;
  /// The Node's status.nodeInfo as it is.
  Json nodeInfo;
  std::string lastUpdated;
  std::vector<core::NodeAddress> addresses;
  std::string failureDomain;
  /// "Pending", "Provisioning", "Provisioned", "Running", "Updating", "Deleting", "Deleted",
  /// "Failed" or "Unknown".
  std::string phase;
  std::string certificatesExpiryDate;
  std::optional<std::int64_t> observedGeneration;
  MachineDeletionStatus deletion;
  bool operator==(const MachineStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineStatus, (),
                      (conditions, initialization, nodeRef, nodeInfo, lastUpdated, addresses,
                       failureDomain, phase, certificatesExpiryDate, observedGeneration, deletion))

struct Machine {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "Machine", "machines"};
  kube::ObjectMeta metadata;
  MachineSpec spec;
  MachineStatus status;
  bool operator==(const Machine&) const = default;
};
BOOST_DESCRIBE_STRUCT(Machine, (), (metadata, spec, status))

/// Reasons of InfrastructureReady=False from which a Machine does not come back: its infrastructure
/// object reports status.failureReason, or is gone.
inline constexpr std::string_view kInfrastructureFailed = "InfrastructureFailed";
inline constexpr std::string_view kInfrastructureDeleted = "Deleted";
inline bool infrastructure_failed(const Machine& machine) {
  const auto* ready = kube::find_condition(machine.status.conditions, "InfrastructureReady");
  return ready != nullptr && ready->status == "False" &&
         (ready->reason == kInfrastructureFailed || ready->reason == kInfrastructureDeleted);
}

/// The cluster's label, "v" before the version, nodeDeletionTimeoutSeconds 10.
void set_defaults(Machine& machine);
/// Errors: kInvalidArgument with every fault.
Result<> validate(const Machine& machine);
/// Errors as above, for the spec of a template; `where` is put before each fault.
Result<> validate_machine_spec(const MachineSpec& spec, std::string_view where);
/// The part of the defaults that templates get too: "v" before the version.
void set_machine_spec_defaults(MachineSpec& spec);

}  // namespace nestor::api::cluster

NESTOR_EXTERN_JSON(nestor::api::cluster::Machine)
