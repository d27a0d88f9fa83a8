#include "infrastructure/machine_status.hpp"

#include "api/infrastructure/labels.hpp"
#include "infrastructure/virtual_machine_builder.hpp"

namespace nestor::infrastructure {

using api::infrastructure::KubevirtMachine;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

namespace {

void set(KubevirtMachine& machine, std::string_view type, bool status, std::string_view reason,
         std::string message, std::string_view now) {
  kube::set_condition(machine.status.conditions,
                      kube::make_condition(type, status, reason, std::move(message)), now);
}

std::vector<api::core::NodeAddress> addresses_of(const std::string& name,
                                                 const VirtualMachineInstance& vmi) {
  std::vector<api::core::NodeAddress> out{{"Hostname", name}};
  for (const auto& interface : vmi.status.interfaces) {
    auto all = interface.ipAddresses;
    if (all.empty() && !interface.ipAddress.empty()) all.push_back(interface.ipAddress);
    for (const auto& address : all) {
      out.push_back({"InternalIP", address});
      out.push_back({"ExternalIP", address});
    }
  }
  out.push_back({"InternalDNS", name});
  return out;
}

bool has_internal_ip(const KubevirtMachine& machine) {
  for (const auto& address : machine.status.addresses) {
    if (address.type == "InternalIP") return true;
  }
  return false;
}

/// ": " and what its pod says about why it does not start or has ended; "" when it says nothing.
std::string said_by_pod(const std::vector<kube::Condition>& conditions) {
  const auto* synchronized = kube::find_condition(conditions, "Synchronized");
  if (synchronized == nullptr || synchronized->message.empty()) return "";
  return ": " + synchronized->message;
}

/// Why the machine does not run, for people.
std::pair<std::string, std::string> not_ready(const MachineStatusView& view) {
  if (view.vm == nullptr) return {"VMNotReady", "the VirtualMachine is being created"};
  const auto* scheduled = kube::find_condition(view.vm->status.conditions, "PodScheduled");
  if (scheduled == nullptr && view.vmi != nullptr) {
    scheduled = kube::find_condition(view.vmi->status.conditions, "PodScheduled");
  }
  if (scheduled != nullptr && scheduled->status == "False") {
    return {scheduled->reason.empty() ? "Unschedulable" : scheduled->reason, scheduled->message};
  }
  const auto& state = view.vm->status.printableStatus;
  return {"VMNotReady", "the VirtualMachine is " + (state.empty() ? "not started" : state) +
                            said_by_pod(view.vm->status.conditions)};
}

void observe_terminal(const MachineStatusView& view, KubevirtMachine& machine) {
  machine.status.failureReason.clear();
  machine.status.failureMessage.clear();
  if (view.vm == nullptr || view.vmi == nullptr) return;
  const auto reason = terminal_reason(*view.vm, *view.vmi);
  if (reason.empty()) return;
  machine.status.failureReason = "UpdateError";
  machine.status.failureMessage = reason;
}

}  // namespace

std::string terminal_reason(const VirtualMachine& vm, const VirtualMachineInstance& vmi) {
  for (const auto* metadata : {&vm.metadata, &vmi.metadata}) {
    const auto label = metadata->label(api::infrastructure::kVmIsTerminalLabel);
    if (!label.empty()) return "marked as terminal: " + std::string(label);
  }
  const bool final = api::kubevirt::is_final(vmi.status.phase);
  const auto& strategy = vm.spec.runStrategy;
  const bool ended = (final && (strategy == "Halted" || strategy == "Once")) ||
                     (strategy == "RerunOnFailure" && vmi.status.phase == "Succeeded");
  if (!ended) return {};
  return "the VirtualMachineInstance is " + vmi.status.phase + " and is not started again" +
         said_by_pod(vmi.status.conditions);
}

KubevirtMachine waiting(KubevirtMachine machine, const std::string& reason,
                        const std::string& message, const std::string& now) {
  set(machine, "VMProvisioned", false, reason, message, now);
  set(machine, "Ready", false, reason, message, now);
  machine.status.ready = false;
  return machine;
}

KubevirtMachine observe(const MachineStatusView& view) {
  KubevirtMachine machine = view.machine;
  observe_terminal(view, machine);
  const bool running = view.vmi != nullptr && !view.vmi->metadata.deleting() &&
                       kube::condition_true(view.vmi->status.conditions, "Ready");
  const bool addressed = running && !view.vmi->status.interfaces.empty() &&
                         !view.vmi->status.interfaces.front().ipAddress.empty();
  if (!running) {
    const auto [reason, message] = not_ready(view);
    return waiting(std::move(machine), reason, message, view.now);
  }
  // An address that the guest stops telling for a moment is not lost.
  if (!addressed && !has_internal_ip(machine)) {
    return waiting(std::move(machine), "WaitingForAddress", "the machine has no address yet",
                   view.now);
  }
  if (addressed) machine.status.addresses = addresses_of(machine.metadata.name, *view.vmi);
  if (machine.spec.providerID.empty()) {
    machine.spec.providerID = api::infrastructure::provider_id(machine.metadata.name);
  }
  machine.status.ready = true;
  machine.status.initialization.provisioned = true;
  set(machine, "VMProvisioned", true, "Provisioned", "", view.now);
  // Without SSH keys the guest is not looked into; the Node's arrival tells.
  set(machine, "BootstrapExecSucceeded", true, "BootstrapCheckingNotSupported", "", view.now);
  set(machine, "Ready", true, "Ready", "", view.now);
  const auto* migratable = kube::find_condition(view.vmi->status.conditions, "LiveMigratable");
  if (migratable != nullptr) {
    const bool yes = migratable->status == "True";
    const std::string_view reason = migratable->reason.empty()
                                        ? std::string_view(yes ? "LiveMigratable" : "NotMigratable")
                                        : std::string_view(migratable->reason);
    set(machine, "VMLiveMigratable", yes, reason, migratable->message, view.now);
  }
  return machine;
}

}  // namespace nestor::infrastructure
