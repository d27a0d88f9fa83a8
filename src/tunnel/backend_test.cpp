#include "tunnel/backend.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "tunnel/token_review.hpp"
#include "tunnel/tunnel.hpp"

namespace nestor::tunnel {
namespace {

/// Keeps what the agent would get.
class AgentEnd final : public PacketStream {
 public:
  Task<> write(Packet packet) override {
    packets.push_back(std::move(packet));
    co_return Result<>{};
  }
  void post(Packet packet) override { packets.push_back(std::move(packet)); }
  std::vector<Packet> packets;
};

class TunnelBackend : public testing::Test {
 protected:
  void TearDown() override { run_coroutine(io_, tasks_.close()); }

  Task<> dial(int place) {
    Result<std::shared_ptr<Flow>> flow = co_await backend_->dial("tcp", "10.0.0.1:10250");
    if (flow) flows_[place] = *flow;
    co_return Result<>{};
  }
  /// Asks for a connection; the name of the request.
  std::int64_t ask(int place) {
    tasks_.spawn("dial", dial(place));
    settle(io_);
    return std::get<DialRequest>(agent_->packets.back()).random;
  }
  Result<> say(Packet packet) {
    const auto result = run_coroutine(io_, backend_->on_packet(std::move(packet)));
    settle(io_);
    return result;
  }
  Task<> send_for_unknown(int count) {
    for (std::int64_t id = 1; id <= count; ++id) {
      Packet packet = Data{id, "x"};
      NESTOR_CO_TRY_VOID(co_await backend_->on_packet(std::move(packet)));
    }
    co_return Result<>{};
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  std::shared_ptr<AgentEnd> agent_ = std::make_shared<AgentEnd>();
  std::shared_ptr<Backend> backend_ = std::make_shared<Backend>(
      clock_, agent_, "a", Identifiers{}, true, std::make_shared<FlowMemory>(kServerFlowMemory));
  std::map<int, std::shared_ptr<Flow>> flows_;
  TaskGroup tasks_{io_.get_executor()};
};

TEST_F(TunnelBackend, GivesEachRequestItsOwnConnection) {
  const std::int64_t first = ask(1);
  const std::int64_t second = ask(2);
  EXPECT_TRUE(say(DialResponse{"", 8, second}));
  EXPECT_TRUE(say(DialResponse{"", 7, first}));
  EXPECT_EQ(flows_[1]->id(), 7);
  EXPECT_EQ(flows_[2]->id(), 8);
}

TEST_F(TunnelBackend, AgentCannotPutOneConnectionInAnothersPlace) {
  EXPECT_TRUE(say(DialResponse{"", 7, ask(1)}));
  const std::int64_t second = ask(2);
  EXPECT_FALSE(say(DialResponse{"", 7, second}));
  EXPECT_FALSE(say(DialResponse{"", 7, 999}));
  EXPECT_FALSE(flows_[1]->is_closed());
  EXPECT_FALSE(flows_.contains(2));
}

TEST_F(TunnelBackend, RepeatedAnswerToNobodyIsClosedOnce) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(say(DialResponse{"", 7, 999}));
  EXPECT_EQ(agent_->packets.size(), 1U);
  EXPECT_TRUE(say(CloseResponse{"", 7}));
  EXPECT_EQ(backend_->connections(), 0U);
}

TEST_F(TunnelBackend, AgentCannotMakeUsRememberConnectionsWithoutEnd) {
  const auto result = run_coroutine(io_, send_for_unknown(20'000));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kResourceExhausted);
  EXPECT_LT(backend_->connections(), 20'000U);
}

TEST_F(TunnelBackend, AgentCannotDial) {
  EXPECT_TRUE(say(DialRequest{"tcp", "127.0.0.1:6443", 1}));
  EXPECT_TRUE(agent_->packets.empty());
  EXPECT_EQ(backend_->connections(), 0U);
}

TEST(TunnelToken, IsThatOfOneAccountForOneAudience) {
  const TokenRule rule{"system:konnectivity-server", "kube-system", "konnectivity-agent"};
  const auto review = [&](std::string_view status) {
    return judge(boost::json::parse(R"({"status": )" + std::string(status) + "}"), rule);
  };
  const std::string agent = R"("username": "system:serviceaccount:kube-system:konnectivity-agent")";
  const std::string audience = R"("audiences": ["x", "system:konnectivity-server"])";
  const std::string good = R"("authenticated": true, "user": {)" + agent + "}, " + audience;
  EXPECT_TRUE(review("{" + good + "}"));
  EXPECT_FALSE(review("{}"));
  EXPECT_EQ(review(R"({"authenticated": false, "error": "expired"})").error().message, "expired");
  EXPECT_EQ(review(R"({"user": {)" + agent + "}, " + audience + "}").error().code,
            Code::kUnauthenticated);
  // Of another account, and of a user who calls himself nearly so.
  for (const auto* name : {"system:serviceaccount:default:konnectivity-agent",
                           "system:serviceaccount:kube-system:konnectivity-agent2", "admin", ""}) {
    const std::string user = R"("user": {"username": ")" + std::string(name) + R"("}, )";
    EXPECT_EQ(review(R"({"authenticated": true, )" + user + audience + "}").error().code,
              Code::kPermissionDenied);
  }
  // Made for the API server itself, or by one that knows no audiences.
  EXPECT_EQ(review(R"({"authenticated": true, "audiences": ["https://kubernetes"], "user": {)" +
                   agent + "}}")
                .error()
                .code,
            Code::kUnauthenticated);
  EXPECT_FALSE(review(R"({"authenticated": true, "user": {)" + agent + "}}"));
}

/// Without anything that agents show.
ServerOptions server_options() {
  ServerOptions out;
  out.uds_name = "/run/x.sock";
  out.server_port = 0;
  out.cluster_cert = "/c";
  out.cluster_key = "/k";
  return out;
}

TEST(TunnelServerOptions, NobodySpeaksOverANetworkWithoutTls) {
  ServerOptions good = server_options();
  good.cluster_ca_cert = "/ca";
  EXPECT_TRUE(check(good));
  ServerOptions agents = good;
  agents.cluster_cert = "";
  EXPECT_FALSE(check(agents));
  ServerOptions port = good;
  port.uds_name = "";
  port.server_port = 8090;
  EXPECT_FALSE(check(port));
  port.server_cert = "/c";
  port.server_key = "/k";
  EXPECT_FALSE(check(port)) << "whoever can connect would use the tunnel";
  port.server_ca_cert = "/ca";
  EXPECT_TRUE(check(port));
}

TEST(TunnelServerOptions, AgentsShowTokensOrCertificates) {
  const ServerOptions none = server_options();
  EXPECT_FALSE(check(none)) << "anybody would be an agent";
  ServerOptions half = none;
  half.authentication_audience = "a";
  EXPECT_FALSE(check(half));
  ServerOptions tokens = half;
  tokens.agent_namespace = "kube-system";
  tokens.agent_service_account = "konnectivity-agent";
  EXPECT_TRUE(check(tokens));
  ServerOptions both = tokens;
  both.cluster_ca_cert = "/ca";
  EXPECT_FALSE(check(both));
}

}  // namespace
}  // namespace nestor::tunnel
