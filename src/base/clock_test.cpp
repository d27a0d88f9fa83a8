#include "base/clock.hpp"

#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"

namespace nestor {
namespace {

TEST(TimeUntil, IsRoundedUpAndNeverNegative) {
  const WallTime now{};
  EXPECT_EQ(time_until(now + std::chrono::microseconds(1), now), Duration(1));
  EXPECT_EQ(time_until(now + std::chrono::seconds(1), now), Duration(1000));
  EXPECT_EQ(time_until(now, now), Duration(0));
  EXPECT_EQ(time_until(now, now + std::chrono::hours(1)), Duration(0));
}

TEST(KeepLeast, TakesNothingForTheLongest) {
  std::optional<Duration> least;
  keep_least(least, std::nullopt);
  EXPECT_EQ(least, std::nullopt);
  keep_least(least, Duration(2));
  keep_least(least, Duration(3));
  keep_least(least, std::nullopt);
  EXPECT_EQ(least, Duration(2));
  keep_least(least, Duration(1));
  EXPECT_EQ(least, Duration(1));
}

TEST(Rfc3339, WritesWhatItReads) {
  for (const char* text :
       {"2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_rfc3339(*time), text);
  }
}

TEST(Rfc3339, KnowsFractionsAndOffsets) {
  const auto micro = parse_rfc3339("2026-01-02T03:04:05.123456Z");
  const auto whole = parse_rfc3339("2026-01-02T03:04:05Z");
  ASSERT_TRUE(micro && whole);
  EXPECT_EQ(*micro - *whole, std::chrono::microseconds(123456));
  EXPECT_EQ(format_rfc3339(*micro), "2026-01-02T03:04:05Z");
  EXPECT_EQ(parse_rfc3339("2026-01-02T05:34:05+02:30"), *whole);
  EXPECT_EQ(parse_rfc3339("2026-01-01T23:04:05-04:00"), *whole);
}

TEST(Rfc3339, ReadsTimesThatTheClockCannotHoldAsItsEnds) {
  const auto zero = parse_rfc3339("0001-01-01T00:00:00Z");
  const auto never = parse_rfc3339("9999-12-31T23:59:59.5Z");
  ASSERT_TRUE(zero && never);
  EXPECT_EQ(format_rfc3339(*zero), "1800-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(*never), "2200-01-01T00:00:00Z");
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-01-02", "2026-02-30T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx",
        "2026-13-02T03:04:05Z", "2026-01-02T03:60:05Z", "-026-01-02T03:04:05Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

Task<> sleep_and_note(Clock& clock, Duration delay, std::vector<int>& order, int name) {
  const auto slept = co_await clock.sleep_for(delay);
  if (slept) order.push_back(name);
  co_return slept;
}

TEST(ManualClock, WakesSleepersWhoseTimeHasCome) {
  asio::io_context io;
  ManualClock clock(io.get_executor());
  TaskGroup tasks(io.get_executor());
  std::vector<int> order;
  tasks.spawn("late", sleep_and_note(clock, std::chrono::seconds(20), order, 2));
  tasks.spawn("early", sleep_and_note(clock, std::chrono::seconds(10), order, 1));
  tasks.spawn("never", sleep_and_note(clock, std::chrono::hours(10), order, 3));
  settle(io);
  EXPECT_EQ(clock.sleepers(), 3U);
  EXPECT_EQ(clock.next_wake(), clock.steady_now() + std::chrono::seconds(10));
  clock.advance(std::chrono::milliseconds(9999));
  settle(io);
  EXPECT_TRUE(order.empty());
  clock.advance(std::chrono::seconds(60));
  settle(io);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  run_coroutine(io, tasks.close());
  EXPECT_EQ(clock.sleepers(), 0U);
  EXPECT_EQ(order.size(), 2U);
}

CO_TEST(SystemClock, SleepsAtLeastAsLongAsAsked) {
  SystemClock clock(io.get_executor());
  const SteadyTime before = clock.steady_now();
  NESTOR_CO_TRY_VOID(co_await clock.sleep_for(Duration(3)));
  CO_ASSERT_TRUE(clock.steady_now() - before >= Duration(3));
  co_return Result<>{};
}

}  // namespace
}  // namespace nestor
