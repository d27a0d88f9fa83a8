#include "api/infrastructure/kubevirt_machine.hpp"

namespace nestor::api::infrastructure {

void set_defaults(KubevirtMachine& machine) {
  std::string& strategy = machine.spec.virtualMachineBootstrapCheck.checkStrategy;
  if (strategy.empty()) strategy = "ssh";
}

}  // namespace nestor::api::infrastructure
