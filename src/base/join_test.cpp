#include "base/join.hpp"

#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"

namespace nestor {
namespace {

Task<> after(Clock& clock, Duration time, int& ended, Result<> result) {
  const auto slept = co_await clock.sleep_for(time);
  ++ended;
  if (!slept) co_return slept;
  co_return result;
}

Task<> into(Task<> task, Result<>& out) {
  out = co_await std::move(task);
  co_return Result<>{};
}

struct Join : ::testing::Test {
  ~Join() override { run_coroutine(io, group.close()); }
  void start(std::vector<Task<>> tasks) {
    group.spawn("join", into(join_all(std::move(tasks)), result));
    settle(io);
  }
  asio::io_context io;
  ManualClock clock{io.get_executor()};
  int ended = 0;
  Result<> result = fail(Code::kUnknown, "not ended");
  TaskGroup group{io.get_executor()};
};

TEST_F(Join, WaitsForAllAndGivesTheFirstErrorInOrder) {
  using std::chrono::seconds;
  std::vector<Task<>> tasks;
  tasks.push_back(after(clock, seconds(3), ended, fail(Code::kInternal, "first")));
  tasks.push_back(after(clock, seconds(1), ended, fail(Code::kInternal, "second")));
  tasks.push_back(after(clock, seconds(2), ended, {}));
  start(std::move(tasks));
  clock.advance(seconds(2));
  settle(io);
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(result.error().message, "not ended");
  clock.advance(seconds(1));
  settle(io);
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(result.error().message, "first");
}

TEST_F(Join, NothingIsDoneAtOnce) {
  start({});
  EXPECT_TRUE(result.has_value());
}

TEST_F(Join, CancellingTheCallerEndsThemAll) {
  std::vector<Task<>> tasks;
  tasks.push_back(after(clock, std::chrono::hours(1), ended, {}));
  tasks.push_back(after(clock, std::chrono::hours(1), ended, {}));
  start(std::move(tasks));
  run_coroutine(io, group.close());
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace nestor
