#pragma once

#include <memory>
#include <string>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::infrastructure {

/// One VirtualMachine for each KubevirtMachine, made once its bootstrap data is there, never
/// changed afterwards, and gone before the KubevirtMachine is. Both are in one namespace; an object
/// that has the name but was not made for it is neither used, written nor deleted.
class KubevirtMachineController {
 public:
  KubevirtMachineController(kube::Runtime& runtime, tenant::Sessions& sessions)
      : runtime_(runtime), sessions_(sessions) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using KubevirtMachinePtr = std::shared_ptr<const api::infrastructure::KubevirtMachine>;
  using MachinePtr = std::shared_ptr<const api::cluster::Machine>;
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;

  void watch_tenants(kube::Controller& controller);
  MachinePtr owner_of(const api::infrastructure::KubevirtMachine& machine);
  Task<> reconcile_delete(KubevirtMachinePtr machine);
  /// Reason and message of what is still missing before the virtual machine can be made, or "".
  std::pair<std::string, std::string> missing(const api::cluster::Machine& machine,
                                              const api::cluster::Cluster& cluster);
  Task<> create_virtual_machine(KubevirtMachinePtr kubevirt, MachinePtr machine);
  /// Copies the bootstrap data to where the virtual machine reads it.
  Task<> write_userdata(KubevirtMachinePtr kubevirt, MachinePtr machine);
  Task<> remove_userdata(KubevirtMachinePtr kubevirt);
  /// Asks the API server whether there is an object of that type of the KubevirtMachine's name that
  /// was made for it.
  Task<bool> has_own(KubevirtMachinePtr kubevirt, kube::ResourceType type);
  /// Whether the tenant has a Node with the machine's providerID; the cloud provider writes that.
  bool node_is_named(const kube::ObjectKey& cluster, const std::string& name) const;

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
};

}  // namespace nestor::infrastructure
