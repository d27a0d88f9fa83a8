#include "cloud/cloud.hpp"

#include "base/log.hpp"
#include "cloud/address_pool.hpp"
#include "cloud/load_balancer_controller.hpp"
#include "cloud/machines.hpp"
#include "cloud/node_controller.hpp"
#include "cloud/pool_controller.hpp"

namespace nestor::cloud {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  auto& machines = runtime.own<Machines>(runtime);
  runtime.own<NodeController>(runtime, sessions, machines, options.zones).add();
  runtime.own<LoadBalancerController>(runtime, sessions, machines, options.node_ports).add();
}

Result<PoolOptions> parse_pool(std::string_view range) {
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) {
    return fail(Code::kInvalidArgument,
                "not FIRST-LAST of IPv4 addresses: \"" + std::string(range) + "\"");
  }
  PoolOptions out{std::string(range.substr(0, dash)), std::string(range.substr(dash + 1))};
  NESTOR_TRY_VOID(AddressPool::parse(out.first, out.last));
  return out;
}

void add_address_pool(kube::Runtime& runtime, PoolOptions options) {
  auto pool = AddressPool::parse(options.first, options.last);
  if (!pool) {
    log::error("cloud.address-pool", "{}", pool.error().message);
    return;
  }
  runtime.own<PoolController>(runtime, *pool).add();
}

}  // namespace nestor::cloud
