#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// Where a machine's bootstrap data comes from: configRef or dataSecretName.
struct MachineBootstrap {
  /// The configuration that the data is made from, for instance a KubeadmConfig; in templates a
  /// KubeadmConfigTemplate.
  ContractReference configRef;
  /// The Secret with the data (key `value`). Written by Nestor when there is a configRef; otherwise
  /// yours.
  std::string dataSecretName;
  bool operator==(const MachineBootstrap&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineBootstrap, (), (configRef, dataSecretName))

/// How long the steps of a deletion may take, in seconds. 0 waits for ever.
struct MachineDeletionSpec {
  /// How long pods may take to leave the node. Default 0: no limit. Budgets (PodDisruptionBudget)
  /// are respected until then.
  std::optional<std::int32_t> nodeDrainTimeoutSeconds;
  /// How long volumes may take to be detached from the node. Default 0: no limit.
  std::optional<std::int32_t> nodeVolumeDetachTimeoutSeconds;
  /// How long to try to delete the Node in a tenant that does not answer, counted from the
  /// Machine's deletion. Default 10; 0: no limit.
  std::optional<std::int32_t> nodeDeletionTimeoutSeconds;
  bool operator==(const MachineDeletionSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeletionSpec, (),
                      (nodeDrainTimeoutSeconds, nodeVolumeDetachTimeoutSeconds,
                       nodeDeletionTimeoutSeconds))

/// A taint for the Machine's Node.
struct MachineTaint {
  /// Key of the taint.
  std::string key;
  /// Value of the taint.
  std::string value;
  /// What happens to pods that do not tolerate it.
  std::string effect;
  /// Always, or OnInitialization: only when the Node comes, so that the autoscaler does not count
  /// on it.
  std::string propagation;
  bool operator==(const MachineTaint&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineTaint, (), (key, value, effect, propagation))

/// What a machine is to be.
struct MachineSpec {
  /// Name of the Cluster it belongs to, in the same namespace.
  std::string clusterName;
  /// Where its bootstrap data comes from: what it does at its first boot.
  MachineBootstrap bootstrap;
  /// The machine itself, for instance a KubevirtMachine; in templates a KubevirtMachineTemplate.
  ContractReference infrastructureRef;
  /// Version of Kubernetes, such as v1.37.2. The "v" is added when it is missing.
  std::string version;
  /// How the infrastructure calls the machine, such as kubevirt://NAME. Written by Nestor; by it
  /// the Node is found.
  std::string providerID;
  /// Failure domain that it is to be in. Part of what a roll-out compares; machines of KubeVirt are
  /// not placed by it.
  std::string failureDomain;
  /// How long it must have been Ready before it is Available, in seconds. Default 0.
  std::optional<std::int32_t> minReadySeconds;
  /// Conditions of your own on the Machine without which it is not Ready.
  std::vector<ConditionGate> readinessGates;
  /// How long the steps of its deletion may take.
  MachineDeletionSpec deletion;
  /// Taints that its Node is to have. Nestor's autoscaler counts on them, but Nestor does not put
  /// them on the Node: set them in the KubeadmConfig (nodeRegistration.taints) too.
  std::vector<MachineTaint> taints;
  bool operator==(const MachineSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSpec, (),
                      (clusterName, bootstrap, infrastructureRef, version, providerID,
                       failureDomain, minReadySeconds, readinessGates, deletion, taints))

/// What Machines are made from.
struct MachineTemplate {
  /// Labels and annotations of the Machines. Changes reach existing ones without a roll-out; some
  /// labels (node-role.kubernetes.io/… and those of node-restriction.kubernetes.io and
  /// node.cluster.x-k8s.io) go on to the Nodes.
  TemplateMetadata metadata;
  /// What the Machines are to be. A change of version, failureDomain, bootstrap or
  /// infrastructureRef makes a MachineDeployment replace them; in a MachineSet it counts for new
  /// ones only. Other changes reach existing ones.
  MachineSpec spec;
  bool operator==(const MachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineTemplate, (), (metadata, spec))

/// What was reached once. True stays true.
struct MachineInitialization {
  /// The machine exists.
  std::optional<bool> infrastructureProvisioned;
  /// The Secret with its bootstrap data exists.
  std::optional<bool> bootstrapDataSecretCreated;
  bool operator==(const MachineInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineInitialization, (),
                      (infrastructureProvisioned, bootstrapDataSecretCreated))

/// When steps of the deletion began; absent when not yet.
struct MachineDeletionStatus {
  /// When pods were asked to leave the node.
  std::string nodeDrainStartTime;
  /// When the wait for volumes to be detached began.
  std::string waitForNodeVolumeDetachStartTime;
  /// When the wait for annotations pre-drain.delete.hook.machine.cluster.x-k8s.io to go began.
  std::string waitForPreDrainHookStartTime;
  /// When the wait for annotations pre-terminate.delete.hook.machine.cluster.x-k8s.io to go began.
  std::string waitForPreTerminateHookStartTime;
  bool operator==(const MachineDeletionStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeletionStatus, (),
                      (nodeDrainStartTime, waitForNodeVolumeDetachStartTime,
                       waitForPreDrainHookStartTime, waitForPreTerminateHookStartTime))

/// How the machine is.
struct MachineStatus {
  /// Available and Ready sum up BootstrapConfigReady, InfrastructureReady, NodeHealthy and (with a
  /// MachineHealthCheck) HealthCheckSucceeded. Others: NodeReady, UpToDate (in a
  /// MachineDeployment), OwnerRemediated or ExternallyRemediated (while unhealthy), Deleting,
  /// Paused.
  std::vector<kube::Condition> conditions;
  /// What was reached once.
  MachineInitialization initialization;
  /// The Node that it became in the tenant cluster.
  LocalReference nodeRef;
  /// What its Node says of system, kernel and versions: the Node's status.nodeInfo as it is.
  Json nodeInfo;
  /// When the phase changed last.
  std::string lastUpdated;
  /// Its names and addresses.
  std::vector<core::NodeAddress> addresses;
  /// Failure domain that it is in, as its infrastructure object says.
  std::string failureDomain;
  /// For people: Pending, Provisioning (the bootstrap data is there), Provisioned (the machine
  /// exists), Running (there is a Node), Deleting or Failed (it does not come back). Updating,
  /// Deleted and Unknown are not used.
  std::string phase;
  /// Not filled by Nestor: workers renew their certificates by themselves.
  std::string certificatesExpiryDate;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  /// How far its deletion is.
  MachineDeletionStatus deletion;
  bool operator==(const MachineStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineStatus, (),
                      (conditions, initialization, nodeRef, nodeInfo, lastUpdated, addresses,
                       failureDomain, phase, certificatesExpiryDate, observedGeneration, deletion))

/// A machine of a Cluster, which becomes one Node of it. Usually made by a MachineSet.
struct Machine {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "Machine", "machines"};
  kube::ObjectMeta metadata;
  /// What the machine is to be.
  MachineSpec spec;
  /// How the machine is.
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
