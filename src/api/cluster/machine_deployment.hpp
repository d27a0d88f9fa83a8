#pragma once

#include "api/cluster/machine.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

struct RollingUpdate {
  /// Numbers or percentages ("20%").
  Json maxSurge;
  Json maxUnavailable;
  bool operator==(const RollingUpdate&) const = default;
};
BOOST_DESCRIBE_STRUCT(RollingUpdate, (), (maxSurge, maxUnavailable))

struct RolloutStrategy {
  /// "RollingUpdate" or "OnDelete".
  std::string type;
  RollingUpdate rollingUpdate;
  bool operator==(const RolloutStrategy&) const = default;
};
BOOST_DESCRIBE_STRUCT(RolloutStrategy, (), (type, rollingUpdate))

struct MachineDeploymentRollout {
  /// RFC 3339: Machines older than this are replaced once it has passed.
  std::string after;
  RolloutStrategy strategy;
  bool operator==(const MachineDeploymentRollout&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentRollout, (), (after, strategy))

struct MachineDeploymentRemediation {
  /// Number or percentage.
  Json maxInFlight;
  bool operator==(const MachineDeploymentRemediation&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentRemediation, (), (maxInFlight))

struct MachineDeploymentSpec {
  std::string clusterName;
  std::optional<std::int32_t> replicas;
  MachineDeploymentRollout rollout;
  LabelSelector selector;
  MachineTemplate template_;
  MachineNaming machineNaming;
  MachineDeploymentRemediation remediation;
  DeletionOrder deletion;
  std::optional<bool> paused;
  bool operator==(const MachineDeploymentSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentSpec, (),
                      (clusterName, replicas, rollout, selector, template_, machineNaming,
                       remediation, deletion, paused))

struct MachineDeploymentStatus {
  std::vector<kube::Condition> conditions;
  /// Text form, for the scale subresource.
  std::string selector;
  std::optional<std::int32_t> replicas;
  std::optional<std::int32_t> readyReplicas;
  std::optional<std::int32_t> availableReplicas;
  std::optional<std::int32_t> upToDateReplicas;
  std::vector<VersionCount> versions;
  /// "ScalingUp", "ScalingDown", "Running", "Failed" or "Unknown".
  std::string phase;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineDeploymentStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineDeploymentStatus, (),
                      (conditions, selector, replicas, readyReplicas, availableReplicas,
                       upToDateReplicas, versions, phase, observedGeneration))

struct MachineDeployment {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineDeployment",
                                            "machinedeployments"};
  kube::ObjectMeta metadata;
  MachineDeploymentSpec spec;
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
