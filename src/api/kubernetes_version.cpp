#include "api/kubernetes_version.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace nestor::api {
namespace {

/// No version has a higher one.
constexpr int kMaxPart = 1'000'000;

void skip_v(std::string_view& text) {
  if (text.starts_with('v')) text.remove_prefix(1);
}

bool skip_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes a run of digits without leading zeros off the front.
bool skip_number(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  return true;
}

bool take_number(std::string_view& text, int& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || out < 0 || out > kMaxPart) return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return true;
}

}  // namespace

std::optional<KubernetesVersion> parse_kubernetes_version(std::string_view text) {
  KubernetesVersion out;
  skip_v(text);
  if (!take_number(text, out.major) || !skip_dot(text) || !take_number(text, out.minor)) {
    return std::nullopt;
  }
  if (skip_dot(text) && !take_number(text, out.patch)) return std::nullopt;
  return out;
}

bool is_kubernetes_version(std::string_view text) {
  skip_v(text);
  if (!skip_number(text) || !skip_dot(text) || !skip_number(text) || !skip_dot(text) ||
      !skip_number(text)) {
    return false;
  }
  return text.empty() || ((text.front() == '-' || text.front() == '+') && text.size() > 1);
}

}  // namespace nestor::api
