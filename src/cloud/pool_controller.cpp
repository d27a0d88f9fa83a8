#include "cloud/pool_controller.hpp"

#include "base/log.hpp"
#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;

constexpr std::string_view kPoolComponent = "cloud.address-pool";
constexpr const char* kByAddress = "pool.address";
constexpr const char* kWaiting = "pool.waiting";
/// For the cache to show a write of ours; the next decision builds on it.
constexpr Duration kCacheTimeout = std::chrono::seconds(10);

}  // namespace

PoolController::PoolController(kube::Runtime& runtime, AddressPool pool)
    : runtime_(runtime), pool_(pool), services_(runtime.informers().of<Service>()) {
  services_.add_index(kByAddress, [pool](const Service& service) {
    std::vector<std::string> keys = service.spec.externalIPs;
    keys.push_back(held_address(service, pool));
    return keys;
  });
  services_.add_index(kWaiting, [](const Service& service) {
    const bool waits = wants_address(service) && service.status.loadBalancer.ingress.empty();
    return waits ? std::vector<std::string>{""} : std::vector<std::string>{};
  });
}

void PoolController::add() {
  // One at a time: each decision must see the one before.
  auto& controller = runtime_.add_controller(
      "address-pool", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 1});
  controller.watch_mapped<Service>(services_,
                                   [this](const Service& service) { return affected(service); });
}

Task<kube::ReconcileResult> PoolController::reconcile(kube::ObjectKey key) {
  const ServicePtr service = services_.get(key);
  if (!service) co_return kube::ReconcileResult{};
  const std::string held = held_address(*service, pool_);
  if (held.empty() && !wants_address(*service)) co_return kube::ReconcileResult{};
  // Whether one that has what it wants may keep it is up to those who show the same address; what
  // it gets instead is up to all.
  const std::string wanted = wanted_address(*service);
  const bool settled = !held.empty() && (wanted.empty() || wanted == held);
  if (settled &&
      decide(pool_, *service, services_.by_index(kByAddress, held)).kind == Decision::Kind::kKeep) {
    co_return kube::ReconcileResult{};
  }
  const Decision decision = decide(pool_, *service, services_.list());
  switch (decision.kind) {
    case Decision::Kind::kKeep:
      break;
    case Decision::Kind::kWait:
      NESTOR_CO_TRY_VOID(co_await tell_waiting(service, decision));
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

std::vector<kube::ObjectKey> PoolController::affected(const Service& changed) const {
  std::vector<kube::ObjectKey> out{changed.metadata.key()};
  if (held_address(changed, pool_).empty() && changed.spec.externalIPs.empty()) return out;
  for (const ServicePtr& service : services_.by_index(kWaiting, "")) {
    out.push_back(service->metadata.key());
  }
  return out;
}

/// Puts `address` ("" for none) in the status and waits until the cache shows it: two Services in
/// a row must not be given the same one.
Task<> PoolController::write(ServicePtr before, std::string address) {
  Service after = *before;
  after.status.loadBalancer.ingress.clear();
  auto& conditions = after.status.conditions;
  if (address.empty()) {
    std::erase_if(conditions, [](const auto& one) { return one.type == kBalancerReady; });
  } else {
    api::core::LoadBalancerIngress ingress;
    ingress.ip = address;
    ingress.ipMode = "VIP";
    after.status.loadBalancer.ingress.push_back(std::move(ingress));
    kube::set_condition(conditions, kube::make_condition(kBalancerReady, true, "AddressAssigned"),
                        format_rfc3339(runtime_.clock().now()));
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *before, after));
  log::info(kPoolComponent, "Service {}: {}", before->metadata.key().to_string(),
            address.empty() ? "address released" : address);
  const kube::ObjectKey key = before->metadata.key();
  const auto shown = [this, key, address] {
    const ServicePtr now = services_.get(key);
    return !now || held_address(*now, pool_) == address;
  };
  co_return co_await services_.wait_until(shown, kCacheTimeout);
}

Task<> PoolController::tell_waiting(ServicePtr before, Decision decision) {
  Service after = *before;
  const bool news = kube::set_condition(
      after.status.conditions,
      kube::make_condition(kBalancerReady, false, decision.reason, decision.message),
      format_rfc3339(runtime_.clock().now()));
  if (!news) co_return Result<>{};
  runtime_.events().warning(*before, decision.reason, decision.message);
  co_return co_await kube::patch_changes(runtime_.client(), *before, after);
}

}  // namespace nestor::cloud
