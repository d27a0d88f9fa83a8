#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::infrastructure {

struct Provisioned {
  std::optional<bool> provisioned;
  bool operator==(const Provisioned&) const = default;
};
BOOST_DESCRIBE_STRUCT(Provisioned, (), (provisioned))

struct ControlPlaneServiceSpec {
  /// Of the Service; "" is ClusterIP.
  std::string type;
  bool operator==(const ControlPlaneServiceSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneServiceSpec, (), (type))

struct ControlPlaneServiceTemplate {
  /// namespace, labels and annotations are used.
  Json metadata;
  ControlPlaneServiceSpec spec;
  bool operator==(const ControlPlaneServiceTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneServiceTemplate, (), (metadata, spec))

struct SshKeys {
  ObjectReference configRef;
  std::string dataSecretName;
  bool operator==(const SshKeys&) const = default;
};
BOOST_DESCRIBE_STRUCT(SshKeys, (), (configRef, dataSecretName))

struct KubevirtClusterSpec {
  cluster::Endpoint controlPlaneEndpoint;
  ControlPlaneServiceTemplate controlPlaneServiceTemplate;
  SshKeys sshKeys;
  std::optional<ObjectReference> infraClusterSecretRef;
  bool operator==(const KubevirtClusterSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtClusterSpec, (),
                      (controlPlaneEndpoint, controlPlaneServiceTemplate, sshKeys,
                       infraClusterSecretRef))

/// Both `ready` (contract v1beta1) and `initialization` (v1beta2) must be written.
struct KubevirtClusterStatus {
  std::optional<bool> ready;
  Provisioned initialization;
  std::vector<cluster::FailureDomain> failureDomains;
  std::vector<kube::Condition> conditions;
  bool operator==(const KubevirtClusterStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtClusterStatus, (),
                      (ready, initialization, failureDomains, conditions))

struct KubevirtCluster {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtCluster", "kubevirtclusters"};
  kube::ObjectMeta metadata;
  KubevirtClusterSpec spec;
  KubevirtClusterStatus status;
  bool operator==(const KubevirtCluster&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtCluster, (), (metadata, spec, status))

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtCluster)
