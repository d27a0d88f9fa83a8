#include "base/go_duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace nestor {
namespace {

/// In milliseconds. A unit stands before those that it begins with.
constexpr std::array<std::pair<std::string_view, double>, 8> kUnits{{{"ns", 1e-6},
                                                                     {"us", 1e-3},
                                                                     {"µs", 1e-3},
                                                                     {"μs", 1e-3},
                                                                     {"ms", 1},
                                                                     {"s", 1'000},
                                                                     {"m", 60'000},
                                                                     {"h", 3'600'000}}};
constexpr double kLongest = std::numeric_limits<std::int64_t>::max() / 1'000'000;

/// Takes a number and its unit off the front; their product, or nothing.
std::optional<double> take_part(std::string_view& text) {
  // Nor a sign, nor "inf": std::from_chars takes both.
  if (text.find_first_of(".0123456789") != 0) return std::nullopt;
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const auto* unit =
      std::ranges::find_if(kUnits, [&](const auto& one) { return text.starts_with(one.first); });
  if (unit == kUnits.end()) return std::nullopt;
  text.remove_prefix(unit->first.size());
  return number * unit->second;
}

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  double sum = 0;
  std::string_view rest = text;
  do {
    const auto part = take_part(rest);
    if (!part || !(sum + *part <= kLongest)) {
      return fail(Code::kInvalidArgument,
                  "\"" + std::string(text) + "\" is not a duration such as 1h30m");
    }
    sum += *part;
  } while (!rest.empty());
  return Duration(static_cast<std::int64_t>(std::llround(sum)));
}

}  // namespace nestor
