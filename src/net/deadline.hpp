#pragma once

#include <memory>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "net/connection.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// Closes a connection when a time has passed while this lives: closing is what ends a step of the
/// connection, and it also ends the steps that would follow.
/// Lifetime: inside one coroutine, shorter than the connection.
class Deadline {
 public:
  /// Zero timeout: no limit.
  Deadline(const Executor& executor, Duration timeout, Connection& connection);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  /// `error`, or kDeadlineExceeded if that is what ended the operation.
  std::unexpected<Error> explain(Error error) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace nestor::net
