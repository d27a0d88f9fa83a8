#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"

namespace nestor::tenant {

/// What follows from one probe of a tenant's API server.
struct ProbeStep {
  bool connected = false;
  /// The client's credentials are no longer good: make a new one.
  bool rebuild = false;
  /// Until the next probe.
  Duration wait{};
};

/// Counts probes. Connected after one success, disconnected after five failures in a row or at once
/// when the credentials are refused.
class ProbeTracker {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(10);
  static constexpr Duration kFirstRetry = std::chrono::milliseconds(500);
  static constexpr Duration kLongestRetry = std::chrono::seconds(10);
  /// A tenant that never answered is most likely just starting, and much waits for it.
  static constexpr Duration kLongestFirstRetry = std::chrono::seconds(2);
  static constexpr int kFirstRetries = 60;
  /// A new tenant answers a moment before its administrator may do anything.
  static constexpr Duration kRightsRetry = std::chrono::milliseconds(200);
  static constexpr int kFailuresAllowed = 5;

  ProbeStep next(const Result<>& answer);

 private:
  bool connected_ = false;
  bool ever_connected_ = false;
  int failures_ = 0;
  Duration retry_ = kFirstRetry;
};

}  // namespace nestor::tenant
