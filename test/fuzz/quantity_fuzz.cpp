#include "base/quantity.hpp"
#include "fuzz.hpp"

/// Sizes in API objects: what is written back reads as the same number.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  const auto units = parse_quantity(input);
  const auto milli = parse_quantity_milli(input);
  if (units) FUZZ_CHECK(parse_quantity(format_bytes(*units)) == *units);
  if (milli) {
    FUZZ_CHECK(parse_quantity_milli(format_milli(*milli)) == *milli);
    // thousandths that fit mean units that fit
    FUZZ_CHECK(units.has_value());
    const bool fits = *units < 1'000'000'000'000 && *units > -1'000'000'000'000;
    if (fits && *milli >= 0) FUZZ_CHECK((*milli + 999) / 1000 == *units);
  }
  return 0;
}
