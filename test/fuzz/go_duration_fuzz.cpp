#include "base/go_duration.hpp"
#include "fuzz.hpp"

/// Lengths of time from flags, annotations and add-ons.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string text(fuzz::text(data, size));
  const auto duration = parse_go_duration(text);
  if (!duration) return 0;
  FUZZ_CHECK(duration->count() >= 0);
  FUZZ_CHECK(*duration < std::chrono::hours(24 * 366 * 300));
  FUZZ_CHECK(parse_go_duration(std::to_string(duration->count()) + "ms") == *duration);
  if (text != "0") FUZZ_CHECK(parse_go_duration(text + "0s") == *duration);
  return 0;
}
