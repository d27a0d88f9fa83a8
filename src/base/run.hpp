#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/async.hpp"

namespace nestor {

/// Runs `task`, and whatever else `io` has to do, until the task ended. For the entry of a program,
/// where nothing is left that could own a coroutine; everywhere else that is a TaskGroup, or
/// join_all() for parts of one task. kInternal when the task threw; kCancelled when `io` was
/// stopped before the end.
template <class T>
Result<T> run_to_end(asio::io_context& io, Task<T> task) {
  std::optional<Result<T>> end;
  std::exception_ptr thrown;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr exception, Result<T> result) {
    thrown = exception;
    end.emplace(std::move(result));
  });
  if (io.stopped()) io.restart();
  while (!end && io.run_one() > 0) {
  }
  if (!end) return fail(Code::kCancelled, "the event loop was stopped");
  if (thrown) return fail(Code::kInternal, "an exception ended the program");
  return std::move(*end);
}

}  // namespace nestor
