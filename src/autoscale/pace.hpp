#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.hpp"

namespace nestor::autoscale {

/// When to decide: soon after something urgent, so that pods made together are seen together; and
/// not more often than now and then for what can wait. Pure.
class Pace {
 public:
  static constexpr Duration kBatch = std::chrono::milliseconds(300);
  static constexpr Duration kRelaxed = std::chrono::seconds(10);

  /// A pod found no node, or a person changed a group.
  void urgent(SteadyTime now) {
    if (!urgent_) urgent_ = now + kBatch;
  }
  /// Something changed that may make a node idle.
  void relaxed(SteadyTime now) {
    if (!relaxed_) relaxed_ = std::max(now + kBatch, decided_ + kRelaxed);
  }
  /// Decide again at `when` though nothing happens; nothing: not.
  void wake_at(std::optional<SteadyTime> when) { wake_ = when; }

  /// When the next decision is due, if any is.
  std::optional<SteadyTime> due() const {
    std::optional<SteadyTime> out;
    for (const auto& one : {urgent_, relaxed_, wake_}) {
      if (one && (!out || *one < *out)) out = one;
    }
    return out;
  }
  void decided(SteadyTime now) {
    decided_ = now;
    urgent_.reset();
    relaxed_.reset();
    wake_.reset();
  }

 private:
  std::optional<SteadyTime> urgent_;
  std::optional<SteadyTime> relaxed_;
  std::optional<SteadyTime> wake_;
  SteadyTime decided_{};
};

}  // namespace nestor::autoscale
