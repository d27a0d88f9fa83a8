#pragma once

#include <random>

#include "base/random.hpp"

namespace nestor {

/// The same bytes in every run.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint32_t seed = 1) : engine_(seed) {}
  void fill(std::span<unsigned char> out) override {
    for (unsigned char& byte : out) byte = static_cast<unsigned char>(engine_());
  }

 private:
  std::mt19937 engine_;
};

}  // namespace nestor
