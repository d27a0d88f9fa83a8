#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/signal.hpp"
#include "base/task_group.hpp"
#include "net/grpc/client.hpp"
#include "tunnel/agent_session.hpp"

namespace nestor::tunnel {

struct AgentSettings {
  grpc::Target server;
  std::string agent_id;
  /// As Identifiers are written.
  std::string identifiers = {};
  /// Holds the service account's token; read anew for each connection. "": no token.
  std::string token_path = {};
  /// Between tries to reach a server, growing up to the cap.
  Duration sync_interval = std::chrono::seconds(1);
  Duration sync_interval_cap = std::chrono::seconds(10);
  Duration keepalive_time = std::chrono::hours(1);
  /// Called each time a server refuses the token, unless empty.
  std::function<void(const Error&)> on_refused = {};
};

/// Holds a stream to every server: behind one address there may be several, and it connects again
/// and again until it has as many different ones as they say there are. Thread: event loop.
class Agent {
 public:
  Agent(Executor executor, Clock& clock, Random& random, Metrics& metrics, AgentSettings settings);

  /// Starts to connect.
  void start();
  /// Asks the servers to give new connections to others.
  void drain();
  /// Ends everything. Idempotent; must be called before destruction.
  asio::awaitable<void> stop();

  /// Whether a server is connected.
  bool ready() const { return !sessions_.empty(); }
  std::size_t servers() const { return sessions_.size(); }

 private:
  Task<> keep_connected();
  Task<> connect();
  Task<> serve(std::shared_ptr<AgentSession> session);
  Result<grpc::Metadata> metadata() const;
  bool complete() const;
  void show();

  Executor executor_;
  Clock& clock_;
  Random& random_;
  Metrics& metrics_;
  const AgentSettings settings_;
  const std::shared_ptr<FlowMemory> memory_ = std::make_shared<FlowMemory>(kAgentFlowMemory);
  /// By the server's id.
  std::map<std::string, std::shared_ptr<AgentSession>> sessions_;
  int known_servers_ = 1;
  Signal changed_;
  TaskGroup tasks_;
};

/// The next delay after `delay`: half as much again, up to `cap`, with a tenth of jitter.
Duration next_delay(Duration delay, Duration cap, Random& random);

}  // namespace nestor::tunnel
