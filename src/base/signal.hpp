#pragma once

#include <list>

#include "base/async.hpp"

namespace nestor {

/// Wakes coroutines that wait for a change. Check the state, then wait, without an await between.
/// Thread: event loop. Lifetime: must outlive its waiters.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Returns at the next notify(). Errors: kCancelled.
  Task<> wait();
  void notify();

 private:
  struct Waiter;
  std::list<Waiter*> waiters_;
};

/// Whether the calling coroutine has been cancelled.
asio::awaitable<bool> cancelled();

}  // namespace nestor
