#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <semaphore>
#include <type_traits>
#include <utility>

#include "base/async.hpp"

namespace nestor {

/// The threads for work that would hold up the one thread of the process: key generation, devices
/// and mounts, the autoscaler's plans. Made at first use; ended at exit.
inline asio::thread_pool& blocking_pool() {
  static asio::thread_pool pool(2);
  return pool;
}

/// Runs `work` (a callable that returns a Result and throws nothing) on `pool`; the coroutine
/// goes on on its own executor. Once begun the work cannot be cancelled: a cancelled caller waits
/// for its end. The io_context stays alive meanwhile.
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> run_blocking(
    Work work, asio::thread_pool& pool = blocking_pool()) {
  using Value = std::invoke_result_t<Work&>;
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Value)>(
      [](auto handler, Work job, Executor home, asio::thread_pool* on) {
        // A coroutine's executor counts as work, so each copy of it touches the io_context when it
        // goes. All copies live here, are destroyed on the event loop, and not before the pool's
        // thread has left asio::post.
        struct State {
          decltype(handler) done;
          Executor executor;
          asio::executor_work_guard<Executor> guard;
          std::shared_ptr<std::binary_semaphore> posted;
        };
        auto posted = std::make_shared<std::binary_semaphore>(0);
        auto guard = asio::make_work_guard(home);
        auto state = std::make_unique<State>(
            State{std::move(handler), std::move(home), std::move(guard), posted});
        asio::post(*on, [state = std::move(state), job = std::move(job),
                         posted = std::move(posted)]() mutable {
          auto value = job();
          const Executor& where = state->executor;
          asio::post(where, [state = std::move(state), value = std::move(value)]() mutable {
            state->posted->acquire();
            std::move(state->done)(std::move(value));
          });
          posted->release();
        });
      },
      asio::use_awaitable, std::move(work), executor, &pool);
}

}  // namespace nestor
