#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nestor::api {

/// Gathers what is wrong with an object, so that a person sees all of it at once.
class Faults {
 public:
  /// "spec.version: what"
  void add(std::string_view where, std::string_view what);
  /// Adds the faults inside `result`, if it failed.
  void add(const Result<>& result);
  /// Adds a fault when `value` is empty.
  void require(std::string_view where, std::string_view value);
  /// Errors: kInvalidArgument with all faults, separated by "; ".
  Result<> result() const;

 private:
  std::string text_;
};

/// RFC 1123 label: at most 63 of [a-z0-9-], a letter or digit at both ends.
bool is_dns_label(std::string_view text);
/// RFC 1123 subdomain: labels with dots between, at most 253.
bool is_dns_subdomain(std::string_view text);
/// "10.0.0.0/16", "fd00::/64".
bool is_cidr(const std::string& text);

}  // namespace nestor::api
