#include "cloud/cloud.hpp"

#include "base/log.hpp"
#include "cloud/address_pool.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using ServicePtr = std::shared_ptr<const Service>;

constexpr std::string_view kComponent = "cloud.address-pool";
/// For the cache to show a write of ours; the next decision builds on it.
constexpr Duration kCacheTimeout = std::chrono::seconds(10);

class PoolController {
 public:
  PoolController(kube::Runtime& runtime, AddressPool pool)
      : runtime_(runtime), pool_(pool), services_(runtime.informers().of<Service>()) {}

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key) {
    const ServicePtr service = services_.get(key);
    if (!service) co_return kube::ReconcileResult{};
    const Decision decision = decide(pool_, *service, services_.list());
    switch (decision.kind) {
      case Decision::Kind::kKeep:
        break;
      case Decision::Kind::kExhausted:
        runtime_.events().warning(*service, "NoAddressLeft",
                                  "all " + std::to_string(pool_.size()) +
                                      " addresses of the load-balancer pool are taken");
        break;
      case Decision::Kind::kRelease:
        NESTOR_CO_TRY_VOID(co_await write(service, ""));
        break;
      case Decision::Kind::kAssign:
        NESTOR_CO_TRY_VOID(co_await write(service, decision.address));
        runtime_.events().normal(*service, "AddressAssigned",
                                 "assigned " + decision.address + " from the load-balancer pool");
        break;
    }
    co_return kube::ReconcileResult{};
  }

  /// The Services that may go on when `changed` gave up an address: those that wait for one.
  std::vector<kube::ObjectKey> affected(const Service& changed) const {
    std::vector<kube::ObjectKey> out{changed.metadata.key()};
    if (held_address(changed, pool_).empty()) return out;
    for (const ServicePtr& service : services_.list()) {
      if (wants_address(*service) && service->status.loadBalancer.ingress.empty()) {
        out.push_back(service->metadata.key());
      }
    }
    return out;
  }

 private:
  /// Puts `address` ("" for none) in the status and waits until the cache shows it: two Services in
  /// a row must not be given the same one.
  Task<> write(ServicePtr before, std::string address) {
    Service after = *before;
    after.status.loadBalancer.ingress.clear();
    if (!address.empty()) {
      api::core::LoadBalancerIngress ingress;
      ingress.ip = address;
      ingress.ipMode = "VIP";
      after.status.loadBalancer.ingress.push_back(std::move(ingress));
    }
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *before, after));
    log::info(kComponent, "Service {}: {}", before->metadata.key().to_string(),
              address.empty() ? "address released" : address);
    const kube::ObjectKey key = before->metadata.key();
    const auto shown = [this, key, address] {
      const ServicePtr now = services_.get(key);
      return !now || held_address(*now, pool_) == address;
    };
    co_return co_await services_.wait_until(shown, kCacheTimeout);
  }

  kube::Runtime& runtime_;
  AddressPool pool_;
  kube::Informer<Service> services_;
};

}  // namespace

void add_address_pool(kube::Runtime& runtime, PoolOptions options) {
  auto pool = AddressPool::parse(options.first, options.last);
  if (!pool) {
    log::error(kComponent, "{}", pool.error().message);
    return;
  }
  auto& self = runtime.own<PoolController>(runtime, *pool);
  kube::ControllerOptions one_at_a_time;
  one_at_a_time.concurrency = 1;
  auto& controller = runtime.add_controller(
      "address-pool", [&self](kube::ObjectKey key) { return self.reconcile(std::move(key)); },
      one_at_a_time);
  controller.watch_mapped<Service>(
      runtime.informers().of<Service>(),
      [&self](const Service& service) { return self.affected(service); });
}

}  // namespace nestor::cloud
