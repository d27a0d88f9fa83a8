#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "kube/runtime.hpp"

namespace nestor::cloud {

/// A virtual machine of a tenant cluster, running or not.
struct Machine {
  using Vm = std::shared_ptr<const api::kubevirt::VirtualMachine>;
  using Vmi = std::shared_ptr<const api::kubevirt::VirtualMachineInstance>;
  std::string name;
  Vm vm;
  Vmi vmi;
  explicit operator bool() const { return vm != nullptr || vmi != nullptr; }
};

/// Its addresses that a Node of it has: of the interface "default", or else of the first; one of
/// each family, IPv4 first unless the machine says otherwise; none that only its own link knows.
std::vector<std::string> addresses_of(const api::kubevirt::VirtualMachineInstance& vmi);

/// Whether the instance is running and is not about to end.
bool runs(const Machine& machine);

/// The machine that a Node is: named by its providerID, else by the label for instances, else by
/// the Node's own name. "" when its providerID is not one of KubeVirt's.
std::string machine_name(const api::core::Node& node);

/// All virtual machines of the management cluster, by the tenant cluster they belong to. A machine
/// of another cluster is never found, whatever it is called. Reads caches only.
class Machines {
 public:
  explicit Machines(kube::Runtime& runtime);

  Machine find(const kube::ObjectKey& cluster, const std::string& name) const;
  std::vector<Machine> all(const kube::ObjectKey& cluster) const;
  /// Names of the machines that run on a node of the management cluster, with their clusters.
  std::vector<std::pair<kube::ObjectKey, std::string>> on_node(const std::string& node) const;
  /// Asks the API server itself whether the cluster has a machine of that name.
  Task<bool> exists(kube::ObjectKey cluster, std::string name) const;

  /// The cluster that a machine's label names, in the machine's own namespace.
  static std::optional<kube::ObjectKey> cluster_of(const kube::ObjectMeta& machine);

  kube::Informer<api::kubevirt::VirtualMachine> vms() const { return vms_; }
  kube::Informer<api::kubevirt::VirtualMachineInstance> vmis() const { return vmis_; }

 private:
  kube::Runtime& runtime_;
  kube::Informer<api::kubevirt::VirtualMachine> vms_;
  kube::Informer<api::kubevirt::VirtualMachineInstance> vmis_;
};

}  // namespace nestor::cloud
