#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <memory>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "net/connection.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// While it lives, closes a connection when a time has passed or when the calling coroutine is
/// cancelled. Operations on a Connection listen to no cancellation slot themselves: closing is the
/// one way to end them, and it also ends the steps that would follow.
/// Lifetime: inside one coroutine, shorter than the connection.
class Deadline {
 public:
  /// `slot`: from `co_await asio::this_coro::cancellation_state`. Zero timeout: none.
  Deadline(const Executor& executor, asio::cancellation_slot slot, Duration timeout,
           Connection& connection);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// `error`, or what really ended the operation: kDeadlineExceeded or kCancelled.
  std::unexpected<Error> explain(Error error) const;
  bool fired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  asio::cancellation_slot slot_;
};

}  // namespace nestor::net
