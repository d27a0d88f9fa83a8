#pragma once

#include <cstdint>
#include <random>

#include "base/clock.hpp"

namespace nestor::kube {

/// Delays between tries: doubled from `first` to `max`, each shortened by up to half at random, so
/// that many clients do not come back at the same moment.
class Backoff {
 public:
  Backoff(Duration first, Duration max, std::uint32_t seed = std::random_device{}())
      : first_(first), max_(max), random_(seed) {}

  Duration next();
  void reset() { current_ = Duration::zero(); }

 private:
  Duration first_;
  Duration max_;
  Duration current_ = Duration::zero();
  std::minstd_rand random_;
};

}  // namespace nestor::kube
