#pragma once

#include "api/cluster/machine.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

struct MachineSetSpec {
  std::string clusterName;
  std::optional<std::int32_t> replicas;
  LabelSelector selector;
  MachineTemplate template_;
  MachineNaming machineNaming;
  DeletionOrder deletion;
  bool operator==(const MachineSetSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSetSpec, (),
                      (clusterName, replicas, selector, template_, machineNaming, deletion))

struct MachineSetStatus {
  std::vector<kube::Condition> conditions;
  /// Text form, for the scale subresource.
  std::string selector;
  std::optional<std::int32_t> replicas;
  std::optional<std::int32_t> readyReplicas;
  std::optional<std::int32_t> availableReplicas;
  std::optional<std::int32_t> upToDateReplicas;
  std::vector<VersionCount> versions;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineSetStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineSetStatus, (),
                      (conditions, selector, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, versions, observedGeneration))

struct MachineSet {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineSet",
                                            "machinesets"};
  kube::ObjectMeta metadata;
  MachineSetSpec spec;
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
