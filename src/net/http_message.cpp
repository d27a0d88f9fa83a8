#include "net/http_message.hpp"

#include <algorithm>
#include <boost/beast/http/status.hpp>

namespace nestor::net {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_token(std::string_view text) {
  static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

bool is_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

/// Framing is ours: a caller's own would contradict it.
bool is_framing(std::string_view name) {
  return same_header(name, "Content-Length") || same_header(name, "Transfer-Encoding") ||
         same_header(name, "Connection");
}

}  // namespace

bool same_header(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_header(key, name)) return value;
  }
  return {};
}

Result<std::string> request_head(const HttpRequest& request, std::string_view host) {
  if (!is_token(request.method)) return fail(Code::kInvalidArgument, "bad HTTP method");
  if (!is_target(request.target)) return fail(Code::kInvalidArgument, "bad HTTP target");
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  bool has_host = false;
  bool has_agent = false;
  for (const auto& [name, value] : request.headers) {
    // Values may be secrets, so only the name is told.
    if (!is_token(name)) return fail(Code::kInvalidArgument, "bad HTTP header name");
    if (!is_value(value)) return fail(Code::kInvalidArgument, "bad value of HTTP header " + name);
    if (is_framing(name)) continue;
    has_host = has_host || same_header(name, "Host");
    has_agent = has_agent || same_header(name, "User-Agent");
    add_header(head, name, value);
  }
  if (!has_host) add_header(head, "Host", host);
  if (!has_agent) add_header(head, "User-Agent", "nestor/" NESTOR_VERSION);
  const bool wants_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (wants_body || !request.body.empty()) {
    add_header(head, "Content-Length", std::to_string(request.body.size()));
  }
  head += "\r\n";
  return head;
}

std::string response_head(const HttpResponse& response, bool keep_alive) {
  const auto status = static_cast<unsigned>(response.status);
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason.data(), reason.size()).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_value(value) && !is_framing(name)) add_header(head, name, value);
  }
  // RFC 9110, 8.6: these never have a body, nor say its length.
  if (status >= 200 && status != 204) {
    add_header(head, "Content-Length", std::to_string(response.body.size()));
  }
  if (!keep_alive) add_header(head, "Connection", "close");
  head += "\r\n";
  return head;
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

}  // namespace nestor::net
