#include "net/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <list>
#include <semaphore>
#include <thread>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "net/connection_impl.hpp"

namespace nestor::net {
namespace {

using Addresses = std::vector<asio::ip::address>;

/// "slow…" ends when the test lets it, "bad" not at all.
struct ResolverTest : ::testing::Test {
  Resolver::Found look_up(const std::string& host) {
    ++lookups;
    if (host.starts_with("slow")) {
      begun.release();
      go_on.acquire();
    }
    if (host == "bad") return {.error = asio::error::host_not_found};
    return {.addresses = {asio::ip::make_address("10.0.0.1")}};
  }
  static Task<> ask(Resolver& resolver, std::string host, std::vector<Result<Addresses>>& into,
                    asio::steady_timer& timer) {
    auto found = co_await resolver.resolve(timer, std::move(host));
    into.push_back(std::move(found));
    co_return Result<>{};
  }
  Result<Addresses> ask_now(asio::io_context& io, std::string host) {
    asio::steady_timer timer(io);
    return run_coroutine<Addresses>(io, resolver.resolve(timer, std::move(host)));
  }

  std::atomic<int> lookups = 0;
  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> go_on{0};
  Resolver resolver{[this](const std::string& host) { return look_up(host); }};
};

TEST_F(ResolverTest, ASlowNameIsLookedUpOnceAndHoldsUpNoOther) {
  asio::io_context io;
  TaskGroup tasks(io.get_executor());
  std::vector<Result<Addresses>> slow;
  std::list<asio::steady_timer> timers;
  for (int i = 0; i < 10; ++i) {
    tasks.spawn("ask", ask(resolver, "slow", slow, timers.emplace_back(io)));
  }
  settle(io);
  for (int i = 0; i < 5; ++i) {
    const auto other = ask_now(io, "other");
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->size(), 1U);
  }
  EXPECT_TRUE(slow.empty());
  go_on.release();
  if (io.stopped()) io.restart();
  io.run();
  ASSERT_EQ(slow.size(), 10U);
  for (const auto& found : slow) EXPECT_EQ(found.value().size(), 1U);
  EXPECT_EQ(lookups, 1 + 5);
}

TEST_F(ResolverTest, TellsWhatFailed) {
  asio::io_context io;
  EXPECT_EQ(ask_now(io, "bad").error().code, Code::kUnavailable);
}

TEST_F(ResolverTest, WhoGivesUpLeavesTheLookupBehind) {
  std::vector<Result<Addresses>> slow;
  {
    asio::io_context io;
    asio::steady_timer timer(io);
    TaskGroup tasks(io.get_executor());
    tasks.spawn("ask", ask(resolver, "slow", slow, timer));
    settle(io);
    begun.acquire();
    timer.cancel();
    settle(io);
    ASSERT_EQ(slow.size(), 1U);
    EXPECT_EQ(slow.front().error().code, Code::kCancelled);
  }
  go_on.release();
  // Whoever comes next is answered, by that lookup or by another one.
  go_on.release();
  asio::io_context io;
  EXPECT_TRUE(ask_now(io, "slow"));
}

TEST_F(ResolverTest, WhoIsCancelledWaitsNoLonger) {
  std::vector<Result<Addresses>> slow;
  {
    asio::io_context io;
    asio::steady_timer timer(io);
    TaskGroup tasks(io.get_executor());
    tasks.spawn("ask", ask(resolver, "slow", slow, timer));
    settle(io);
    begun.acquire();
    run_coroutine(io, tasks.close());
    ASSERT_EQ(slow.size(), 1U);
    EXPECT_EQ(slow.front().error().code, Code::kCancelled);
  }
  go_on.release();
}

TEST_F(ResolverTest, ManyThreadsAskAtOnce) {
  std::atomic<int> found = 0;
  const auto loop = [&] {
    asio::io_context io;
    for (int i = 0; i < 100; ++i) {
      if (ask_now(io, "name" + std::to_string(i % 3))) ++found;
    }
  };
  std::thread other(loop);
  loop();
  other.join();
  EXPECT_EQ(found, 200);
}

TEST(Resolve, AsksTheSystemForWhatIsNoAddress) {
  asio::io_context io;
  Connection connection(io.get_executor());
  const auto named = run_coroutine<std::vector<asio::ip::tcp::endpoint>>(
      io, resolve(connection.impl(), "localhost", 80));
  ASSERT_TRUE(named) << named.error().message;
  ASSERT_FALSE(named->empty());
  EXPECT_TRUE(named->front().address().is_loopback());
  EXPECT_EQ(named->front().port(), 80);
}

}  // namespace
}  // namespace nestor::net
