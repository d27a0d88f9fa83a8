#include "cli/node/proxy.hpp"
#include "fuzz.hpp"

/// The head of a request to the proxy on loopback, which any local user can send.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto target = node::proxy_target(fuzz::text(data, size));
  if (!target) return 0;
  const auto address = target->address().to_v4();
  FUZZ_CHECK(target->port() != 0);
  FUZZ_CHECK(!address.is_loopback() && !address.is_multicast() && !address.is_unspecified());
  return 0;
}
