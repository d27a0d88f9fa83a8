#pragma once

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <optional>

#include "base/clock.hpp"

namespace nestor {

/// A clock that stands still until a test moves it. Starts at 2026-01-02T03:04:05Z.
/// Thread: the event loop's, or the test's while the loop does not run.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Executor executor) : executor_(std::move(executor)) {}

  WallTime now() const override { return wall_; }
  SteadyTime steady_now() const override { return steady_; }

  Task<> sleep_until(SteadyTime when) override {
    if (when <= steady_) co_return Result<>{};
    Sleeper sleeper(executor_, when);
    const auto place = sleepers_.insert(sleepers_.end(), &sleeper);
    const Leave leave{sleepers_, place};
    co_await sleeper.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!sleeper.due) co_return fail(Code::kCancelled, "cancelled while waiting");
    co_return Result<>{};
  }

  /// Moves both clocks and wakes whoever is due, earliest first. They run when the loop runs.
  void advance(Duration by) {
    wall_ += by;
    steady_ += by;
    std::list<Sleeper*> due;
    for (Sleeper* sleeper : sleepers_) {
      if (sleeper->when <= steady_ && !sleeper->due) due.push_back(sleeper);
    }
    due.sort([](const Sleeper* a, const Sleeper* b) { return a->when < b->when; });
    for (Sleeper* sleeper : due) {
      sleeper->due = true;
      sleeper->timer.cancel();
    }
  }

  /// How many coroutines wait.
  std::size_t sleepers() const { return sleepers_.size(); }

  /// When the earliest of them is due.
  std::optional<SteadyTime> next_wake() const {
    std::optional<SteadyTime> earliest;
    for (const Sleeper* sleeper : sleepers_) {
      if (!earliest || sleeper->when < *earliest) earliest = sleeper->when;
    }
    return earliest;
  }

 private:
  struct Sleeper {
    Sleeper(const Executor& executor, SteadyTime until)
        : when(until), timer(executor, SteadyTime::max()) {}
    SteadyTime when;
    asio::steady_timer timer;
    bool due = false;
  };
  struct Leave {
    std::list<Sleeper*>& list;
    std::list<Sleeper*>::iterator place;
    ~Leave() { list.erase(place); }
  };

  Executor executor_;
  WallTime wall_{std::chrono::sys_days(std::chrono::year_month_day(
                     std::chrono::year(2026), std::chrono::month(1), std::chrono::day(2))) +
                 std::chrono::hours(3) + std::chrono::minutes(4) + std::chrono::seconds(5)};
  SteadyTime steady_{std::chrono::hours(1)};
  std::list<Sleeper*> sleepers_;
};

}  // namespace nestor
