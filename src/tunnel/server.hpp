#pragma once

#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "base/random.hpp"
#include "net/grpc/server.hpp"
#include "tunnel/agent_choice.hpp"
#include "tunnel/backend.hpp"

namespace nestor::tunnel {

/// Token reviews at a time: anyone may ask for one. An agent that is refused for it comes back.
inline constexpr int kMaxReviews = 32;
/// Bytes of a token; one of a service account has about one thousand.
inline constexpr std::size_t kMaxToken = 8 * 1024;
/// What is kept and logged of an agent's name. Bytes.
inline constexpr std::size_t kMaxAgentId = 128;

/// Whether an agent's token is good. Errors: kUnauthenticated, kPermissionDenied; kUnavailable when
/// that cannot be found out.
using TokenCheck = std::function<Task<>(std::string token)>;

struct ServerSettings {
  /// Unique among the servers of one API server.
  std::string server_id;
  /// How many there are; agents connect until they have that many.
  int server_count = 1;
  std::vector<Strategy> strategies = {Strategy::kDefault};
  /// How long an agent may take to connect. Zero: as long as the API server waits.
  Duration dial_timeout = {};
};

/// The server's two gRPC services, and what joins them. Thread: event loop.
class TunnelServer {
 public:
  /// Without `check` agents need no token.
  TunnelServer(Clock& clock, Random& random, Metrics& metrics, ServerSettings settings,
               TokenCheck check);

  /// AgentService: for agents.
  grpc::Handlers agent_handlers();
  /// ProxyService: for the API server.
  grpc::Handlers proxy_handlers();

  /// Whether any agent is connected.
  bool ready() const { return !backends_.empty(); }

 private:
  Task<> serve_agent(grpc::ServerCall& call);
  Task<> review(grpc::ServerCall& call);
  Task<> read_agent(grpc::ServerCall& call, Backend& backend);
  Task<> serve_proxy(grpc::ServerCall& call);
  Task<> connect(grpc::ServerCall& call, const DialRequest& request,
                 std::shared_ptr<Backend> backend, std::shared_ptr<Flow>& flow);
  Task<> carry(grpc::ServerCall& call, Flow& flow);
  std::shared_ptr<Backend> choose(const std::string& address);
  void count(const Packet& packet, const char* segment);
  void count_failure(const char* reason);
  void show();

  Clock& clock_;
  Random& random_;
  Metrics& metrics_;
  const ServerSettings settings_;
  const TokenCheck check_;
  const std::shared_ptr<FlowMemory> memory_ = std::make_shared<FlowMemory>(kServerFlowMemory);
  int reviews_ = 0;
  /// The oldest first.
  std::list<std::shared_ptr<Backend>> backends_;
  /// By segment and type.
  std::map<std::string_view, std::array<std::optional<Counter>, std::variant_size_v<Packet>>>
      packets_;
};

}  // namespace nestor::tunnel
