#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::infrastructure {

/// What was reached once. True stays true.
struct Provisioned {
  /// The infrastructure is there.
  std::optional<bool> provisioned;
  bool operator==(const Provisioned&) const = default;
};
BOOST_DESCRIBE_STRUCT(Provisioned, (), (provisioned))

/// Spec of the Service. Without effect.
struct ControlPlaneServiceSpec {
  /// Type of the Service. Without effect.
  std::string type;
  bool operator==(const ControlPlaneServiceSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneServiceSpec, (), (type))

/// A Service in front of control plane machines. Without effect: the control plane brings its own
/// Service.
struct ControlPlaneServiceTemplate {
  /// Namespace, labels and annotations of the Service. Without effect.
  Json metadata;
  /// Spec of the Service. Without effect.
  ControlPlaneServiceSpec spec;
  bool operator==(const ControlPlaneServiceTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneServiceTemplate, (), (metadata, spec))

/// SSH keys to look into machines with. Without effect: Nestor does not look into them.
struct SshKeys {
  /// What the keys were made for. Without effect.
  ObjectReference configRef;
  /// Secret with the keys. Without effect.
  std::string dataSecretName;
  bool operator==(const SshKeys&) const = default;
};
BOOST_DESCRIBE_STRUCT(SshKeys, (), (configRef, dataSecretName))

/// What the infrastructure is to be.
struct KubevirtClusterSpec {
  /// Where the API server is reached. Written by Nestor for a KamajiControlPlane.
  cluster::Endpoint controlPlaneEndpoint;
  /// A Service in front of control plane machines. Without effect: the control plane brings its own
  /// Service.
  ControlPlaneServiceTemplate controlPlaneServiceTemplate;
  /// SSH keys to look into machines with. Without effect: Nestor does not look into them.
  SshKeys sshKeys;
  /// Kubeconfig of another cluster for the machines. Without effect: they run in the management
  /// cluster.
  std::optional<ObjectReference> infraClusterSecretRef;
  bool operator==(const KubevirtClusterSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtClusterSpec, (),
                      (controlPlaneEndpoint, controlPlaneServiceTemplate, sshKeys,
                       infraClusterSecretRef))

/// Whether it is ready.
// Both `ready` (contract v1beta1) and `initialization` (v1beta2) must be written.
struct KubevirtClusterStatus {
  /// Whether machines can be made.
  std::optional<bool> ready;
  /// What was reached once.
  Provisioned initialization;
  /// Not filled by Nestor, which knows no failure domains.
  std::vector<cluster::FailureDomain> failureDomains;
  /// Ready and Paused.
  std::vector<kube::Condition> conditions;
  bool operator==(const KubevirtClusterStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtClusterStatus, (),
                      (ready, initialization, failureDomains, conditions))

/// The infrastructure that the virtual machines of a Cluster share. Mostly empty: it carries the
/// endpoint.
struct KubevirtCluster {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtCluster", "kubevirtclusters"};
  kube::ObjectMeta metadata;
  /// What the infrastructure is to be.
  KubevirtClusterSpec spec;
  /// Whether it is ready.
  KubevirtClusterStatus status;
  bool operator==(const KubevirtCluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtCluster, (), (metadata, spec, status))

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtCluster)
