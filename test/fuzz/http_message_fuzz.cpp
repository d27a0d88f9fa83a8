#include <algorithm>

#include "fuzz.hpp"
#include "net/http_message.hpp"

namespace {

std::size_t lines(std::string_view head) {
  return static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n'));
}

}  // namespace

/// "method\ntarget\nname\nvalue": no part may add a line to a head.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [method, rest] = fuzz::split(fuzz::text(data, size), '\0');
  const auto [target, header] = fuzz::split(rest, '\0');
  const auto [name, value] = fuzz::split(header, '\0');
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  request.headers.emplace_back(name, value);
  const auto head = net::request_head(request, "host");
  // request line, the header, Host, User-Agent, Content-Length, the empty line
  if (head) FUZZ_CHECK(lines(*head) <= 6 && head->ends_with("\r\n\r\n"));
  net::HttpResponse response;
  response.status = size % 700;
  response.headers.emplace_back(name, value);
  const std::string answer = net::response_head(response, true);
  FUZZ_CHECK(lines(answer) <= 4 && answer.ends_with("\r\n\r\n"));
  return 0;
}
