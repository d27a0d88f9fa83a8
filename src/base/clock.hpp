#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/async.hpp"

namespace nestor {

using Duration = std::chrono::milliseconds;
using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

/// How long it still is until `when`, rounded up; none when it has passed. Both of one clock.
template <class Time>
Duration time_until(Time when, Time now) {
  return when > now ? std::chrono::ceil<Duration>(when - now) : Duration::zero();
}
/// Keeps the shorter of both in `least`; nothing is longer than all.
inline void keep_least(std::optional<Duration>& least, std::optional<Duration> other) {
  if (other && (!least || *other < *least)) least = other;
}

/// Time for whatever decides by it, so that tests can hold it (testing/manual_clock.hpp). Timeouts
/// of connections (net) and of the node's processes (cli/node) are measured by steady_clock itself.
/// Thread: the event loop's.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Calendar time, for timestamps in objects.
  virtual WallTime now() const = 0;
  /// Monotonic time, for deadlines and delays.
  virtual SteadyTime steady_now() const = 0;
  /// Errors: kCancelled when the calling coroutine is cancelled.
  virtual Task<> sleep_until(SteadyTime when) = 0;
  Task<> sleep_for(Duration delay) { return sleep_until(steady_now() + delay); }
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(Executor executor) : executor_(std::move(executor)) {}
  WallTime now() const override;
  SteadyTime steady_now() const override;
  Task<> sleep_until(SteadyTime when) override;

 private:
  Executor executor_;
};

/// RFC 3339 in UTC with seconds, as Kubernetes writes `metav1.Time`: "2026-01-02T03:04:05Z".
std::string format_rfc3339(WallTime time);
/// Reads metav1.Time and MicroTime, held within the years 1800 to 2200. Errors: kInvalidArgument.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace nestor
