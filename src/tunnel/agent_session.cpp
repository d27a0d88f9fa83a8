#include "tunnel/agent_session.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/race.hpp"
#include "base/text.hpp"
#include "net/deadline.hpp"
#include "net/url.hpp"

namespace nestor::tunnel {

namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(5);
/// How long an endpoint may take the last bytes of a connection that the other side closed.
constexpr Duration kFinishTimeout = std::chrono::seconds(10);
/// Of a connection that says little.
constexpr std::size_t kSmallChunk = 4 * 1024;

/// From the endpoint to the server. Ends when the endpoint has nothing more to say.
Task<> upload(std::shared_ptr<net::Connection> connection, std::shared_ptr<Flow> flow) {
  std::size_t size = kSmallChunk;
  std::string buffer;
  while (true) {
    if (buffer.capacity() > 2 * size) buffer = std::string();
    // Not filled with zeros: it is read into.
    buffer.resize_and_overwrite(size, [](char*, std::size_t count) { return count; });
    const Result<std::size_t> count =
        co_await connection->read_some({buffer.data(), buffer.size()});
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return Result<>{};
    // Little bytes leave a large buffer where it is; many take it along.
    std::string bytes;
    if (*count <= size / 2) {
      bytes.assign(buffer, 0, *count);
    } else {
      bytes = std::exchange(buffer, std::string());
      bytes.resize(*count);
    }
    const Result<> sent = co_await flow->send(std::move(bytes));
    // Nobody wants it any more; but what came from the other side may still be under way.
    if (!sent && sent.error().code == Code::kCancelled) co_return sent;
    if (*count == size) {
      size = kChunk;
    } else if (*count < kSmallChunk) {
      size = kSmallChunk;
    }
  }
}

/// From the server to the endpoint. Ends when the other side closed and all is written.
Task<> download(std::shared_ptr<Flow> flow, std::shared_ptr<net::Connection> connection) {
  bool taken = true;
  while (true) {
    NESTOR_CO_TRY(const std::optional<std::string> bytes, co_await flow->receive());
    if (!bytes) co_return Result<>{};
    // An endpoint that takes no more may have said something that upload() has not read yet.
    if (taken) taken = (co_await connection->write(*bytes)).has_value();
  }
}

/// Ends when the other side closed and the endpoint has had time to take the rest.
Task<> overdue(Clock& clock, std::shared_ptr<Flow> flow) {
  NESTOR_CO_TRY_VOID(co_await flow->ended());
  co_return co_await clock.sleep_for(kFinishTimeout);
}

}  // namespace

AgentSession::AgentSession(Clock& clock, Metrics& metrics, TaskGroup& tasks,
                           std::unique_ptr<grpc::Channel> channel,
                           std::unique_ptr<grpc::ClientCall> call,
                           std::shared_ptr<FlowMemory> memory)
    : clock_(clock),
      metrics_(metrics),
      tasks_(tasks),
      memory_(std::move(memory)),
      channel_(std::move(channel)),
      call_(std::move(call)),
      stream_(std::make_shared<CallStream<grpc::ClientCall>>(*call_)) {}

AgentSession::~AgentSession() { stream_->detach(); }

Task<> AgentSession::greet() {
  NESTOR_CO_TRY(const grpc::Metadata headers, co_await call_->headers());
  server_id_ = grpc::find(headers, "serverid");
  if (server_id_.empty()) {
    // A server that refuses says so instead of headers: as the call's status.
    NESTOR_CO_TRY_VOID(co_await call_->read());
    co_return fail(Code::kUnavailable, "the server says no serverID");
  }
  server_count_ = parse_number<int>(grpc::find(headers, "servercount")).value_or(0);
  credits_ = grpc::find(headers, std::string(kCreditHeader)) == "1";
  co_return Result<>{};
}

struct AgentSession::Closing {
  AgentSession& session;
  ~Closing() { session.lost(); }
};

Task<> AgentSession::run() {
  const auto self = shared_from_this();
  const Closing closing{*this};
  while (true) {
    NESTOR_CO_TRY(std::optional<std::string> bytes, co_await call_->read());
    if (!bytes) co_return fail(Code::kUnavailable, "the server ended the stream");
    Result<Packet> packet = decode(std::move(*bytes));
    if (!packet) {
      log::debug(kAgentComponent, "server {}: {}", server_id_, packet.error().message);
      continue;
    }
    NESTOR_CO_TRY_VOID(co_await on_packet(std::move(*packet)));
  }
}

void AgentSession::lost() {
  lost_ = true;
  for (const auto& [random, connection] : std::exchange(dials_, {})) connection->close();
  const Error why{Code::kUnavailable, "the tunnel is gone", {}};
  for (const auto& [id, endpoint] : std::exchange(endpoints_, {})) {
    endpoint.flow->close(why);
    endpoint.connection->close();
  }
}

void AgentSession::drain() {
  if (!lost_) stream_->post(Drain{});
}

Task<> AgentSession::on_packet(Packet packet) {
  if (auto* data = std::get_if<Data>(&packet)) {
    const auto found = endpoints_.find(data->connect_id);
    if (found == endpoints_.end()) {
      stream_->post(CloseResponse{"unrecognized connectID", data->connect_id});
      co_return Result<>{};
    }
    const std::shared_ptr<Flow> flow = found->second.flow;
    co_return co_await flow->deliver(std::move(data->bytes));
  }
  if (auto* credit = std::get_if<Credit>(&packet)) {
    const auto found = endpoints_.find(credit->connect_id);
    if (found != endpoints_.end()) found->second.flow->add_credit(credit->bytes);
  } else if (auto* request = std::get_if<DialRequest>(&packet)) {
    tasks_.spawn("tunnel endpoint", serve_endpoint(shared_from_this(), std::move(*request)));
  } else if (auto* closed = std::get_if<CloseRequest>(&packet)) {
    const auto found = endpoints_.find(closed->connect_id);
    if (found == endpoints_.end()) {
      stream_->post(CloseResponse{"Unknown connectID", closed->connect_id});
    } else {
      found->second.flow->finish();
    }
  } else if (auto* regret = std::get_if<CloseDial>(&packet)) {
    const auto found = dials_.find(regret->random);
    if (found != dials_.end()) found->second->close();
  }
  co_return Result<>{};
}

Task<> AgentSession::dial(net::Connection& connection, const DialRequest& request) {
  if (request.protocol != "tcp") {
    co_return fail(Code::kUnimplemented, "no protocol " + request.protocol);
  }
  NESTOR_CO_TRY(const net::HostPort address, net::parse_authority(request.address));
  const net::Deadline deadline(tasks_.executor(), kDialTimeout, connection);
  const Result<> connected = co_await connection.connect(address.host, address.port);
  if (!connected) co_return deadline.explain(connected.error());
  // A program behind `kubectl exec -i` may begin to read when it likes.
  connection.allow_pauses();
  co_return Result<>{};
}

Task<> AgentSession::serve_endpoint(std::shared_ptr<AgentSession> self, DialRequest request) {
  if (self->lost_) co_return Result<>{};
  auto connection = std::make_shared<net::Connection>(self->tasks_.executor());
  self->dials_[request.random] = connection;
  const SteadyTime begun = self->clock_.steady_now();
  const Result<> connected = co_await self->dial(*connection, request);
  self->dials_.erase(request.random);
  if (!connected) {
    self->metrics_
        .counter(
            kAgentMetricPrefix + "endpoint_dial_failure_total", "Endpoints that cannot be reached",
            {{"reason", connected.error().code == Code::kDeadlineExceeded ? "timeout" : "unknown"}})
        .increment();
    self->stream_->post(DialResponse{connected.error().message, 0, request.random});
    co_return Result<>{};
  }
  if (self->lost_) co_return Result<>{};
  const std::chrono::duration<double> took = self->clock_.steady_now() - begun;
  self->metrics_
      .histogram(kAgentMetricPrefix + "dial_duration_seconds", "Time of a dial to an endpoint", {},
                 {0.005, 0.025, 0.1, 0.5, 2.5, 10})
      .observe(took.count());
  const std::int64_t id = self->next_id_++;
  auto flow =
      std::make_shared<Flow>(self->clock_, self->stream_, id, self->credits_, self->memory_);
  const Endpoint endpoint{connection, flow};
  self->endpoints_[id] = endpoint;
  self->stream_->post(DialResponse{"", id, request.random});
  co_return co_await self->carry(id, endpoint);
}

Task<> AgentSession::carry(std::int64_t id, Endpoint endpoint) {
  struct End {
    AgentSession& session;
    std::int64_t id;
    Endpoint& endpoint;
    Gauge open;
    ~End() {
      open.add(-1);
      endpoint.connection->close();
      endpoint.flow->close({Code::kUnavailable, "the connection is closed", {}});
      session.endpoints_.erase(id);
      session.stream_->post(CloseResponse{"", id});
    }
  };
  const End end{*this, id, endpoint,
                metrics_.gauge(kAgentMetricPrefix + "open_endpoint_connections",
                               "Connections to endpoints that are open")};
  Gauge(end.open).add(1);
  Task<> both = first_of(upload(endpoint.connection, endpoint.flow),
                         download(endpoint.flow, endpoint.connection));
  const Result<> ended = co_await first_of(std::move(both), overdue(clock_, endpoint.flow));
  if (!ended) log::debug(kAgentComponent, "connection {}: {}", id, ended.error().message);
  co_return Result<>{};
}

}  // namespace nestor::tunnel
