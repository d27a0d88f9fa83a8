#include "infrastructure/infrastructure.hpp"

#include "infrastructure/kubevirt_cluster_controller.hpp"
#include "infrastructure/kubevirt_machine_controller.hpp"
#include "infrastructure/kubevirt_machine_template_controller.hpp"

namespace nestor::infrastructure {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions) {
  runtime.own<KubevirtClusterController>(runtime).add();
  runtime.own<KubevirtMachineController>(runtime, sessions).add();
  runtime.own<KubevirtMachineTemplateController>(runtime).add();
}

}  // namespace nestor::infrastructure
