#pragma once

#include "api/cluster/machine.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// How many Machines there are to be, and what they are made from.
struct MachineSetSpec {
  /// Name of the Cluster they belong to, in the same namespace.
  std::string clusterName;
  /// How many Machines. Absent: the autoscaler's minimum when its two annotations are there, else
  /// 1.
  std::optional<std::int32_t> replicas;
  /// Which Machines it counts as its own; must select the template's labels. Empty selects by the
  /// set's name.
  LabelSelector selector;
  /// What Machines are made from.
  MachineTemplate template_;
  /// How new Machines are named. Without effect.
  MachineNaming machineNaming;
  /// Which Machines go first when there are too many.
  DeletionOrder deletion;
  bool operator==(const MachineSetSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSetSpec, (),
                      (clusterName, replicas, selector, template_, machineNaming, deletion))

/// How the set is.
struct MachineSetStatus {
  /// ScalingUp (with what holds it up), ScalingDown, MachinesReady, MachinesUpToDate, Remediating,
  /// Deleting, Paused.
  std::vector<kube::Condition> conditions;
  /// The selector as text, for `kubectl scale` and autoscalers.
  std::string selector;
  /// How many Machines there are.
  std::optional<std::int32_t> replicas;
  /// How many of them are Ready.
  std::optional<std::int32_t> readyReplicas;
  /// How many of them are Available: Ready for minReadySeconds.
  std::optional<std::int32_t> availableReplicas;
  /// How many of them are as the MachineDeployment wants them.
  std::optional<std::int32_t> upToDateReplicas;
  /// How many of them have which version.
  std::vector<VersionCount> versions;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineSetStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSetStatus, (),
                      (conditions, selector, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, versions, observedGeneration))

/// A number of equal Machines. Usually made by a MachineDeployment, one for each version of its
/// template.
struct MachineSet {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineSet",
                                            "machinesets"};
  kube::ObjectMeta metadata;
  /// How many Machines there are to be, and what they are made from.
  MachineSetSpec spec;
  /// How the set is.
  MachineSetStatus status;
  bool operator==(const MachineSet&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSet, (), (metadata, spec, status))

/// Replicas (from the autoscaler's annotations, else 1), deletion order, selector and template
/// labels by the set's and the cluster's name, "v" before the version.
void set_defaults(MachineSet& set);
/// Errors: kInvalidArgument with every fault.
Result<> validate(const MachineSet& set);

}  // namespace nestor::api::cluster

NESTOR_EXTERN_JSON(nestor::api::cluster::MachineSet)
