#include "tunnel/agent.hpp"

#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/race.hpp"

namespace nestor::tunnel {

namespace {

constexpr Duration kGreetTimeout = std::chrono::seconds(20);

}  // namespace

Duration next_delay(Duration delay, Duration cap, Random& random) {
  const auto grown = std::min(delay + delay / 2, cap);
  const auto jitter = static_cast<double>(grown.count()) * 0.1 * random.uniform();
  return grown + Duration(static_cast<Duration::rep>(jitter));
}

Agent::Agent(Executor executor, Clock& clock, Random& random, Metrics& metrics,
             AgentSettings settings)
    : executor_(executor),
      clock_(clock),
      random_(random),
      metrics_(metrics),
      settings_(std::move(settings)),
      tasks_(executor) {}

void Agent::start() {
  show();
  tasks_.spawn("tunnel agent", keep_connected());
}

void Agent::drain() {
  for (const auto& [id, session] : sessions_) session->drain();
}

asio::awaitable<void> Agent::stop() { return tasks_.close(); }

bool Agent::complete() const { return static_cast<int>(sessions_.size()) >= known_servers_; }

Task<> Agent::keep_connected() {
  Duration delay = settings_.sync_interval;
  while (true) {
    while (complete()) {
      NESTOR_CO_TRY_VOID(co_await changed_.wait());
      delay = settings_.sync_interval;
    }
    const Result<> connected = co_await connect();
    if (connected) {
      delay = settings_.sync_interval;
      if (complete()) continue;
    } else if (co_await cancelled()) {
      co_return connected;
    } else if (connected.error().code != Code::kAlreadyExists) {
      log::warn(kAgentComponent, "{}", connected.error().message);
      const Code code = connected.error().code;
      const bool refused = code == Code::kUnauthenticated || code == Code::kPermissionDenied;
      if (refused && settings_.on_refused) {
        settings_.on_refused(connected.error());
      }
      metrics_
          .counter(kAgentMetricPrefix + "server_connection_failure_count",
                   "Tries to reach a server that failed")
          .increment();
    }
    NESTOR_CO_TRY_VOID(co_await clock_.sleep_for(delay));
    delay = next_delay(delay, settings_.sync_interval_cap, random_);
  }
}

Result<grpc::Metadata> Agent::metadata() const {
  grpc::Metadata out{{"agentid", settings_.agent_id},
                     {"agentidentifiers", settings_.identifiers},
                     {std::string(kCreditHeader), "1"}};
  if (settings_.token_path.empty()) return out;
  std::string token = read_file(settings_.token_path).value_or("");
  while (!token.empty() && token.back() == '\n') token.pop_back();
  if (token.empty()) {
    return fail(Code::kFailedPrecondition, "no token in " + settings_.token_path);
  }
  out.emplace_back("authorization", "Bearer " + token);
  return out;
}

/// One more stream, to whichever server answers.
Task<> Agent::connect() {
  NESTOR_CO_TRY(grpc::Metadata sent, metadata());
  grpc::Options options;
  options.window = kFlowWindow;
  options.write_ahead = 4 * kChunk;
  options.keepalive_time = settings_.keepalive_time;
  NESTOR_CO_TRY(auto channel, co_await grpc::connect(tasks_, settings_.server, options));
  grpc::CallOptions call_options{.metadata = std::move(sent)};
  NESTOR_CO_TRY(auto call, channel->call("/AgentService/Connect", std::move(call_options)));
  auto session = std::make_shared<AgentSession>(clock_, metrics_, tasks_, std::move(channel),
                                                std::move(call), memory_);
  const SteadyTime until = clock_.steady_now() + kGreetTimeout;
  const Result<> greeted = co_await before(clock_, until, session->greet());
  if (!greeted) {
    co_return with_context(greeted.error(), "connecting to " + settings_.server.host);
  }
  if (session->server_count() > 0) known_servers_ = session->server_count();
  if (sessions_.contains(session->server_id())) {
    co_return fail(Code::kAlreadyExists, "this server is connected already");
  }
  log::info(kAgentComponent, "server {} is connected, {} of {}", session->server_id(),
            sessions_.size() + 1, known_servers_);
  sessions_[session->server_id()] = session;
  show();
  tasks_.spawn("tunnel session", serve(session));
  co_return Result<>{};
}

Task<> Agent::serve(std::shared_ptr<AgentSession> session) {
  struct End {
    Agent& agent;
    AgentSession& session;
    ~End() {
      agent.sessions_.erase(session.server_id());
      agent.show();
      agent.changed_.notify();
    }
  };
  const End end{*this, *session};
  const Result<> ended = co_await session->run();
  const bool cancelled = !ended && ended.error().code == Code::kCancelled;
  if (!ended && !cancelled) {
    log::warn(kAgentComponent, "server {}: {}", session->server_id(), ended.error().message);
  }
  co_return Result<>{};
}

void Agent::show() {
  metrics_.gauge(kAgentMetricPrefix + "open_server_connections", "Streams to servers")
      .set(static_cast<double>(sessions_.size()));
  metrics_.gauge(kAgentMetricPrefix + "known_server_count", "How many servers there are")
      .set(static_cast<double>(known_servers_));
}

}  // namespace nestor::tunnel
