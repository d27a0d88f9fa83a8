#include "base/task_group.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "base/clock.hpp"
#include "base/testing/co_test.hpp"

namespace nestor {
namespace {

Task<> wait_forever(Clock& clock, std::shared_ptr<int> alive) {
  ++*alive;
  const auto slept = co_await clock.sleep_for(std::chrono::hours(1));
  --*alive;
  co_return slept;
}

Task<> ignore_cancellation_once(Clock& clock, int& rounds) {
  while (true) {
    // A loop that overlooks the error must still end: its next co_await throws.
    (void)co_await clock.sleep_for(std::chrono::hours(1));
    ++rounds;
  }
}

Task<> fail_at_once() { co_return fail(Code::kInternal, "broken"); }

Task<> throw_at_once() {
  throw std::runtime_error("surprise");
  co_return Result<>{};
}

Task<> set(bool& done) {
  done = true;
  co_return Result<>{};
}

TEST(TaskGroup, StartsFromTheLoopNotInsideSpawn) {
  asio::io_context io;
  TaskGroup tasks(io.get_executor());
  bool done = false;
  tasks.spawn("set", set(done));
  EXPECT_FALSE(done);
  EXPECT_EQ(tasks.size(), 1U);
  settle(io);
  EXPECT_TRUE(done);
  EXPECT_EQ(tasks.size(), 0U);
}

TEST(TaskGroup, CloseCancelsAndWaits) {
  asio::io_context io;
  SystemClock clock(io.get_executor());
  TaskGroup tasks(io.get_executor());
  const auto alive = std::make_shared<int>(0);
  for (int i = 0; i < 3; ++i) tasks.spawn("waiter", wait_forever(clock, alive));
  settle(io);
  EXPECT_EQ(*alive, 3);
  run_coroutine(io, tasks.close());
  EXPECT_EQ(*alive, 0);
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_EQ(alive.use_count(), 1);
  run_coroutine(io, tasks.close());
}

TEST(TaskGroup, CloseEndsTasksThatDidNotStartYet) {
  asio::io_context io;
  SystemClock clock(io.get_executor());
  TaskGroup tasks(io.get_executor());
  const auto alive = std::make_shared<int>(0);
  tasks.spawn("waiter", wait_forever(clock, alive));
  run_coroutine(io, tasks.close());
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_EQ(*alive, 0);
}

TEST(TaskGroup, TwoClosersBothWait) {
  asio::io_context io;
  SystemClock clock(io.get_executor());
  TaskGroup tasks(io.get_executor());
  TaskGroup closers(io.get_executor());
  const auto alive = std::make_shared<int>(0);
  tasks.spawn("waiter", wait_forever(clock, alive));
  settle(io);
  closers.spawn("closer", as_task(tasks.close()));
  closers.spawn("closer", as_task(tasks.close()));
  settle(io);
  EXPECT_EQ(closers.size(), 0U);
  EXPECT_EQ(tasks.size(), 0U);
}

TEST(TaskGroup, AClosingGroupDropsNewTasks) {
  asio::io_context io;
  TaskGroup tasks(io.get_executor());
  run_coroutine(io, tasks.close());
  bool done = false;
  tasks.spawn("late", set(done));
  settle(io);
  EXPECT_FALSE(done);
}

TEST(TaskGroup, ALoopThatOverlooksCancellationEndsAnyway) {
  asio::io_context io;
  SystemClock clock(io.get_executor());
  TaskGroup tasks(io.get_executor());
  int rounds = 0;
  tasks.spawn("loop", ignore_cancellation_once(clock, rounds));
  settle(io);
  run_coroutine(io, tasks.close());
  EXPECT_EQ(rounds, 1);
}

TEST(TaskGroup, LogsAFailingTaskByName) {
  asio::io_context io;
  TaskGroup tasks(io.get_executor());
  testing::internal::CaptureStderr();
  tasks.spawn("informer pods", fail_at_once());
  settle(io);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("ERROR base.task_group task informer pods failed: broken (INTERNAL)"),
            std::string::npos)
      << log;
}

TEST(TaskGroupDeathTest, AbortsOnAThrowingTask) {
  EXPECT_DEATH(
      {
        asio::io_context io;
        TaskGroup tasks(io.get_executor());
        tasks.spawn("thrower", throw_at_once());
        settle(io);
      },
      "task thrower threw: surprise");
}

TEST(TaskGroupDeathTest, AbortsWhenDestroyedWithTasks) {
  EXPECT_DEATH(
      {
        asio::io_context io;
        TaskGroup tasks(io.get_executor());
        bool done = false;
        tasks.spawn("orphan", set(done));
      },
      "destroyed with running tasks: orphan");
}

}  // namespace
}  // namespace nestor
