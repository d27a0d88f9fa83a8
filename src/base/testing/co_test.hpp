#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "base/async.hpp"

namespace nestor {

/// Runs `task` on `io` and everything else that is ready there, until the task ended. After `limit`
/// of real time the test fails (a hang), and the result is kDeadlineExceeded; the coroutine then
/// lives on until `io` is destroyed.
template <class T>
Result<T> run_coroutine(asio::io_context& io, Task<T> task,
                        std::chrono::seconds limit = std::chrono::seconds(60)) {
  struct Outcome {
    std::optional<Result<T>> result;
    std::exception_ptr thrown;
  };
  const auto outcome = std::make_shared<Outcome>();
  asio::co_spawn(io, std::move(task), [outcome](std::exception_ptr thrown, Result<T> result) {
    outcome->thrown = thrown;
    outcome->result.emplace(std::move(result));
  });
  const auto until = std::chrono::steady_clock::now() + limit;
  if (io.stopped()) io.restart();
  while (!outcome->result && io.run_one_until(until) > 0) {
  }
  if (outcome->thrown) std::rethrow_exception(outcome->thrown);
  if (outcome->result) return std::move(*outcome->result);
  const bool stuck = io.stopped();
  ADD_FAILURE() << (stuck ? "the coroutine waits for something that nothing will bring"
                          : "the coroutine did not end in time");
  return fail(Code::kDeadlineExceeded, "test ran too long");
}

/// The same for a coroutine without a Result (TaskGroup::close, HttpServer::stop).
inline asio::awaitable<Result<>> as_task(asio::awaitable<void> task) {
  co_await std::move(task);
  co_return Result<>{};
}
inline void run_coroutine(asio::io_context& io, asio::awaitable<void> task,
                          std::chrono::seconds limit = std::chrono::seconds(60)) {
  (void)run_coroutine<void>(io, as_task(std::move(task)), limit);
}

/// Runs what is ready, without waiting for anything.
inline void settle(asio::io_context& io) {
  if (io.stopped()) io.restart();
  io.poll();
}

}  // namespace nestor

/// `CO_TEST(Suite, Name) { ... co_return nestor::Result<>{}; }`: a coroutine as a test, with the
/// event loop as `io`. An error it returns fails the test.
#define CO_TEST(suite, name)                                                   \
  static nestor::Task<> co_test_##suite##_##name(boost::asio::io_context& io); \
  TEST(suite, name) {                                                          \
    boost::asio::io_context loop;                                              \
    const nestor::Result<> result =                                            \
        nestor::run_coroutine<void>(loop, co_test_##suite##_##name(loop));     \
    if (!result) ADD_FAILURE() << result.error().message;                      \
  }                                                                            \
  static nestor::Task<> co_test_##suite##_##name([[maybe_unused]] boost::asio::io_context& io)

/// Like ASSERT_TRUE, in a CO_TEST.
#define CO_ASSERT_TRUE(...)                                                      \
  if (!(__VA_ARGS__))                                                            \
  co_return nestor::fail(nestor::Code::kInternal, std::string(__FILE__ ":") +    \
                                                      std::to_string(__LINE__) + \
                                                      ": expected to be true: " #__VA_ARGS__)

/// The value of a Result, or the end of the CO_TEST: `CO_ASSERT_OK(auto x, co_await f());`
#define CO_ASSERT_OK(decl, ...) NESTOR_CO_TRY(decl, __VA_ARGS__)
