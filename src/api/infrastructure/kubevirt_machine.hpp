#pragma once

#include "api/core/node.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/json.hpp"

namespace nestor::api::infrastructure {

struct VirtualMachineTemplate {
  /// namespace, labels and annotations are used.
  Json metadata;
  /// A spec of kubevirt.io/v1 VirtualMachine, whole.
  Json spec;
  bool operator==(const VirtualMachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineTemplate, (), (metadata, spec))

struct BootstrapCheck {
  /// "ssh" (the default) or "none".
  std::string checkStrategy;
  bool operator==(const BootstrapCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(BootstrapCheck, (), (checkStrategy))

struct KubevirtMachineSpec {
  VirtualMachineTemplate virtualMachineTemplate;
  /// "kubevirt://<name>"
  std::string providerID;
  BootstrapCheck virtualMachineBootstrapCheck;
  std::optional<ObjectReference> infraClusterSecretRef;
  bool operator==(const KubevirtMachineSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineSpec, (),
                      (virtualMachineTemplate, providerID, virtualMachineBootstrapCheck,
                       infraClusterSecretRef))

/// Both `ready` (contract v1beta1) and `initialization` (v1beta2) must be written.
struct KubevirtMachineStatus {
  std::optional<bool> ready;
  Provisioned initialization;
  std::optional<bool> loadBalancerConfigured;
  std::vector<core::NodeAddress> addresses;
  std::vector<kube::Condition> conditions;
  /// Whether the Node has its providerID (upstream's spelling).
  std::optional<bool> nodeupdated;
  std::string failureReason;
  std::string failureMessage;
  bool operator==(const KubevirtMachineStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineStatus, (),
                      (ready, initialization, loadBalancerConfigured, addresses, conditions,
                       nodeupdated, failureReason, failureMessage))

struct KubevirtMachine {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtMachine", "kubevirtmachines"};
  kube::ObjectMeta metadata;
  KubevirtMachineSpec spec;
  KubevirtMachineStatus status;
  bool operator==(const KubevirtMachine&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachine, (), (metadata, spec, status))

/// checkStrategy ssh.
void set_defaults(KubevirtMachine& machine);

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtMachine)
