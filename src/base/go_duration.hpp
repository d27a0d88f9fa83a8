#pragma once

#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

/// Lengths of time as programs and objects of Kubernetes' world write them: "10m", "1h30m", "1.5s",
/// "500ms", "0". Source: https://pkg.go.dev/time#ParseDuration
namespace nestor {

/// Rounded to milliseconds, at most what Go can hold (292 years). Never negative: where we read one
/// it is how long something may take. Errors: kInvalidArgument.
Result<Duration> parse_go_duration(std::string_view text);

}  // namespace nestor
