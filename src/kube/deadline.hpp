#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <string>
#include <utility>
#include <variant>

#include "base/clock.hpp"
#include "kube/signal.hpp"

namespace nestor::kube {

/// Runs `operation` until `deadline` at the latest, then cancels it. Errors: the operation's own,
/// kDeadlineExceeded, kCancelled. Include only in source files: the header is heavy.
template <class T>
Task<T> before(Clock& clock, SteadyTime deadline, Task<T> operation) {
  using namespace asio::experimental::awaitable_operators;
  if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
  try {
    auto first = co_await (std::move(operation) || clock.sleep_until(deadline));
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    NESTOR_CO_TRY_VOID(std::get<1>(std::move(first)));
    co_return fail(Code::kDeadlineExceeded, "it took too long");
  } catch (const asio::multiple_exceptions&) {
    // Both sides were cancelled before they began: Asio says so by throwing.
    co_return fail(Code::kCancelled, "cancelled");
  }
}

}  // namespace nestor::kube
