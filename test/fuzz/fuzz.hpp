#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What fuzz targets share. A target is one function, `extern "C" int LLVMFuzzerTestOneInput`, that
/// must hold for every input: no crash, and what FUZZ_CHECK says.
namespace nestor::fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Cuts at the first byte `at`; the second part is empty without one.
inline std::pair<std::string_view, std::string_view> split(std::string_view input, char at) {
  const std::size_t place = input.find(at);
  if (place == std::string_view::npos) return {input, {}};
  return {input.substr(0, place), input.substr(place + 1)};
}

}  // namespace nestor::fuzz

/// A property that does not hold ends the run like a crash: the input is kept.
#define FUZZ_CHECK(...)                                                           \
  do {                                                                            \
    if (!(__VA_ARGS__)) {                                                         \
      std::fprintf(stderr, "%s:%d: not: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
      std::abort();                                                               \
    }                                                                             \
  } while (false)
