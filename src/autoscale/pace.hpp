#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.hpp"

namespace nestor::autoscale {

/// When to decide: soon after something urgent, so that pods made together are seen together; not
/// more often than now and then for what can wait; and never so often that one tenant, whatever it
/// makes, takes more than its share of the time. Pure.
class Pace {
 public:
  static constexpr Duration kBatch = std::chrono::milliseconds(300);
  static constexpr Duration kRelaxed = std::chrono::seconds(10);

  /// For one part of deciding, so many parts of leaving it alone.
  static constexpr int kRest = 9;

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
    if (out) out = std::max(*out, not_before_);
    return out;
  }
  /// A decision begins: what is asked for from now on asks for another one.
  void decided(SteadyTime now) {
    decided_ = now;
    urgent_.reset();
    relaxed_.reset();
    wake_.reset();
  }
  /// It was made, and took so long.
  void took(SteadyTime now, std::chrono::steady_clock::duration time) {
    not_before_ = now + time * kRest;
  }

 private:
  std::optional<SteadyTime> urgent_;
  std::optional<SteadyTime> relaxed_;
  std::optional<SteadyTime> wake_;
  SteadyTime decided_{};
  SteadyTime not_before_{};
};

}  // namespace nestor::autoscale
