#include "net/url.hpp"

#include <charconv>

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

std::unexpected<Error> bad_url(std::string_view text, std::string_view why) {
  return fail(Code::kInvalidArgument,
              "bad URL \"" + printable_url(text) + "\": " + std::string(why));
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  const std::size_t scheme_end = rest.find("://");
  if (scheme_end == std::string_view::npos) return bad_url(text, "no scheme");
  url.scheme = rest.substr(0, scheme_end);
  if (url.scheme != "http" && url.scheme != "https") return bad_url(text, "not http or https");
  rest.remove_prefix(scheme_end + 3);
  std::string_view where = rest.substr(0, rest.find_first_of("/?#"));
  std::string_view path = rest.substr(where.size());
  path = path.substr(0, path.find('#'));
  if (where.find('@') != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "a URL with user or password is not supported");
  }
  std::string_view port;
  if (where.starts_with('[')) {
    const std::size_t close = where.find(']');
    if (close == std::string_view::npos) return bad_url(text, "no closing bracket");
    url.host = where.substr(1, close - 1);
    if (url.host.find(':') == std::string::npos ||
        url.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) {
      return bad_url(text, "no IPv6 address in the brackets");
    }
    port = where.substr(close + 1);
  } else {
    url.host = where.substr(0, where.find(':'));
    port = where.substr(url.host.size());
  }
  if (url.host.empty()) return bad_url(text, "no host");
  url.port = url.tls() ? 443 : 80;
  if (!port.empty()) {
    if (port.front() != ':') return bad_url(text, "text after the host");
    port.remove_prefix(1);
    const char* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data(), end, url.port);
    if (error != std::errc() || stop != end || url.port == 0) return bad_url(text, "bad port");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  url.path = path;
  if (url.path.starts_with('?')) url.path.insert(0, "/");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad_url(text, "a blank in it");
  }
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

std::string authority(std::string_view host, std::uint16_t port) {
  std::string out(host);
  if (host.find(':') != std::string_view::npos) out = "[" + out + "]";
  return out + ":" + std::to_string(port);
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
