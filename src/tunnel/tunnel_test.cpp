#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fstream>
#include <optional>

#include "tunnel/testing/tunnel_fixture.hpp"

namespace nestor::tunnel {
namespace {

TEST_F(Tunnel, CarriesBytesBothWays) {
  start();
  Frontend front = frontend();
  EXPECT_EQ(front.dial(endpoint_.address()).error, "");
  ASSERT_TRUE(front.send(Data{front.id, "hello"}));
  EXPECT_EQ(front.read_data(5), "hello");
  std::string large(3 * 1024 * 1024, 'a');
  large[2'000'000] = 'b';
  ASSERT_TRUE(front.send(Data{front.id, large}));
  EXPECT_EQ(front.read_data(large.size()), large);
}

/// An option of the socket that leads to `address`, in this process.
std::optional<int> option_towards(const std::string& address, int name) {
  for (int fd = 0; fd < 1024; ++fd) {
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    if (::getpeername(fd, peer.data(), &size) != 0 || peer.data()->sa_family != AF_INET) continue;
    if ("127.0.0.1:" + std::to_string(peer.port()) != address) continue;
    int value = -1;
    size = sizeof value;
    ::getsockopt(fd, IPPROTO_TCP, name, &value, &size);
    return value;
  }
  return std::nullopt;
}

TEST_F(Tunnel, EndpointMayPauseAsLongAsItLikes) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  EXPECT_EQ(option_towards(endpoint_.address(), TCP_USER_TIMEOUT), 0);
  // A stream to a server has no pauses.
  const std::string server = "127.0.0.1:" + std::to_string(agents_server_->port());
  EXPECT_GT(option_towards(server, TCP_USER_TIMEOUT).value_or(0), 0);
}

TEST_F(Tunnel, EndpointsEndReachesTheFrontend) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  ASSERT_TRUE(front.send(Data{front.id, "q"}));
  const auto packet = front.read();
  ASSERT_TRUE(packet);
  EXPECT_EQ(std::get<CloseResponse>(*packet).error, "");
  EXPECT_FALSE(front.read());
}

TEST_F(Tunnel, AnswerIsWholeWhenTheEndpointIsGoneAndTheFrontendStillTalks) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  // More than waits at the frontend, less than waits in the connection.
  endpoint_.answer = std::string(800 * 1024, 'a');
  ASSERT_TRUE(front.send(Data{front.id, "e"}));
  quiesce();
  ASSERT_EQ(connections(), 0);
  ASSERT_TRUE(front.send(Data{front.id, "late"}));
  quiesce();
  EXPECT_TRUE(front.read_data(endpoint_.answer.size()) == endpoint_.answer);
  const auto packet = front.read();
  ASSERT_TRUE(packet);
  EXPECT_EQ(std::get<CloseResponse>(*packet).error, "");
}

TEST_F(Tunnel, AnswerIsWholeWhenTheEndpointTakesNoMore) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  // So much that its end waits in the agent's socket, behind a frontend that does not read.
  endpoint_.answer = std::string(kFlowWindow * 5 / 4 + kChunk * 3 / 2, 'a');
  ASSERT_TRUE(front.send(Data{front.id, "e"}));
  run_until([this] { return endpoint_.open == 0; });
  quiesce();
  ASSERT_EQ(connections(), 1);
  // The first makes the endpoint's system refuse, the second fails.
  ASSERT_TRUE(front.send(Data{front.id, "late"}));
  quiesce();
  ASSERT_TRUE(front.send(Data{front.id, "later"}));
  quiesce();
  EXPECT_TRUE(front.read_data(endpoint_.answer.size()) == endpoint_.answer);
  run_until([this] { return connections() == 0; });
}

TEST_F(Tunnel, FrontendsCloseReachesTheEndpoint) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  run_until([this] { return endpoint_.open == 1; });
  ASSERT_TRUE(front.send(CloseRequest{front.id}));
  EXPECT_TRUE(std::holds_alternative<CloseResponse>(front.read().value()));
  run_until([this] { return endpoint_.open == 0; });
}

TEST_F(Tunnel, DeadFrontendLeavesNothingBehind) {
  start();
  {
    Frontend front = frontend();
    ASSERT_EQ(front.dial(endpoint_.address()).error, "");
    run_until([this] { return endpoint_.open == 1; });
  }
  run_until([this] { return endpoint_.open == 0; });
}

TEST_F(Tunnel, FrontendThatDiesBehindAFullConnectionLeavesNothing) {
  start();
  int chunks = 0;
  {
    Frontend front = frontend();
    ASSERT_EQ(front.dial(endpoint_.address()).error, "");
    ASSERT_TRUE(front.send(Data{front.id, "s"}));
    tasks_.spawn("flood", flood(front.call(), front.id, chunks));
    quiesce();
    EXPECT_EQ(connections(), 1);
  }
  channel_.reset();
  // The endpoint itself, which reads nothing, cannot see it.
  run_until([this] { return connections() == 0; });
}

TEST_F(Tunnel, DeadAgentEndsItsConnections) {
  start();
  Frontend front = frontend();
  ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  run_coroutine(io_, agents_[0]->stop());
  const auto packet = front.read();
  ASSERT_TRUE(packet);
  EXPECT_NE(std::get<CloseResponse>(*packet).error, "");
  run_until([this] { return endpoint_.open == 0 && !tunnel_->ready(); });
}

TEST_F(Tunnel, AnAgentConnectsToEachServerBehindOneAddress) {
  TunnelServer first(clock_, random_, metrics_, {.server_id = "s1", .server_count = 2}, {});
  TunnelServer second(clock_, random_, metrics_, {.server_id = "s2", .server_count = 2}, {});
  const grpc::Handlers of_first = first.agent_handlers();
  const grpc::Handlers of_second = second.agent_handlers();
  // A balancer that leads to the first server twice before it leads to the second.
  int calls = 0;
  grpc::Handlers balanced;
  for (const auto& [path, handler] : of_first) {
    balanced[path] = [&calls, &one = handler, &two = of_second.at(path)](grpc::ServerCall& call) {
      return ++calls % 3 == 0 ? two(call) : one(call);
    };
  }
  agents_server_ = std::make_unique<grpc::Server>(io_.get_executor(), balanced);
  ASSERT_TRUE(agents_server_->listen({.address = "127.0.0.1"}));
  Agent& agent = add_agent();
  run_until([&] { return agent.servers() == 2 && first.ready() && second.ready(); });
  EXPECT_EQ(calls, 3);
  run_coroutine(io_, agent.stop());
  run_until([&] { return !first.ready() && !second.ready(); });
  run_coroutine(io_, agents_server_->stop());
  agents_server_.reset();
}

TEST_F(Tunnel, NamesWhyADialFailed) {
  serve();
  {
    Frontend front = frontend();
    EXPECT_EQ(front.dial("127.0.0.1:1").error, "No agent available");
  }
  add_agent();
  run_until([this] { return tunnel_->ready(); });
  Frontend refused = frontend();
  EXPECT_NE(refused.dial("127.0.0.1:1").error.find("refused"), std::string::npos);
  Frontend bad = frontend();
  EXPECT_NE(bad.dial("nonsense").error, "");
}

TEST_F(Tunnel, SlowConnectionBlocksNoOther) {
  start();
  Frontend slow = frontend();
  ASSERT_EQ(slow.dial(endpoint_.address()).error, "");
  ASSERT_TRUE(slow.send(Data{slow.id, "s"}));
  int chunks = 0;
  tasks_.spawn("flood", flood(slow.call(), slow.id, chunks));
  quiesce();
  const int stuck = chunks;
  EXPECT_GT(stuck, 0);
  // The kernel's buffers, and a few windows of ours: bounded.
  EXPECT_LT(stuck, 16 * 1024 * 1024 / static_cast<int>(kChunk));
  Frontend other = frontend();
  ASSERT_EQ(other.dial(endpoint_.address()).error, "");
  const std::string bytes(512 * 1024, 'o');
  ASSERT_TRUE(other.send(Data{other.id, bytes}));
  EXPECT_EQ(other.read_data(bytes.size()), bytes);
  EXPECT_EQ(chunks, stuck);
}

TEST_F(Tunnel, AgentWithoutAGoodTokenIsRefused) {
  const std::string file = folder_ + "/token";
  std::ofstream(file) << "wrong\n";
  struct Check {
    static Task<> token(std::string token) {
      if (token == "right") co_return Result<>{};
      if (token == "another's") co_return fail(Code::kPermissionDenied, "that of another");
      co_return fail(Code::kUnauthenticated, "not that one");
    }
  };
  serve({.server_id = "s1"}, Check::token);
  AgentSettings settings;
  settings.token_path = file;
  std::string refusal;
  settings.on_refused = [&](const Error& error) { refusal = error.message; };
  add_agent(std::move(settings));
  run_until([&] { return !refusal.empty(); });
  EXPECT_NE(refusal.find("not that one"), std::string::npos) << refusal;
  EXPECT_FALSE(tunnel_->ready());
  // Read anew at each try.
  std::ofstream(file) << "another's\n";
  run_until([&] { return refusal.find("that of another") != std::string::npos; });
  EXPECT_FALSE(tunnel_->ready());
  std::ofstream(file) << "right\n";
  run_until([this] { return tunnel_->ready(); });
}

TEST_F(Tunnel, AgentComesBackToANewServer) {
  start();
  run_coroutine(io_, agents_server_->stop());
  run_until([this] { return !agents_[0]->ready(); });
  const std::uint16_t port = agents_server_->port();
  agents_server_ = std::make_unique<grpc::Server>(io_.get_executor(), tunnel_->agent_handlers());
  ASSERT_TRUE(agents_server_->listen({.address = "127.0.0.1", .port = port}));
  run_until([this] { return tunnel_->ready() && agents_[0]->ready(); });
  Frontend front = frontend();
  EXPECT_EQ(front.dial(endpoint_.address()).error, "");
}

TEST_F(Tunnel, AgentThatDrainsGetsNothingNew) {
  start();
  add_agent();
  run_until([this] { return agents_[1]->ready(); });
  agents_[0]->drain();
  quiesce();
  for (int i = 0; i < 5; ++i) {
    Frontend front = frontend();
    ASSERT_EQ(front.dial(endpoint_.address()).error, "");
  }
  run_coroutine(io_, agents_[0]->stop());
  Frontend front = frontend();
  EXPECT_EQ(front.dial(endpoint_.address()).error, "");
}

}  // namespace
}  // namespace nestor::tunnel
