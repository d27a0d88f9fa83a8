#include "tunnel/server.hpp"

#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/race.hpp"
#include "net/url.hpp"
#include "tunnel/call_stream.hpp"

namespace nestor::tunnel {

namespace {

constexpr std::string_view kComponent = "tunnel.server";
constexpr std::string_view kBearer = "Bearer ";
/// Packets to an agent that it has not read, but for data. All connections hung up at once are
/// less.
constexpr std::size_t kMaxPosted = 512 * 1024;
const std::string kMetricPrefix = "konnectivity_network_proxy_server_";

/// The frontend's next packet, or nothing at the end.
Task<std::optional<Packet>> read_packet(grpc::ServerCall& call) {
  NESTOR_CO_TRY(std::optional<std::string> bytes, co_await call.read());
  if (!bytes) co_return std::nullopt;
  NESTOR_CO_TRY(Packet packet, decode(std::move(*bytes)));
  co_return packet;
}

/// Returns when the frontend takes its request back.
Task<> wait_for_regret(grpc::ServerCall& call) {
  while (true) {
    NESTOR_CO_TRY(const std::optional<Packet> packet, co_await read_packet(call));
    if (!packet || std::holds_alternative<CloseDial>(*packet)) break;
  }
  co_return fail(Code::kCancelled, "the request was taken back");
}

/// Returns, with an error, when the other end of the call is gone.
Task<> left(grpc::ServerCall& call) {
  NESTOR_CO_TRY_VOID(co_await call.gone());
  co_return fail(Code::kCancelled, "the call is over");
}

Task<> dial_into(std::shared_ptr<Backend> backend, DialRequest request,
                 std::shared_ptr<Flow>& flow) {
  NESTOR_CO_TRY(flow, co_await backend->dial(request.protocol, request.address));
  co_return Result<>{};
}

/// From the frontend to the agent. Ends when the frontend wants no more.
Task<> upload(grpc::ServerCall& call, Flow& flow) {
  while (true) {
    NESTOR_CO_TRY(std::optional<Packet> packet, co_await read_packet(call));
    if (!packet) co_return Result<>{};
    if (std::holds_alternative<CloseRequest>(*packet)) {
      call.post(encode(CloseResponse{"", flow.id()}));
      co_return Result<>{};
    }
    auto* data = std::get_if<Data>(&*packet);
    if (data == nullptr || data->bytes.empty()) continue;
    // An endpoint that takes no more may have said something that is still on its way to the
    // frontend: only the frontend's own end ends this.
    (void)co_await flow.send(std::move(data->bytes));
  }
}

/// From the agent to the frontend. Ends when the connection does.
Task<> download(grpc::ServerCall& call, Flow& flow) {
  while (true) {
    Result<std::optional<std::string>> bytes = co_await flow.receive();
    if (!bytes || !*bytes) {
      if (!bytes && bytes.error().code == Code::kCancelled) {
        co_return std::unexpected(bytes.error());
      }
      CloseResponse end{bytes ? std::string() : bytes.error().message, flow.id()};
      call.post(encode(std::move(end)));
      co_return Result<>{};
    }
    std::string head = encode_data_head(flow.id(), (*bytes)->size());
    NESTOR_CO_TRY_VOID(co_await call.write(std::move(head), std::move(**bytes)));
  }
}

/// Adds one to a number, and takes it back at its end.
template <class Add>
struct OneMore {
  explicit OneMore(Add to) : add(std::move(to)) { add(1); }
  ~OneMore() { add(-1); }
  OneMore(const OneMore&) = delete;
  OneMore& operator=(const OneMore&) = delete;
  Add add;
};

struct HangUpAtEnd {
  std::shared_ptr<Backend> backend;
  std::shared_ptr<Flow>& flow;
  ~HangUpAtEnd() {
    if (flow) backend->hang_up(*flow);
  }
};

}  // namespace

TunnelServer::TunnelServer(Clock& clock, Random& random, Metrics& metrics, ServerSettings settings,
                           TokenCheck check)
    : clock_(clock),
      random_(random),
      metrics_(metrics),
      settings_(std::move(settings)),
      check_(std::move(check)) {
  show();
}

grpc::Handlers TunnelServer::agent_handlers() {
  return {{"/AgentService/Connect", [this](grpc::ServerCall& call) { return serve_agent(call); }}};
}

grpc::Handlers TunnelServer::proxy_handlers() {
  return {{"/ProxyService/Proxy", [this](grpc::ServerCall& call) { return serve_proxy(call); }}};
}

/// Whether the agent may connect. Ends with the call: whoever hangs up waits for no answer.
Task<> TunnelServer::review(grpc::ServerCall& call) {
  std::string token(grpc::find(call.metadata(), "authorization"));
  if (!token.starts_with(kBearer)) {
    co_return fail(Code::kUnauthenticated, "no bearer token in the metadata");
  }
  token.erase(0, kBearer.size());
  if (token.size() > kMaxToken) co_return fail(Code::kUnauthenticated, "the token is too long");
  if (reviews_ >= kMaxReviews) {
    co_return fail(Code::kResourceExhausted, "too many tokens are being reviewed");
  }
  const OneMore reviewed([this](int by) { reviews_ += by; });
  co_return co_await first_of(check_(std::move(token)), left(call));
}

Task<> TunnelServer::serve_agent(grpc::ServerCall& call) {
  const std::string agent_id(grpc::find(call.metadata(), "agentid").substr(0, kMaxAgentId));
  if (agent_id.empty()) co_return fail(Code::kInvalidArgument, "no agentID in the metadata");
  if (check_) {
    if (const Result<> good = co_await review(call); !good) {
      log::warn(kComponent, "agent {} is refused: {}", agent_id, good.error().message);
      co_return good;
    }
  }
  NESTOR_CO_TRY(Identifiers identifiers,
                parse_identifiers(grpc::find(call.metadata(), "agentidentifiers")));
  const std::string credit_name(kCreditHeader);
  const bool credits = grpc::find(call.metadata(), credit_name) == "1";
  call.send_headers({{"serverid", settings_.server_id},
                     {"servercount", std::to_string(settings_.server_count)},
                     {credit_name, "1"}});
  const auto stream = std::make_shared<CallStream<grpc::ServerCall>>(call);
  const DetachAtEnd<grpc::ServerCall> detach{*stream};
  auto backend =
      std::make_shared<Backend>(clock_, stream, agent_id, std::move(identifiers), credits, memory_);
  co_return co_await read_agent(call, *backend);
}

namespace {

/// Keeps a backend among those that can be chosen.
struct Listed {
  std::list<std::shared_ptr<Backend>>& backends;
  std::list<std::shared_ptr<Backend>>::iterator place;
  std::function<void()> changed;
  ~Listed() {
    const std::shared_ptr<Backend> backend = *place;
    backends.erase(place);
    backend->lost();
    log::info(kComponent, "agent {} is gone; {} left", backend->agent_id(), backends.size());
    changed();
  }
};

}  // namespace

Task<> TunnelServer::read_agent(grpc::ServerCall& call, Backend& backend) {
  const Listed listed{backends_, backends_.insert(backends_.end(), backend.shared_from_this()),
                      [this] { show(); }};
  log::info(kComponent, "agent {} is connected; {} in all", backend.agent_id(), backends_.size());
  show();
  while (true) {
    Result<std::optional<std::string>> bytes = co_await call.read();
    // An agent that went away is no failure.
    if (!bytes || !*bytes) co_return Result<>{};
    Result<Packet> packet = decode(std::move(**bytes));
    if (!packet) {
      log::debug(kComponent, "agent {}: {}", backend.agent_id(), packet.error().message);
      continue;
    }
    count(*packet, "from_agent");
    if (call.posted() > kMaxPosted) {
      co_return fail(Code::kResourceExhausted, "the agent does not read what it is told");
    }
    NESTOR_CO_TRY_VOID(co_await backend.on_packet(std::move(*packet)));
  }
}

std::shared_ptr<Backend> TunnelServer::choose(const std::string& address) {
  std::vector<Candidate> candidates;
  std::vector<std::shared_ptr<Backend>> all;
  std::set<std::string_view> agents;
  for (const auto& backend : backends_) {
    // An agent that reached us a second time, on its way to another server, is about to close that
    // stream. One that drains may have a successor of its name.
    if (agents.contains(backend->agent_id())) continue;
    if (!backend->draining()) agents.insert(backend->agent_id());
    all.push_back(backend);
    candidates.push_back({&backend->identifiers(), backend->draining()});
  }
  const auto parsed = net::parse_authority(address);
  const std::string host = parsed ? parsed->host : address;
  const int place = choose_agent(candidates, settings_.strategies, host, random_);
  return place < 0 ? nullptr : all[static_cast<std::size_t>(place)];
}

Task<> TunnelServer::serve_proxy(grpc::ServerCall& call) {
  NESTOR_CO_TRY(const std::optional<Packet> first, co_await read_packet(call));
  if (!first) co_return Result<>{};
  count(*first, "from_client");
  const auto* request = std::get_if<DialRequest>(&*first);
  if (request == nullptr) {
    co_return fail(Code::kInvalidArgument,
                   "the first packet is " + std::string(type_name(*first)) + ", not DIAL_REQ");
  }
  const auto backend = choose(request->address);
  if (!backend) {
    count_failure("no_agent");
    call.post(encode(DialResponse{"No agent available", 0, request->random}));
    co_return Result<>{};
  }
  std::shared_ptr<Flow> flow;
  const HangUpAtEnd hang_up{backend, flow};
  const Result<> connected = co_await connect(call, *request, backend, flow);
  if (!connected) {
    const bool left = connected.error().code == Code::kCancelled;
    count_failure(left ? "frontend_close" : "error_response");
    call.post(encode(DialResponse{connected.error().message, 0, request->random}));
    co_return Result<>{};
  }
  Gauge open = metrics_.gauge(kMetricPrefix + "established_connections",
                              "Tunnelled connections that are open");
  const OneMore established([open](int by) mutable { open.add(by); });
  call.post(encode(DialResponse{"", flow->id(), request->random}));
  co_return co_await carry(call, *flow);
}

Task<> TunnelServer::connect(grpc::ServerCall& call, const DialRequest& request,
                             std::shared_ptr<Backend> backend, std::shared_ptr<Flow>& flow) {
  const SteadyTime begun = clock_.steady_now();
  Task<> dialled = dial_into(std::move(backend), request, flow);
  Task<> answered = first_of(std::move(dialled), wait_for_regret(call));
  if (settings_.dial_timeout > Duration::zero()) {
    answered = before(clock_, begun + settings_.dial_timeout, std::move(answered));
  }
  const Result<> result = co_await std::move(answered);
  const std::chrono::duration<double> took = clock_.steady_now() - begun;
  metrics_
      .histogram(kMetricPrefix + "dial_duration_seconds", "Time of a dial to the endpoint", {},
                 {0.005, 0.025, 0.1, 0.5, 2.5, 10})
      .observe(took.count());
  co_return result;
}

Task<> TunnelServer::carry(grpc::ServerCall& call, Flow& flow) {
  Task<> both = first_of(upload(call, flow), download(call, flow));
  const Result<> ended = co_await first_of(std::move(both), call.gone());
  if (!ended) log::debug(kComponent, "connection {}: {}", flow.id(), ended.error().message);
  co_return Result<>{};
}

void TunnelServer::count(const Packet& packet, const char* segment) {
  // Looked up once: packets are many.
  std::optional<Counter>& counter = packets_[segment][packet.index()];
  if (!counter) {
    counter =
        metrics_.counter(kMetricPrefix + "stream_packets_total", "Packets, by direction and type",
                         {{"segment", segment}, {"packet_type", std::string(type_name(packet))}});
  }
  counter->increment();
}

void TunnelServer::count_failure(const char* reason) {
  metrics_
      .counter(kMetricPrefix + "dial_failure_count", "Dials that did not connect",
               {{"reason", reason}})
      .increment();
}

void TunnelServer::show() {
  metrics_.gauge(kMetricPrefix + "ready_backend_connections", "Connected agents")
      .set(static_cast<double>(backends_.size()));
}

}  // namespace nestor::tunnel
