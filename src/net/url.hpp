#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nestor::net {

/// "host:port" in parts.
struct HostPort {
  /// Without the brackets of an IPv6 address.
  std::string host;
  std::uint16_t port = 0;
};

/// Errors: kInvalidArgument (no host, no port or a bad one, an IPv6 address without brackets).
Result<HostPort> parse_authority(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string authority(std::string_view host, int port);

/// "https://host:port/prefix" in parts.
struct Url {
  /// "http" or "https".
  std::string scheme;
  /// Without the brackets of an IPv6 address.
  std::string host;
  /// 80 or 443 when the text has none.
  std::uint16_t port = 0;
  /// "" or a path that begins with "/" and ends without.
  std::string path;

  bool tls() const { return scheme == "https"; }
};

/// Errors: kInvalidArgument (other schemes, user info, no host, a bad port, a query or fragment).
Result<Url> parse_url(std::string_view text);

/// The text of a URL, good or bad, for a message: without user and password.
std::string printable_url(std::string_view text);

/// Everything but letters, digits and "-._~" as %XX: for one path segment or one query value.
std::string percent_encode(std::string_view text);
/// Errors: kInvalidArgument. "+" stays "+".
Result<std::string> percent_decode(std::string_view text);

}  // namespace nestor::net
