#pragma once

#include <string>
#include <string_view>

#include "net/http.hpp"

/// Inner part of net/http.hpp: heads of messages as text.
namespace nestor::net {

bool same_header(std::string_view a, std::string_view b);

/// The head of a request. Errors: kInvalidArgument when a method, target or header holds a line
/// end or another character that would change the message.
Result<std::string> request_head(const HttpRequest& request, std::string_view host);

/// The head of a response with Content-Length. Header values with line ends are left out.
std::string response_head(const HttpResponse& response, bool keep_alive);

/// Whether repeating the method has the effect of doing it once (RFC 9110, 9.2.2).
bool is_idempotent(std::string_view method);

}  // namespace nestor::net
