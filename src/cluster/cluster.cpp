#include "cluster/cluster.hpp"

#include "cluster/cluster_controller.hpp"
#include "cluster/machine_controller.hpp"
#include "cluster/machine_deployment_controller.hpp"
#include "cluster/machine_health_check_controller.hpp"
#include "cluster/machine_set_controller.hpp"

namespace nestor::cluster {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions) {
  auto& context = runtime.own<Context>(runtime, sessions);
  runtime.own<ClusterController>(context).add();
  runtime.own<MachineController>(context).add();
  runtime.own<MachineSetController>(context).add();
  runtime.own<MachineDeploymentController>(context).add();
  runtime.own<MachineHealthCheckController>(context).add();
}

}  // namespace nestor::cluster
