#include "net/url.hpp"

#include "base/text.hpp"

namespace nestor::net {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::unexpected<Error> invalid(std::string why) {
  return fail(Code::kInvalidArgument, std::move(why));
}

/// "host" or "host:port"; the port is `usual` when there is none.
Result<HostPort> read_authority(std::string_view text, std::uint16_t usual) {
  HostPort out{.host = {}, .port = usual};
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return invalid("no closing bracket");
    out.host = text.substr(1, close - 1);
    if (out.host.find(':') == std::string::npos ||
        out.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) {
      return invalid("no IPv6 address in the brackets");
    }
    port = text.substr(close + 1);
  } else {
    out.host = text.substr(0, text.find(':'));
    port = text.substr(out.host.size());
  }
  if (out.host.empty()) return invalid("no host");
  if (port.empty()) return out;
  if (port.front() != ':') return invalid("text after the host");
  port.remove_prefix(1);
  out.port = parse_number<std::uint16_t>(port).value_or(0);
  if (out.port == 0) return invalid("bad port");
  return out;
}

Result<Url> read_url(std::string_view text) {
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return invalid("no scheme");
  url.scheme = text.substr(0, scheme_end);
  if (url.scheme != "http" && url.scheme != "https") return invalid("not http or https");
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::string_view where = rest.substr(0, rest.find_first_of("/?#"));
  if (where.find('@') != std::string_view::npos) return invalid("a user or password");
  // A query would swallow the paths that are added.
  if (rest.find_first_of("?#") != std::string_view::npos) return invalid("a query or fragment");
  NESTOR_TRY(HostPort server, read_authority(where, url.tls() ? 443 : 80));
  url.host = std::move(server.host);
  url.port = server.port;
  std::string_view path = rest.substr(where.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  url.path = path;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return invalid("a blank");
  }
  return url;
}

}  // namespace

Result<HostPort> parse_authority(std::string_view text) {
  auto out = read_authority(text, 0);
  if (out && out->port == 0) out = invalid("no port");
  if (!out) {
    return with_context(std::move(out).error(), "bad address \"" + std::string(text) + "\"");
  }
  return out;
}

std::string authority(std::string_view host, int port) {
  std::string out(host);
  if (host.find(':') != std::string_view::npos) out = "[" + out + "]";
  return out + ":" + std::to_string(port);
}

Result<Url> parse_url(std::string_view text) {
  auto url = read_url(text);
  if (!url) return with_context(std::move(url).error(), "bad URL \"" + printable_url(text) + "\"");
  return url;
}

std::string printable_url(std::string_view text) {
  // The last one: a password that was not escaped may hold any of what ends a host.
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return std::string(text);
  const std::size_t scheme = text.find("://");
  const std::size_t begin = scheme < at ? scheme + 3 : 0;
  return std::string(text.substr(0, begin)) + "***" + std::string(text.substr(at));
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Code::kInvalidArgument, "bad percent-encoding");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace nestor::net
