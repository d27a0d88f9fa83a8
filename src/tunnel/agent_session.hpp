#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.hpp"
#include "base/task_group.hpp"
#include "net/connection.hpp"
#include "net/grpc/client.hpp"
#include "tunnel/call_stream.hpp"
#include "tunnel/flow.hpp"

namespace nestor::tunnel {

/// The agent's name in the log, and what its metrics' names begin with.
inline constexpr std::string_view kAgentComponent = "tunnel.agent";
inline const std::string kAgentMetricPrefix = "konnectivity_network_proxy_agent_";

/// The agent's stream to one server: dials what the server asks for and carries the bytes. Its
/// coroutines run in `tasks` and hold it; it ends with the stream, and takes every connection
/// along.
class AgentSession : public std::enable_shared_from_this<AgentSession> {
 public:
  AgentSession(Clock& clock, Metrics& metrics, TaskGroup& tasks,
               std::unique_ptr<grpc::Channel> channel, std::unique_ptr<grpc::ClientCall> call,
               std::shared_ptr<FlowMemory> memory);
  ~AgentSession();
  AgentSession(const AgentSession&) = delete;
  AgentSession& operator=(const AgentSession&) = delete;

  /// Waits for the server's first word. Errors: why the server refuses this agent, kUnavailable.
  Task<> greet();
  const std::string& server_id() const { return server_id_; }
  /// How many servers there are, as this one says; 0 when it says nothing.
  int server_count() const { return server_count_; }

  /// Serves to the end of the stream.
  Task<> run();
  /// Asks the server to give new connections to others.
  void drain();

 private:
  struct Endpoint {
    std::shared_ptr<net::Connection> connection;
    std::shared_ptr<Flow> flow;
  };
  struct Closing;

  Task<> on_packet(Packet packet);
  static Task<> serve_endpoint(std::shared_ptr<AgentSession> self, DialRequest request);
  Task<> dial(net::Connection& connection, const DialRequest& request);
  Task<> carry(std::int64_t id, Endpoint endpoint);
  void lost();

  Clock& clock_;
  Metrics& metrics_;
  TaskGroup& tasks_;
  const std::shared_ptr<FlowMemory> memory_;
  std::unique_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::ClientCall> call_;
  std::shared_ptr<CallStream<grpc::ClientCall>> stream_;
  std::string server_id_;
  int server_count_ = 0;
  bool credits_ = false;
  bool lost_ = false;
  std::int64_t next_id_ = 1;
  /// Being connected to, by the request's name.
  std::map<std::int64_t, std::shared_ptr<net::Connection>> dials_;
  std::map<std::int64_t, Endpoint> endpoints_;
};

}  // namespace nestor::tunnel
