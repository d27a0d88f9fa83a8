#include "autoscale/simulation/resources.hpp"

#include <algorithm>
#include <limits>

#include "base/quantity.hpp"

namespace nestor::autoscale {
namespace {

constexpr std::array<std::string_view, Resources::kKinds> kNames{"cpu", "memory",
                                                                 "ephemeral-storage", "pods"};

/// Requests are a tenant's words: sums must not overflow.
std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (!__builtin_add_overflow(a, b, &out)) return out;
  return b > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

std::int64_t difference(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (!__builtin_sub_overflow(a, b, &out)) return out;
  return b < 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

std::string_view Resources::name_of(Kind kind) { return kNames[kind]; }

std::int64_t Resources::get(std::string_view name) const {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kNames[i] == name) return basic_[i];
  }
  const auto found = std::ranges::lower_bound(
      extended_, name, {}, [](const auto& one) { return std::string_view(one.first); });
  return found != extended_.end() && found->first == name ? found->second : 0;
}

void Resources::set(std::string_view name, std::int64_t amount) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kNames[i] != name) continue;
    basic_[i] = amount;
    return;
  }
  const auto found = std::ranges::lower_bound(
      extended_, name, {}, [](const auto& one) { return std::string_view(one.first); });
  if (found != extended_.end() && found->first == name) {
    found->second = amount;
  } else {
    extended_.insert(found, {std::string(name), amount});
  }
}

Resources& Resources::operator+=(const Resources& other) {
  for (std::size_t i = 0; i < kKinds; ++i) basic_[i] = sum(basic_[i], other.basic_[i]);
  for (const auto& [name, amount] : other.extended_) set(name, sum(get(name), amount));
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  for (std::size_t i = 0; i < kKinds; ++i) basic_[i] = difference(basic_[i], other.basic_[i]);
  for (const auto& [name, amount] : other.extended_) set(name, difference(get(name), amount));
  return *this;
}

void Resources::raise_to(const Resources& other) {
  for (std::size_t i = 0; i < kKinds; ++i) basic_[i] = std::max(basic_[i], other.basic_[i]);
  for (const auto& [name, amount] : other.extended_) set(name, std::max(get(name), amount));
}

bool Resources::fits(const Resources& request, const Resources& used, std::string* lacking) const {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (request.basic_[i] == 0 || request.basic_[i] <= difference(basic_[i], used.basic_[i]))
      continue;
    if (lacking != nullptr) *lacking = kNames[i];
    return false;
  }
  for (const auto& [name, amount] : request.extended_) {
    if (amount == 0 || amount <= difference(get(name), used.get(name))) continue;
    if (lacking != nullptr) *lacking = name;
    return false;
  }
  return true;
}

Result<Resources> parse_resources(const std::map<std::string, std::string>& quantities) {
  Resources out;
  for (const auto& [name, text] : quantities) {
    auto amount = name == "cpu" ? parse_quantity_milli(text) : parse_quantity(text);
    if (!amount) return with_context(std::move(amount).error(), name);
    out.set(name, *amount);
  }
  return out;
}

}  // namespace nestor::autoscale
