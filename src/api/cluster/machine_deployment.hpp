#pragma once

#include "api/cluster/machine.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// How many Machines a roll-out may add and take away.
struct RollingUpdate {
  /// How many Machines there may be above the wanted number: a number or a percentage (rounded up).
  /// Default 1. Not 0 when maxUnavailable is 0.
  Json maxSurge;
  /// How many of the wanted Machines may be missing: a number or a percentage (rounded down).
  /// Default 0.
  Json maxUnavailable;
  bool operator==(const RollingUpdate&) const = default;
};
BOOST_DESCRIBE_STRUCT(RollingUpdate, (), (maxSurge, maxUnavailable))

/// How Machines are replaced.
struct RolloutStrategy {
  /// RollingUpdate (the default): by and by. OnDelete: a new one for each that you delete.
  std::string type;
  /// Limits of RollingUpdate.
  RollingUpdate rollingUpdate;
  bool operator==(const RolloutStrategy&) const = default;
};
BOOST_DESCRIBE_STRUCT(RolloutStrategy, (), (type, rollingUpdate))

/// When and how Machines are replaced.
struct MachineDeploymentRollout {
  /// A time (RFC 3339). Once it has passed, Machines of MachineSets older than it are replaced,
  /// though the template is the same.
  std::string after;
  /// How Machines are replaced.
  RolloutStrategy strategy;
  bool operator==(const MachineDeploymentRollout&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentRollout, (), (after, strategy))

/// How unhealthy Machines are replaced.
struct MachineDeploymentRemediation {
  /// How many unhealthy Machines of one MachineSet may be replaced at the same time: a number or a
  /// percentage (rounded up). Default: all.
  Json maxInFlight;
  bool operator==(const MachineDeploymentRemediation&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentRemediation, (), (maxInFlight))

/// How many Machines there are to be, what they are made from, and how they are replaced when that
/// changes.
struct MachineDeploymentSpec {
  /// Name of the Cluster they belong to, in the same namespace.
  std::string clusterName;
  /// How many Machines. Absent: the autoscaler's minimum when its two annotations are there, else
  /// 1.
  std::optional<std::int32_t> replicas;
  /// When and how Machines are replaced.
  MachineDeploymentRollout rollout;
  /// Which MachineSets and Machines it counts as its own; must select the template's labels. Empty
  /// selects by the deployment's name.
  LabelSelector selector;
  /// What Machines are made from.
  MachineTemplate template_;
  /// How new Machines are named. Without effect.
  MachineNaming machineNaming;
  /// How unhealthy Machines are replaced.
  MachineDeploymentRemediation remediation;
  /// Which Machines go first when there are too many.
  DeletionOrder deletion;
  /// No roll-out while true; replicas are still followed.
  std::optional<bool> paused;
  bool operator==(const MachineDeploymentSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentSpec, (),
                      (clusterName, replicas, rollout, selector, template_, machineNaming,
                       remediation, deletion, paused))

/// How the deployment is.
struct MachineDeploymentStatus {
  /// Available (enough Machines are), RollingOut, ScalingUp (with what holds it up), ScalingDown,
  /// MachinesReady, MachinesUpToDate, Remediating, Deleting, Paused.
  std::vector<kube::Condition> conditions;
  /// The selector as text, for `kubectl scale` and autoscalers.
  std::string selector;
  /// How many Machines there are.
  std::optional<std::int32_t> replicas;
  /// How many of them are Ready.
  std::optional<std::int32_t> readyReplicas;
  /// How many of them are Available: Ready for minReadySeconds.
  std::optional<std::int32_t> availableReplicas;
  /// How many of them are made from the present template.
  std::optional<std::int32_t> upToDateReplicas;
  /// How many of them have which version.
  std::vector<VersionCount> versions;
  /// For people: ScalingUp, ScalingDown or Running. Failed and Unknown are not used.
  std::string phase;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineDeploymentStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentStatus, (),
                      (conditions, selector, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, versions, phase, observedGeneration))

/// A group of equal workers, replaced by and by when their template changes. The autoscaler changes
/// its size.
struct MachineDeployment {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineDeployment",
                                            "machinedeployments"};
  kube::ObjectMeta metadata;
  /// How many Machines there are to be, and what they are made from.
  MachineDeploymentSpec spec;
  /// How the deployment is.
  MachineDeploymentStatus status;
  bool operator==(const MachineDeployment&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeployment, (), (metadata, spec, status))

/// Replicas (from the autoscaler's annotations, else 1), strategy RollingUpdate with surge 1 and
/// unavailable 0, deletion order, selector and template labels by the deployment's and the
/// cluster's name, "v" before the version. The selector is not stored by us: controllers
/// call this on each read, until an admission webhook does it when the object is written.
void set_defaults(MachineDeployment& deployment);
/// Errors: kInvalidArgument with every fault.
Result<> validate(const MachineDeployment& deployment);

}  // namespace nestor::api::cluster

NESTOR_EXTERN_JSON(nestor::api::cluster::MachineDeployment)
