#pragma once

#include <string>

#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/kubevirt/virtual_machine.hpp"

/// What a KubevirtMachine says about itself. Pure.
namespace nestor::infrastructure {

struct MachineStatusView {
  api::infrastructure::KubevirtMachine machine;
  /// nullptr when there is none.
  const api::kubevirt::VirtualMachine* vm = nullptr;
  const api::kubevirt::VirtualMachineInstance* vmi = nullptr;
  /// RFC 3339.
  std::string now;
};

/// The machine with providerID, addresses, readiness and conditions as its virtual machine has
/// them. Ready follows the instance; `initialization.provisioned` stays once it was true.
api::infrastructure::KubevirtMachine observe(const MachineStatusView& view);

/// Why the virtual machine will never run again, or "".
std::string terminal_reason(const api::kubevirt::VirtualMachine& vm,
                            const api::kubevirt::VirtualMachineInstance& vmi);

/// Says that the machine waits: condition VMProvisioned False with `reason`.
api::infrastructure::KubevirtMachine waiting(api::infrastructure::KubevirtMachine machine,
                                             const std::string& reason, const std::string& message,
                                             const std::string& now);

}  // namespace nestor::infrastructure
