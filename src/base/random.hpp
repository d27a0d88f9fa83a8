#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nestor {

/// Randomness for names, keys and decisions, so that tests can fix it (testing/seeded_random.hpp).
/// What only spreads load over time (in kube: back-off, the length of watches) needs none as good.
class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` with random bytes.
  virtual void fill(std::span<unsigned char> out) = 0;

  /// `count` raw bytes.
  std::string bytes(std::size_t count);
  /// `count` random bytes as lower-case hexadecimal digits, so twice as many characters.
  std::string hex(std::size_t count);
  /// `length` characters of `alphabet` (at most 256), each equally likely.
  std::string text(std::size_t length, std::string_view alphabet);
  /// The end of a generated object name, in Kubernetes' alphabet without vowels.
  std::string name_suffix(std::size_t length = 5);
  /// Evenly in [0, 1), for jitter.
  double uniform();
};

/// The kernel's generator, fit for keys and tokens.
class SystemRandom final : public Random {
 public:
  void fill(std::span<unsigned char> out) override;
};

}  // namespace nestor
