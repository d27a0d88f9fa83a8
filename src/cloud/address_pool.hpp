#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/service.hpp"
#include "base/result.hpp"

/// Which Service has which address: pure, from the state of all Services alone.
namespace nestor::cloud {

/// A range of IPv4 addresses, both ends included, that reach the cluster's nodes.
class AddressPool {
 public:
  /// Reads "FIRST-LAST". Errors: kInvalidArgument when an end is no IPv4 address or the range is
  /// upside down, in words for who wrote it.
  static Result<AddressPool> parse(std::string_view range);

  bool contains(std::string_view address) const;
  std::uint64_t size() const { return std::uint64_t{last_} - first_ + 1; }

  /// How many addresses are not for tenants' Services, so that a new control plane finds one: an
  /// eighth, rounded down.
  std::uint64_t kept() const { return size() / 8; }

  /// The lowest address that is not in `taken`; nothing when all are.
  std::optional<std::string> lowest_free(const std::set<std::string>& taken) const;

 private:
  AddressPool(std::uint32_t first, std::uint32_t last) : first_(first), last_(last) {}
  std::uint32_t first_;
  std::uint32_t last_;
};

/// Whether the pool serves this Service: type LoadBalancer, our class or none, not being deleted.
bool wants_address(const api::core::Service& service);

/// The address of the pool that the Service's status shows; "" when none.
std::string held_address(const api::core::Service& service, const AddressPool& pool);

/// The address it asks for; "" for any.
std::string wanted_address(const api::core::Service& service);

struct Decision {
  enum class Kind { kKeep, kAssign, kRelease, kWait };
  Kind kind = Kind::kKeep;
  /// Of kAssign.
  std::string address = {};
  /// Of kWait, for people: CamelCase, and a sentence that names no other Service.
  std::string reason = {};
  std::string message = {};
};

/// What to do for `service`, given all Services (itself among them). Of two whose status shows the
/// same address the older keeps it; what is in somebody's spec.externalIPs is given to nobody, but
/// not taken from who has it. What stands for a tenant's Service gets none of the last kept(). One
/// that asks for an address gets that or none: what it asked for is in somebody's DNS.
Decision decide(const AddressPool& pool, const api::core::Service& service,
                const std::vector<std::shared_ptr<const api::core::Service>>& all);

}  // namespace nestor::cloud
