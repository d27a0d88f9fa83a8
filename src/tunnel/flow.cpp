#include "tunnel/flow.hpp"

#include <algorithm>
#include <utility>

#include "base/race.hpp"

namespace nestor::tunnel {

namespace {

/// Of gRPC, on both sides.
constexpr std::int64_t kMaxMessage = 4 * 1024 * 1024;
/// Bytes beside which what a packet takes for itself does not count.
constexpr std::size_t kSmall = 1024;

std::int64_t size_of(const std::string& bytes) { return static_cast<std::int64_t>(bytes.size()); }

}  // namespace

Flow::Flow(Clock& clock, std::shared_ptr<PacketStream> stream, std::int64_t id, bool credits,
           std::shared_ptr<FlowMemory> memory)
    : clock_(clock),
      stream_(std::move(stream)),
      id_(id),
      credits_(credits),
      memory_(std::move(memory)) {
  memory_->flows_.insert(this);
}

Flow::~Flow() {
  hold(-received_bytes_);
  memory_->flows_.erase(this);
}

void Flow::hold(std::int64_t bytes) {
  received_bytes_ += bytes;
  memory_->used_ += bytes;
  while (memory_->used_ > memory_->limit_) {
    Flow* largest = *std::ranges::max_element(memory_->flows_, {}, &Flow::received_bytes_);
    largest->close({Code::kResourceExhausted,
                    "the connections take too little of what comes, this one the least",
                    {}});
  }
}

Task<> Flow::send(std::string bytes) {
  // A chunk may go below zero by its own size: so any credit at all lets one go on.
  while (credits_ && window_ <= 0 && !is_closed()) {
    NESTOR_CO_TRY_VOID(co_await window_open_.wait());
  }
  if (closed_) co_return std::unexpected(*closed_);
  if (finished_) co_return fail(Code::kUnavailable, "the other end closed the connection");
  window_ -= size_of(bytes);
  // The stream may be let go of while this waits.
  const std::shared_ptr<PacketStream> stream = stream_;
  Packet packet = Data{id_, std::move(bytes)};
  co_return co_await stream->write(std::move(packet));
}

Task<std::optional<std::string>> Flow::receive() {
  give_back();
  while (received_.empty() && !is_closed()) {
    NESTOR_CO_TRY_VOID(co_await readable_.wait());
  }
  if (closed_) co_return std::unexpected(*closed_);
  if (received_.empty()) co_return std::nullopt;
  std::string out = std::move(received_.front());
  received_.pop_front();
  hold(-size_of(out));
  taken_ += size_of(out);
  room_.notify();
  co_return out;
}

/// What was taken before has found its place by now: its sender may go on.
void Flow::give_back() {
  if (!credits_ || taken_ < kFlowWindow / 4 || is_closed()) return;
  stream_->post(Credit{id_, std::exchange(taken_, 0)});
}

Task<> Flow::deliver(std::string bytes) {
  if (is_closed() || bytes.empty()) co_return Result<>{};
  const std::int64_t more = size_of(bytes);
  // Small ones together: each by itself would take more than is counted.
  if (bytes.size() < kSmall && !received_.empty() && received_.back().size() < kSmall) {
    received_.back() += bytes;
  } else {
    received_.push_back(std::move(bytes));
  }
  hold(more);
  readable_.notify();
  if (received_bytes_ <= kFlowWindow) co_return Result<>{};
  if (credits_) {
    // One message may go over the window, see send().
    if (received_bytes_ > kFlowWindow + kMaxMessage) {
      close({Code::kResourceExhausted, "the peer sent more than it was allowed", {}});
    }
    co_return Result<>{};
  }
  const SteadyTime until = clock_.steady_now() + kCrowdedTimeout;
  while (received_bytes_ > kFlowWindow && !is_closed()) {
    const Result<> waited = co_await before(clock_, until, room_.wait());
    if (waited) continue;
    if (waited.error().code != Code::kDeadlineExceeded) co_return waited;
    close({Code::kResourceExhausted, "the connection takes no data, and holds up others", {}});
  }
  co_return Result<>{};
}

void Flow::add_credit(std::int64_t bytes) {
  // Whatever the peer says: never more than the window.
  if (bytes > 0) window_ += std::min(bytes, kFlowWindow - window_);
  window_open_.notify();
}

Task<> Flow::ended() {
  while (!is_closed()) {
    NESTOR_CO_TRY_VOID(co_await ended_.wait());
  }
  co_return Result<>{};
}

void Flow::finish() {
  finished_ = true;
  readable_.notify();
  room_.notify();
  window_open_.notify();
  ended_.notify();
}

void Flow::close(Error why) {
  if (!closed_) closed_ = std::move(why);
  received_.clear();
  hold(-received_bytes_);
  finish();
}

}  // namespace nestor::tunnel
