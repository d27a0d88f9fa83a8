#include "base/clock.hpp"
#include "fuzz.hpp"

/// metav1.Time in objects of others.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto time = parse_rfc3339(fuzz::text(data, size));
  if (!time) return 0;
  const auto again = parse_rfc3339(format_rfc3339(*time));
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(*again <= *time && *time - *again < std::chrono::seconds(1));
  return 0;
}
