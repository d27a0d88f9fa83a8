#include "net/deadline.hpp"

#include <boost/asio/steady_timer.hpp>

namespace nestor::net {

struct Deadline::State {
  State(const Executor& executor, Connection& target) : timer(executor), connection(&target) {}

  asio::steady_timer timer;
  /// Null once the Deadline is gone.
  Connection* connection;
  bool passed = false;
};

Deadline::Deadline(const Executor& executor, Duration timeout, Connection& connection)
    : state_(std::make_shared<State>(executor, connection)) {
  if (timeout <= Duration::zero()) return;
  state_->timer.expires_after(timeout);
  state_->timer.async_wait([state = state_](boost::system::error_code error) {
    if (error || state->connection == nullptr) return;
    state->passed = true;
    state->connection->close();
  });
}

Deadline::~Deadline() {
  state_->connection = nullptr;
  state_->timer.cancel();
}

std::unexpected<Error> Deadline::explain(Error error) const {
  if (!state_->passed) return std::unexpected(std::move(error));
  return fail(Code::kDeadlineExceeded, error.message + " (no answer in time)");
}

}  // namespace nestor::net
