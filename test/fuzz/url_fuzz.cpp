#include "fuzz.hpp"
#include "net/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  if (const auto url = net::parse_url(input)) {
    FUZZ_CHECK(!url->host.empty() && url->port != 0);
    const std::string text = url->scheme + "://" + net::authority(url->host, url->port) + url->path;
    const auto again = net::parse_url(text);
    FUZZ_CHECK(again && again->host == url->host && again->port == url->port);
    FUZZ_CHECK(again->path == url->path);
  }
  if (const auto where = net::parse_authority(input)) {
    FUZZ_CHECK(!where->host.empty() && where->port != 0);
    const auto again = net::parse_authority(net::authority(where->host, where->port));
    FUZZ_CHECK(again && again->host == where->host && again->port == where->port);
  }
  FUZZ_CHECK(net::percent_decode(net::percent_encode(input)) == std::string(input));
  (void)net::percent_decode(input);
  return 0;
}
