#include "base/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace nestor {

namespace {

__extension__ typedef unsigned __int128 Wide;

/// A suffix as 2^binary * 10^decimal.
struct Scale {
  int binary = 0;
  int decimal = 0;
};

std::optional<Scale> parse_suffix(std::string_view suffix) {
  if (suffix.empty()) return Scale{};
  if (suffix.size() == 2 && suffix[1] == 'i') {
    const std::size_t power = std::string_view("KMGTPE").find(suffix[0]);
    if (power == std::string_view::npos) return std::nullopt;
    return Scale{static_cast<int>(power + 1) * 10, 0};
  }
  if (suffix.size() == 1) {
    const std::size_t power = std::string_view("num.kMGTPE").find(suffix[0]);
    if (power == std::string_view::npos || suffix[0] == '.') return std::nullopt;
    return Scale{0, (static_cast<int>(power) - 3) * 3};
  }
  if (suffix[0] != 'e' && suffix[0] != 'E') return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix.starts_with('+')) suffix.remove_prefix(1);
  int exponent = 0;
  const char* end = suffix.data() + suffix.size();
  const auto [stop, error] = std::from_chars(suffix.data(), end, exponent);
  if (error != std::errc() || stop != end) return std::nullopt;
  return Scale{0, exponent};
}

std::unexpected<Error> invalid(std::string_view text) {
  return fail(Code::kInvalidArgument, "not a quantity: \"" + std::string(text) + "\"");
}

std::unexpected<Error> too_large(std::string_view text) {
  return fail(Code::kOutOfRange, "quantity out of range: \"" + std::string(text) + "\"");
}

/// The quantity times 10^decimals, rounded away from zero.
Result<std::int64_t> parse_scaled(std::string_view text, int decimals) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  Wide value = 0;
  std::size_t digits = 0;
  bool point = false;
  int exponent = decimals;
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      const Wide digit = static_cast<unsigned>(c - '0');
      if (__builtin_mul_overflow(value, Wide{10}, &value) ||
          __builtin_add_overflow(value, digit, &value)) {
        return too_large(text);
      }
      ++digits;
      if (point) --exponent;
    } else {
      break;
    }
    rest.remove_prefix(1);
  }
  const std::optional<Scale> scale = parse_suffix(rest);
  if (digits == 0 || !scale) return invalid(text);
  // so small or large an exponent decides the outcome alone, and the sum stays an int
  exponent += std::clamp(scale->decimal, -100'000, 100'000);
  if (__builtin_mul_overflow(value, Wide{1} << scale->binary, &value)) return too_large(text);
  for (; exponent > 0 && value != 0; --exponent) {
    if (__builtin_mul_overflow(value, Wide{10}, &value)) return too_large(text);
  }
  bool remainder = false;
  for (; exponent < 0 && value != 0; ++exponent) {
    remainder = remainder || value % 10 != 0;
    value /= 10;
  }
  if (remainder) ++value;
  if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return too_large(text);
  const auto number = static_cast<std::int64_t>(value);
  return negative ? -number : number;
}

}  // namespace

Result<std::int64_t> parse_quantity_milli(std::string_view text) { return parse_scaled(text, 3); }

Result<std::int64_t> parse_quantity(std::string_view text) { return parse_scaled(text, 0); }

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<const char*, 7> kSuffixes = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t power = 0;
  while (bytes != 0 && bytes % 1024 == 0 && power + 1 < kSuffixes.size()) {
    bytes /= 1024;
    ++power;
  }
  return std::to_string(bytes) + kSuffixes[power];
}

std::string format_milli(std::int64_t milli) {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return std::to_string(milli) + "m";
}

}  // namespace nestor
