#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

/// Kubernetes quantities: "4Gi", "500m", "2", "1.5", "1e3".
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
namespace nestor {

/// In thousandths (CPU: millicores), rounded up: "500m" is 500, "2" is 2000.
/// Errors: kInvalidArgument; kOutOfRange beyond 63 bits.
Result<std::int64_t> parse_quantity_milli(std::string_view text);

/// In units (memory and disks: bytes), rounded up: "4Gi" is 4294967296, "100m" is 1.
/// Errors: kInvalidArgument; kOutOfRange beyond 63 bits.
Result<std::int64_t> parse_quantity(std::string_view text);

/// A quantity as it stands in an object: text, as it was written. On the wire it may also be a
/// plain number (`cpu: 2`), which is read as its text; it is always written as text. Whether it is
/// a quantity shows when it is parsed: an object with a wrong one can still be read.
struct Quantity {
  std::string text;

  Quantity() = default;
  // Implicit: where a quantity is wanted, its text is one.
  Quantity(std::string value) : text(std::move(value)) {}
  Quantity(const char* value) : text(value) {}
  operator std::string_view() const { return text; }
  bool empty() const { return text.empty(); }
  friend bool operator==(const Quantity&, const Quantity&) = default;
};

/// The shortest exact form with a binary suffix: 4294967296 is "4Gi", 1000 is "1000".
std::string format_bytes(std::int64_t bytes);
/// 500 is "500m", 2000 is "2".
std::string format_milli(std::int64_t milli);

}  // namespace nestor
