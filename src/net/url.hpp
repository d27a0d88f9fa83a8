#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nestor::net {

/// "https://host:port/prefix" in parts.
struct Url {
  /// "http" or "https".
  std::string scheme;
  /// Without the brackets of an IPv6 address.
  std::string host;
  /// 80 or 443 when the text has none.
  std::uint16_t port = 0;
  /// "" or a path that begins with "/" and ends without; with the query, if there is one.
  std::string path;

  bool tls() const { return scheme == "https"; }
};

/// Errors: kInvalidArgument (other schemes, user info, no host, a bad port).
Result<Url> parse_url(std::string_view text);

/// The text of a URL, good or bad, for a message: without user and password.
std::string printable_url(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string authority(std::string_view host, std::uint16_t port);

/// Everything but letters, digits and "-._~" as %XX: for one path segment or one query value.
std::string percent_encode(std::string_view text);
/// Errors: kInvalidArgument. "+" stays "+".
Result<std::string> percent_decode(std::string_view text);

}  // namespace nestor::net
