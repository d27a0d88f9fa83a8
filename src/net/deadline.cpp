#include "net/deadline.hpp"

#include <boost/asio/steady_timer.hpp>
#include <string_view>

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
  // The step that was cut off says "cancelled"; why is known only here.
  constexpr std::string_view kCancelled = "cancelled";
  if (error.message.ends_with(kCancelled)) {
    error.message.resize(error.message.size() - kCancelled.size());
  }
  return fail(Code::kDeadlineExceeded, error.message + "took too long");
}

}  // namespace nestor::net
