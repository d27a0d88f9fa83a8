#include "tunnel/backend.hpp"

#include <utility>
#include <vector>

namespace nestor::tunnel {

namespace {

/// More connections than any API server has. An agent cannot make us remember more.
constexpr std::size_t kMaxConnections = 16'384;

Error too_many() {
  return {Code::kResourceExhausted, "the agent speaks of too many connections", {}};
}

}  // namespace

/// Takes the request back when whoever waits for it is gone.
struct Backend::Dial {
  Dial(std::shared_ptr<Backend> of, std::int64_t name) : backend(std::move(of)), random(name) {
    backend->dials_[random] = this;
  }
  ~Dial() {
    backend->dials_.erase(random);
    if (outcome) {
      // It came while the caller was being cancelled.
      if (*outcome && !taken) backend->hang_up(***outcome);
    } else if (!backend->lost_) {
      backend->stream_->post(CloseDial{random});
    }
  }
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  std::shared_ptr<Backend> backend;
  const std::int64_t random;
  std::optional<Result<std::shared_ptr<Flow>>> outcome;
  bool taken = false;
  Signal done;
};

Backend::Backend(Clock& clock, std::shared_ptr<PacketStream> stream, std::string agent_id,
                 Identifiers identifiers, bool credits, std::shared_ptr<FlowMemory> memory)
    : clock_(clock),
      stream_(std::move(stream)),
      agent_id_(std::move(agent_id)),
      identifiers_(std::move(identifiers)),
      credits_(credits),
      memory_(std::move(memory)) {}

Task<std::shared_ptr<Flow>> Backend::dial(std::string protocol, std::string address) {
  if (lost_) co_return fail(Code::kUnavailable, "the agent is gone");
  Dial dial(shared_from_this(), next_dial_++);
  stream_->post(DialRequest{std::move(protocol), std::move(address), dial.random});
  while (!dial.outcome) {
    NESTOR_CO_TRY_VOID(co_await dial.done.wait());
  }
  dial.taken = true;
  co_return *dial.outcome;
}

Result<> Backend::on_dial_response(DialResponse response) {
  const auto found = dials_.find(response.random);
  const auto known = flows_.find(response.connect_id);
  const bool is_known = response.error.empty() && known != flows_.end();
  if (is_known && known->second) {
    return fail(Code::kInvalidArgument, "the agent gives two connections one id");
  }
  if (!is_known && flows_.size() >= kMaxConnections) return std::unexpected(too_many());
  if (found == dials_.end() || found->second->outcome) {
    // Taken back meanwhile; the agent had connected already.
    if (response.error.empty() && !is_known) {
      flows_[response.connect_id] = nullptr;
      stream_->post(CloseRequest{response.connect_id});
    }
    return {};
  }
  Dial& dial = *found->second;
  if (response.error.empty()) {
    auto flow = std::make_shared<Flow>(clock_, stream_, response.connect_id, credits_, memory_);
    flows_[response.connect_id] = flow;
    dial.outcome = std::move(flow);
  } else {
    dial.outcome = fail(Code::kUnavailable, std::move(response.error));
  }
  dial.done.notify();
  return {};
}

void Backend::hang_up(Flow& flow) {
  const auto found = flows_.find(flow.id());
  const bool ours = found != flows_.end() && found->second.get() == &flow;
  // Keeps the flow, which may be the last to hold itself.
  const auto keep = ours ? std::exchange(found->second, nullptr) : nullptr;
  flow.close({Code::kUnavailable, "hung up", {}});
  if (ours && !lost_) stream_->post(CloseRequest{flow.id()});
}

Task<> Backend::on_packet(Packet packet) {
  if (auto* data = std::get_if<Data>(&packet)) {
    const auto found = flows_.find(data->connect_id);
    if (found == flows_.end()) {
      if (flows_.size() >= kMaxConnections) co_return std::unexpected(too_many());
      stream_->post(CloseRequest{data->connect_id});
      flows_[data->connect_id] = nullptr;
    } else if (const auto flow = found->second) {
      co_return co_await flow->deliver(std::move(data->bytes));
    }
  } else if (auto* credit = std::get_if<Credit>(&packet)) {
    const auto found = flows_.find(credit->connect_id);
    if (found != flows_.end() && found->second) found->second->add_credit(credit->bytes);
  } else if (auto* response = std::get_if<DialResponse>(&packet)) {
    co_return on_dial_response(std::move(*response));
  } else if (auto* closed = std::get_if<CloseResponse>(&packet)) {
    const auto found = flows_.find(closed->connect_id);
    if (found == flows_.end()) co_return Result<>{};
    const auto flow = std::move(found->second);
    flows_.erase(found);
    if (flow) flow->finish();
  } else if (std::holds_alternative<Drain>(packet)) {
    draining_ = true;
  }
  co_return Result<>{};
}

void Backend::lost() {
  lost_ = true;
  const Error why{Code::kUnavailable, "the agent is gone", {}};
  for (const auto& [id, flow] : std::exchange(flows_, {})) {
    if (flow) flow->close(why);
  }
  for (const auto& [random, dial] : dials_) {
    if (!dial->outcome) dial->outcome = std::unexpected(why);
    dial->done.notify();
  }
}

}  // namespace nestor::tunnel
