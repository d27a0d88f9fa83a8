#include "cloud/address_pool.hpp"

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <memory>
#include <tuple>

#include "cloud/cloud.hpp"
#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using boost::asio::ip::address_v4;
using boost::asio::ip::make_address_v4;

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  boost::system::error_code error;
  const address_v4 address = make_address_v4(std::string(text), error);
  if (error) return std::nullopt;
  return address.to_uint();
}

/// Older first; names break ties, so that everybody decides alike.
bool before(const Service& a, const Service& b) {
  return std::tie(a.metadata.creationTimestamp, a.metadata.namespace_, a.metadata.name) <
         std::tie(b.metadata.creationTimestamp, b.metadata.namespace_, b.metadata.name);
}

struct Taken {
  std::set<std::string> all;
  /// Those that the pool gave to one with the better claim. Not externalIPs: anybody can write a
  /// foreign address there, however old the Service is, and would take it away.
  std::set<std::string> by_older;
};

Taken taken_by_others(const AddressPool& pool, const Service& service,
                      const std::vector<std::shared_ptr<const Service>>& all) {
  Taken out;
  for (const auto& other : all) {
    if (other->metadata.key() == service.metadata.key()) continue;
    out.all.insert(other->spec.externalIPs.begin(), other->spec.externalIPs.end());
    const std::string held = held_address(*other, pool);
    if (held.empty()) continue;
    out.all.insert(held);
    if (before(*other, service)) out.by_older.insert(held);
  }
  return out;
}

/// Whether what is left of the pool is not for `service`.
bool kept_from(const AddressPool& pool, const Service& service, const Taken& taken) {
  if (service.metadata.label(kTenantServiceNameLabel).empty()) return false;
  const auto in_pool = std::ranges::count_if(
      taken.all, [&](const std::string& address) { return pool.contains(address); });
  return static_cast<std::uint64_t>(in_pool) + pool.kept() >= pool.size();
}

Decision unavailable(const AddressPool& pool, const std::string& wanted) {
  const bool taken = pool.contains(wanted);
  return {.kind = Decision::Kind::kWait,
          .reason = taken ? "AddressTaken" : "AddressNotInPool",
          .message = "the address " + wanted +
                     (taken ? " is taken" : " is not one of the load-balancer pool")};
}

}  // namespace

Result<AddressPool> AddressPool::parse(std::string_view range) {
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) {
    return fail(Code::kInvalidArgument,
                "not FIRST-LAST of IPv4 addresses: \"" + std::string(range) + "\"");
  }
  const std::string_view first = range.substr(0, dash);
  const std::string_view last = range.substr(dash + 1);
  const auto from = parse_ipv4(first);
  const auto to = parse_ipv4(last);
  if (!from || !to || *from > *to) {
    return fail(Code::kInvalidArgument, "not a range of IPv4 addresses: " + std::string(first) +
                                            " to " + std::string(last));
  }
  return AddressPool(*from, *to);
}

bool AddressPool::contains(std::string_view address) const {
  const auto number = parse_ipv4(address);
  return number && *number >= first_ && *number <= last_;
}

std::optional<std::string> AddressPool::lowest_free(const std::set<std::string>& taken) const {
  // 64 bits, so that a range up to 255.255.255.255 ends
  for (std::uint64_t number = first_; number <= last_; ++number) {
    std::string address = address_v4(static_cast<std::uint32_t>(number)).to_string();
    if (!taken.contains(address)) return address;
  }
  return std::nullopt;
}

bool wants_address(const Service& service) {
  const std::string& wanted_class = service.spec.loadBalancerClass;
  return service.spec.type == "LoadBalancer" && !service.metadata.deleting() &&
         (wanted_class.empty() || wanted_class == kPoolClass);
}

std::string held_address(const Service& service, const AddressPool& pool) {
  for (const auto& ingress : service.status.loadBalancer.ingress) {
    if (pool.contains(ingress.ip)) return ingress.ip;
  }
  return "";
}

std::string wanted_address(const Service& service) {
  const std::string_view noted = service.metadata.annotation(kAddressAnnotation);
  return noted.empty() ? service.spec.loadBalancerIP : std::string(noted);
}

Decision decide(const AddressPool& pool, const Service& service,
                const std::vector<std::shared_ptr<const Service>>& all) {
  const std::string held = held_address(service, pool);
  if (!wants_address(service)) {
    const bool other_class = service.spec.type == "LoadBalancer" && !service.metadata.deleting();
    // what another controller wrote is its own
    if (held.empty() || other_class) return {};
    return {Decision::Kind::kRelease};
  }
  // Without an address of ours but with another's: leave it.
  if (held.empty() && !service.status.loadBalancer.ingress.empty()) return {};

  const Taken taken = taken_by_others(pool, service, all);
  const std::string wanted = wanted_address(service);
  if (held.empty() && pool.kept() > 0 && kept_from(pool, service, taken)) {
    return {.kind = Decision::Kind::kWait,
            .reason = "NoAddressLeft",
            .message = "all " + std::to_string(pool.size() - pool.kept()) +
                       " addresses of the load-balancer pool that clusters' Services may have are "
                       "taken"};
  }
  const bool available = pool.contains(wanted) && !taken.all.contains(wanted);
  const bool may_keep = !held.empty() && !taken.by_older.contains(held);
  if (may_keep && (wanted.empty() || wanted == held || !available)) return {};
  if (!wanted.empty()) {
    if (available) return {Decision::Kind::kAssign, wanted};
    return unavailable(pool, wanted);
  }
  if (const auto address = pool.lowest_free(taken.all)) {
    return {Decision::Kind::kAssign, *address};
  }
  return {.kind = Decision::Kind::kWait,
          .reason = "NoAddressLeft",
          .message = "all " + std::to_string(pool.size()) +
                     " addresses of the load-balancer pool are taken"};
}

}  // namespace nestor::cloud
