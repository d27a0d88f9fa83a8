#include "base/signal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace nestor {

/// A timer that never fires: cancelling it is the wake-up.
struct Signal::Waiter {
  Waiter(Signal& owner, Executor executor)
      : signal(owner), timer(std::move(executor), asio::steady_timer::time_point::max()) {
    signal.waiters_.push_back(this);
  }
  ~Waiter() { signal.waiters_.remove(this); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Signal& signal;
  asio::steady_timer timer;
  bool woken = false;
};

Task<> Signal::wait() {
  Waiter waiter(*this, co_await asio::this_coro::executor);
  while (!waiter.woken) {
    const auto before = co_await asio::this_coro::cancellation_state;
    if (before.cancelled() != asio::cancellation_type::none) {
      co_return fail(Code::kCancelled, "cancelled");
    }
    co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return Result<>();
}

void Signal::notify() {
  for (Waiter* waiter : waiters_) {
    waiter->woken = true;
    waiter->timer.cancel();
  }
}

asio::awaitable<bool> cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace nestor
