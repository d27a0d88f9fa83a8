#include "net/deadline.hpp"

#include <boost/asio/steady_timer.hpp>

namespace nestor::net {

struct Deadline::State {
  State(const Executor& executor, Connection& target) : timer(executor), connection(&target) {}

  void fire(bool by_time) {
    if (connection == nullptr) return;
    if (by_time) {
      timed_out = true;
    } else {
      cancelled = true;
    }
    connection->close();
  }

  asio::steady_timer timer;
  /// Null once the Deadline is gone.
  Connection* connection;
  bool timed_out = false;
  bool cancelled = false;
};

Deadline::Deadline(const Executor& executor, asio::cancellation_slot slot, Duration timeout,
                   Connection& connection)
    : state_(std::make_shared<State>(executor, connection)), slot_(slot) {
  if (slot_.is_connected()) {
    slot_.assign([state = state_](asio::cancellation_type) { state->fire(false); });
  }
  if (timeout <= Duration::zero()) return;
  state_->timer.expires_after(timeout);
  state_->timer.async_wait([state = state_](boost::system::error_code error) {
    if (!error) state->fire(true);
  });
}

Deadline::~Deadline() {
  state_->connection = nullptr;
  state_->timer.cancel();
  if (slot_.is_connected()) slot_.clear();
}

std::unexpected<Error> Deadline::explain(Error error) const {
  if (state_->timed_out)
    return fail(Code::kDeadlineExceeded, error.message + " (no answer in time)");
  if (state_->cancelled) error.code = Code::kCancelled;
  return std::unexpected(std::move(error));
}

bool Deadline::fired() const { return state_->timed_out || state_->cancelled; }

}  // namespace nestor::net
