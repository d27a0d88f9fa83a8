#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

struct NetworkRanges {
  std::vector<std::string> cidrBlocks;
  bool operator==(const NetworkRanges&) const = default;
};
BOOST_DESCRIBE_STRUCT(NetworkRanges, (), (cidrBlocks))

struct ClusterNetwork {
  std::optional<std::int32_t> apiServerPort;
  NetworkRanges services;
  NetworkRanges pods;
  std::string serviceDomain;
  bool operator==(const ClusterNetwork&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterNetwork, (), (apiServerPort, services, pods, serviceDomain))

struct ClusterSpec {
  std::optional<bool> paused;
  ClusterNetwork clusterNetwork;
  Endpoint controlPlaneEndpoint;
  ContractReference controlPlaneRef;
  ContractReference infrastructureRef;
  std::vector<ConditionGate> availabilityGates;
  bool operator==(const ClusterSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterSpec, (),
                      (paused, clusterNetwork, controlPlaneEndpoint, controlPlaneRef,
                       infrastructureRef, availabilityGates))

struct ClusterInitialization {
  std::optional<bool> infrastructureProvisioned;
  std::optional<bool> controlPlaneInitialized;
  bool operator==(const ClusterInitialization&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterInitialization, (),
                      (infrastructureProvisioned, controlPlaneInitialized))

struct ClusterReplicas {
  std::optional<std::int32_t> desiredReplicas;
  std::optional<std::int32_t> replicas;
  std::optional<std::int32_t> upToDateReplicas;
  std::optional<std::int32_t> readyReplicas;
  std::optional<std::int32_t> availableReplicas;
  std::vector<VersionCount> versions;
  bool operator==(const ClusterReplicas&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterReplicas, (),
                      (desiredReplicas, replicas, upToDateReplicas, readyReplicas,
                       availableReplicas, versions))

struct ClusterStatus {
  std::vector<kube::Condition> conditions;
  ClusterInitialization initialization;
  ClusterReplicas controlPlane;
  ClusterReplicas workers;
  std::vector<FailureDomain> failureDomains;
  /// "Pending", "Provisioning", "Provisioned", "Deleting", "Failed" or "Unknown".
  std::string phase;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const ClusterStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(ClusterStatus, (),
                      (conditions, initialization, controlPlane, workers, failureDomains, phase,
                       observedGeneration))

struct Cluster {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "Cluster", "clusters"};
  kube::ObjectMeta metadata;
  ClusterSpec spec;
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
