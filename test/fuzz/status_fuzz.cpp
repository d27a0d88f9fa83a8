#include "fuzz.hpp"
#include "kube/status.hpp"

/// "retry-after\nbody" of an answer that says no: an API server's, or some proxy's page.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [retry, body] = fuzz::split(fuzz::text(data, size), '\n');
  for (const int status : {400, 404, 409, 410, 429, 500, 503}) {
    const Error error = kube::error_from_response(status, body, retry);
    FUZZ_CHECK(!error.message.empty());
    if (error.retry_after) FUZZ_CHECK(error.retry_after->count() >= 0);
  }
  return 0;
}
