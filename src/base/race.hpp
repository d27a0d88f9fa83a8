#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "base/signal.hpp"

namespace nestor {

/// Runs both until one ends, cancels the other and waits for it; returns what the first gave.
/// Include only in source files: the header is heavy.
inline Task<> first_of(Task<> a, Task<> b) {
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

}  // namespace nestor
