#include "cloud/cloud.hpp"

#include "cloud/load_balancer_controller.hpp"
#include "cloud/machines.hpp"
#include "cloud/node_controller.hpp"
#include "cloud/pool_controller.hpp"

namespace nestor::cloud {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  auto& machines = runtime.own<Machines>(runtime);
  runtime.own<NodeController>(runtime, sessions, machines, options.zones).add();
  runtime.own<LoadBalancerController>(runtime, sessions, machines, options).add();
}

void add_address_pool(kube::Runtime& runtime, AddressPool pool) {
  runtime.own<PoolController>(runtime, pool).add();
}

}  // namespace nestor::cloud
