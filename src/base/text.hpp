#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace nestor {

/// {"a", "b"} is "a,b".
std::string joined(const std::vector<std::string>& parts, std::string_view separator = ",");

/// At most the first `most` by name: "a, b and 3 more".
std::string joined_some(const std::vector<std::string>& parts, std::size_t most);

/// The last line of `text` that says something, without the space after it; "" if none does.
std::string last_line(std::string_view text);

/// With ASCII's capital letters made small.
std::string lower(std::string_view text);

/// Two lower-case hexadecimal digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

/// The decimal number that `text` is from end to end, without '+' or space: "3x" is none, nor is
/// what does not fit into T.
template <std::integral T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace nestor
