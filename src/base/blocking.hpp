#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>
#include <utility>

#include "base/async.hpp"

namespace nestor {

/// The threads for work that would hold up the one thread of the process: key generation, local
/// databases, file trees. Made at first use; ended at exit.
inline asio::thread_pool& blocking_pool() {
  static asio::thread_pool pool(2);
  return pool;
}

/// Runs `work` (a callable that returns a Result and throws nothing) on the pool; the coroutine
/// goes on on its own executor. Once begun the work cannot be cancelled: a cancelled caller waits
/// for its end. The io_context stays alive meanwhile.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> run_blocking(Work work) {
  using Value = std::invoke_result_t<Work&>;
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Value)>(
      [](auto handler, Work job, Executor home) {
        auto guard = asio::make_work_guard(home);
        asio::post(blocking_pool(), [handler = std::move(handler), job = std::move(job), home,
                                     guard = std::move(guard)]() mutable {
          auto value = job();
          // The guard goes along: on this thread it could outlive the io_context.
          asio::post(home, [handler = std::move(handler), value = std::move(value),
                            guard = std::move(guard)]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable, std::move(work), executor);
}

}  // namespace nestor
