#include "base/blocking.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"

namespace nestor {
namespace {

/// Without locks: whoever is not on the event loop makes a data race of it.
struct Seen {
  int ended = 0;
  std::set<std::thread::id> resumed_on;
};

Task<> use_pool(std::atomic<int>& ran, Seen& seen, int times) {
  for (int i = 0; i < times; ++i) {
    auto work = [&ran, i]() -> Result<int> {
      log::debug("base.test", "job {}", i);
      ++ran;
      if (i % 3 == 2) return fail(Code::kInternal, std::string(100, 'x'));
      return i;
    };
    const Result<int> value = co_await run_blocking(std::move(work));
    seen.resumed_on.insert(std::this_thread::get_id());
    if (value.has_value() == (i % 3 == 2)) co_return fail(Code::kInternal, "another's value");
  }
  ++seen.ended;
  co_return Result<>{};
}

Task<> close_group(TaskGroup& tasks) {
  co_await tasks.close();
  co_return Result<>{};
}

TEST(RunBlocking, ManyCallersGetTheirOwnResultsOnTheirOwnThread) {
  asio::io_context io;
  std::atomic<int> ran = 0;
  Seen seen;
  TaskGroup tasks(io.get_executor());
  for (int i = 0; i < 50; ++i) tasks.spawn("caller", use_pool(ran, seen, 20));
  io.run();
  EXPECT_EQ(ran, 1000);
  EXPECT_EQ(seen.ended, 50);
  EXPECT_EQ(seen.resumed_on, std::set{std::this_thread::get_id()});
}

Task<> use_own_pool(asio::thread_pool& pool, std::thread::id& ran_on) {
  auto work = [&ran_on]() -> Result<> {
    ran_on = std::this_thread::get_id();
    return {};
  };
  co_return co_await run_blocking(std::move(work), pool);
}

TEST(RunBlocking, MayUseAPoolOfTheCallers) {
  asio::io_context io;
  asio::thread_pool pool(1);
  std::thread::id pools;
  std::thread::id ran_on;
  asio::post(pool, [&] { pools = std::this_thread::get_id(); });
  TaskGroup tasks(io.get_executor());
  tasks.spawn("caller", use_own_pool(pool, ran_on));
  io.run();
  pool.join();
  EXPECT_EQ(ran_on, pools);
}

TEST(RunBlocking, ACancelledCallerWaitsForTheWorkThatItBegan) {
  for (int i = 0; i < 50; ++i) {
    asio::io_context io;
    std::atomic<int> ran = 0;
    Seen seen;
    TaskGroup tasks(io.get_executor());
    tasks.spawn("caller", use_pool(ran, seen, 1000));
    io.run_one();
    run_coroutine(io, close_group(tasks));
    const int after = ran;
    io.run();
    EXPECT_EQ(ran, after);
  }
}

TEST(RunBlocking, TwoEventLoopsShareThePool) {
  std::atomic<int> ran = 0;
  const auto loop = [&ran] {
    asio::io_context io;
    Seen seen;
    TaskGroup tasks(io.get_executor());
    for (int i = 0; i < 10; ++i) tasks.spawn("caller", use_pool(ran, seen, 20));
    io.run();
    EXPECT_EQ(seen.ended, 10);
    EXPECT_EQ(seen.resumed_on, std::set{std::this_thread::get_id()});
  };
  std::thread other(loop);
  loop();
  other.join();
  EXPECT_EQ(ran, 400);
}

}  // namespace
}  // namespace nestor
