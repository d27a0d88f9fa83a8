#pragma once

#include <chrono>
#include <optional>

namespace nestor::autoscale {

/// When thinking has to end, in real time: what a tenant makes may take any time to look at.
class Deadline {
 public:
  /// Never passes.
  Deadline() = default;
  explicit Deadline(std::chrono::steady_clock::duration time)
      : at_(std::chrono::steady_clock::now() + time) {}
  bool passed() const { return at_ && std::chrono::steady_clock::now() >= *at_; }

 private:
  std::optional<std::chrono::steady_clock::time_point> at_;
};

}  // namespace nestor::autoscale
