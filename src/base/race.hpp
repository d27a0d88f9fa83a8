#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>
#include <variant>

#include "base/clock.hpp"
#include "base/signal.hpp"

/// Include only in source files: Asio's header is heavy.
namespace nestor {

/// Runs both until one ends, cancels the other and waits for it; returns what the first gave.
template <class T>
Task<T> first_of(Task<T> a, Task<T> b) {
  using namespace asio::experimental::awaitable_operators;
  if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
  try {
    auto first = co_await (std::move(a) || std::move(b));
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return std::get<1>(std::move(first));
  } catch (const asio::multiple_exceptions&) {
    // Both were cancelled before they began: Asio says so by throwing.
    co_return fail(Code::kCancelled, "cancelled");
  }
}

namespace detail {

template <class T>
Task<T> too_late(Clock& clock, SteadyTime deadline) {
  NESTOR_CO_TRY_VOID(co_await clock.sleep_until(deadline));
  co_return fail(Code::kDeadlineExceeded, "it took too long");
}

}  // namespace detail

/// Runs `operation` until `deadline` at the latest, then cancels it. Errors: the operation's own,
/// kDeadlineExceeded, kCancelled.
template <class T>
Task<T> before(Clock& clock, SteadyTime deadline, Task<T> operation) {
  return first_of(std::move(operation), detail::too_late<T>(clock, deadline));
}

}  // namespace nestor
