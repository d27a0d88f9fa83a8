#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// Address ranges of a network.
struct NetworkRanges {
  /// The ranges, such as 10.96.0.0/16: one, or one of IPv4 and one of IPv6.
  std::vector<std::string> cidrBlocks;
  bool operator==(const NetworkRanges&) const = default;
};
BOOST_DESCRIBE_STRUCT(NetworkRanges, (), (cidrBlocks))

/// Addresses and names inside the tenant cluster.
struct ClusterNetwork {
  /// Port of the tenant's API server. Default 6443.
  std::optional<std::int32_t> apiServerPort;
  /// Where Services get their addresses from. Default 10.96.0.0/16.
  NetworkRanges services;
  /// Where pods get their addresses from. Default 10.244.0.0/16. Must not overlap with networks
  /// that pods are to reach.
  NetworkRanges pods;
  /// DNS domain of Services. Default cluster.local. It cannot be changed later.
  std::string serviceDomain;
  bool operator==(const ClusterNetwork&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterNetwork, (), (apiServerPort, services, pods, serviceDomain))

/// What the cluster is to be.
struct ClusterSpec {
  /// Stops all work on the cluster and what belongs to it, deletion included.
  std::optional<bool> paused;
  /// Addresses and names inside the cluster.
  ClusterNetwork clusterNetwork;
  /// Where the cluster's API server is reached. Written by Nestor once the control plane has an
  /// address.
  Endpoint controlPlaneEndpoint;
  /// The control plane, for instance a KamajiControlPlane. Nestor makes the Cluster its owner.
  ContractReference controlPlaneRef;
  /// The infrastructure that its machines share, for instance a KubevirtCluster. Nestor makes the
  /// Cluster its owner.
  ContractReference infrastructureRef;
  /// Kept, but without effect: conditions of your own that Available is to take into account.
  std::vector<ConditionGate> availabilityGates;
  bool operator==(const ClusterSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterSpec, (),
                      (paused, clusterNetwork, controlPlaneEndpoint, controlPlaneRef,
                       infrastructureRef, availabilityGates))

/// What was reached once. True stays true.
struct ClusterInitialization {
  /// The infrastructure was ready.
  std::optional<bool> infrastructureProvisioned;
  /// The control plane answered, so that nodes can join.
  std::optional<bool> controlPlaneInitialized;
  bool operator==(const ClusterInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterInitialization, (),
                      (infrastructureProvisioned, controlPlaneInitialized))

/// Numbers of machines, or of replicas of the control plane.
struct ClusterReplicas {
  /// How many are wanted.
  std::optional<std::int32_t> desiredReplicas;
  /// How many there are.
  std::optional<std::int32_t> replicas;
  /// How many have the wanted version and template.
  std::optional<std::int32_t> upToDateReplicas;
  /// How many are ready.
  std::optional<std::int32_t> readyReplicas;
  /// How many are available: ready for long enough.
  std::optional<std::int32_t> availableReplicas;
  /// How many have which version. Not filled by Nestor.
  std::vector<VersionCount> versions;
  bool operator==(const ClusterReplicas&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterReplicas, (),
                      (desiredReplicas, replicas, upToDateReplicas, readyReplicas,
                       availableReplicas, versions))

/// How the cluster is.
struct ClusterStatus {
  /// Available sums up the others: InfrastructureReady, ControlPlaneInitialized,
  /// ControlPlaneAvailable, RemoteConnectionProbe (the API server answers Nestor),
  /// WorkersAvailable, Deleting; and Paused.
  std::vector<kube::Condition> conditions;
  /// What was reached once.
  ClusterInitialization initialization;
  /// Numbers of the control plane, as its object tells them.
  ClusterReplicas controlPlane;
  /// Numbers of the workers: the sum over all MachineDeployments.
  ClusterReplicas workers;
  /// Not filled by Nestor, which knows no failure domains.
  std::vector<FailureDomain> failureDomains;
  /// For people: Pending, Provisioning, Provisioned (there is an endpoint) or Deleting. Failed and
  /// Unknown are not used.
  std::string phase;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const ClusterStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterStatus, (),
                      (conditions, initialization, controlPlane, workers, failureDomains, phase,
                       observedGeneration))

/// A Kubernetes cluster of a tenant. It ties its control plane and infrastructure together.
struct Cluster {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "Cluster", "clusters"};
  kube::ObjectMeta metadata;
  /// What the cluster is to be.
  ClusterSpec spec;
  /// How the cluster is.
  ClusterStatus status;
  bool operator==(const Cluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(Cluster, (), (metadata, spec, status))

/// Paused as a whole, or `metadata` (an object of the cluster) by its annotation.
bool paused(const Cluster& cluster, const kube::ObjectMeta& metadata);
/// Sets the condition Paused of an object of the cluster, with the reason. Returns whether anything
/// changed.
bool set_paused(std::vector<kube::Condition>& conditions, const Cluster& cluster,
                const kube::ObjectMeta& metadata, std::string_view now_rfc3339);

/// Errors: kInvalidArgument with every fault: name (a DNS label), CIDR blocks, endpoint port, half
/// references.
Result<> validate(const Cluster& cluster);

}  // namespace nestor::api::cluster

NESTOR_EXTERN_JSON(nestor::api::cluster::Cluster)
