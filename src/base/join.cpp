#include "base/join.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace nestor {
namespace {

/// Hands the result out by reference: the completion signature stays free of values.
asio::awaitable<void> run_into(Task<> task, Result<>& out) { out = co_await std::move(task); }

}  // namespace

Task<> join_all(std::vector<Task<>> tasks) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<Result<>> results(tasks.size(), fail(Code::kCancelled, "cancelled"));
  using Operation =
      decltype(asio::co_spawn(executor, run_into(Task<>(), results[0]), asio::deferred));
  std::vector<Operation> operations;
  operations.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    operations.push_back(
        asio::co_spawn(executor, run_into(std::move(tasks[i]), results[i]), asio::deferred));
  }
  if (operations.empty()) co_return Result<>();
  auto [order, errors] = co_await asio::experimental::make_parallel_group(std::move(operations))
                             .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const std::exception_ptr& error : errors) {
    if (error) co_return fail(Code::kCancelled, "cancelled");
  }
  for (Result<>& result : results) {
    if (!result) co_return std::unexpected(std::move(result).error());
  }
  co_return Result<>();
}

}  // namespace nestor
