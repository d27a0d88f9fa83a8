#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

/// The shortest exact form with a binary suffix: 4294967296 is "4Gi", 1000 is "1000".
std::string format_bytes(std::int64_t bytes);
/// 500 is "500m", 2000 is "2".
std::string format_milli(std::int64_t milli);

}  // namespace nestor
