#pragma once

#include "api/core/node.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/json.hpp"

namespace nestor::api::infrastructure {

/// The VirtualMachine to make (kubevirt.io/v1).
struct VirtualMachineTemplate {
  /// Labels and annotations of the VirtualMachine. A namespace may be given, but no other than that
  /// of the KubevirtMachine.
  Json metadata;
  /// Spec of the VirtualMachine, whole. Nestor adds labels and a disk with the bootstrap data, and
  /// puts the machine's name before those of data volumes.
  Json spec;
  bool operator==(const VirtualMachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineTemplate, (), (metadata, spec))

/// How to find out whether the bootstrap succeeded.
struct BootstrapCheck {
  /// Without effect: Nestor does not look into the machine; that the Node comes tells.
  std::string checkStrategy;
  bool operator==(const BootstrapCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(BootstrapCheck, (), (checkStrategy))

/// What the virtual machine is to be.
struct KubevirtMachineSpec {
  /// The VirtualMachine to make.
  VirtualMachineTemplate virtualMachineTemplate;
  /// How the Node names the machine: kubevirt://NAME. Written by Nestor.
  std::string providerID;
  /// How to find out whether the bootstrap succeeded. Without effect.
  BootstrapCheck virtualMachineBootstrapCheck;
  /// Kubeconfig of another cluster for the machine. Without effect: it runs in the management
  /// cluster.
  std::optional<ObjectReference> infraClusterSecretRef;
  bool operator==(const KubevirtMachineSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineSpec, (),
                      (virtualMachineTemplate, providerID, virtualMachineBootstrapCheck,
                       infraClusterSecretRef))

/// How the virtual machine is.
// Both `ready` (contract v1beta1) and `initialization` (v1beta2) must be written.
struct KubevirtMachineStatus {
  /// Whether it runs and has an address.
  std::optional<bool> ready;
  /// What was reached once.
  Provisioned initialization;
  /// Not filled by Nestor.
  std::optional<bool> loadBalancerConfigured;
  /// Its names and addresses.
  std::vector<core::NodeAddress> addresses;
  /// Ready and VMProvisioned (with why not), BootstrapExecSucceeded, VMLiveMigratable, Paused.
  std::vector<kube::Condition> conditions;
  /// Whether its Node has the providerID.
  std::optional<bool> nodeupdated;
  /// A word when it does not come back; the Machine fails with it.
  std::string failureReason;
  /// Why it does not come back.
  std::string failureMessage;
  bool operator==(const KubevirtMachineStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineStatus, (),
                      (ready, initialization, loadBalancerConfigured, addresses, conditions,
                       nodeupdated, failureReason, failureMessage))

/// A machine that is a VirtualMachine. Usually made from a KubevirtMachineTemplate.
struct KubevirtMachine {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtMachine", "kubevirtmachines"};
  kube::ObjectMeta metadata;
  /// What the virtual machine is to be.
  KubevirtMachineSpec spec;
  /// How the virtual machine is.
  KubevirtMachineStatus status;
  bool operator==(const KubevirtMachine&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachine, (), (metadata, spec, status))

/// checkStrategy ssh.
void set_defaults(KubevirtMachine& machine);

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtMachine)
