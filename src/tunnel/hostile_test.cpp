// Ends that die at any moment, and agents that say what none says.

#include "tunnel/testing/tunnel_fixture.hpp"

namespace nestor::tunnel {
namespace {

std::size_t descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

class HostileTunnel : public Tunnel {
 protected:
  /// An agent's stream without an agent.
  std::unique_ptr<grpc::ClientCall> connect_agent() {
    const grpc::Target target{.host = "127.0.0.1", .port = agents_server_->port(), .tls = false};
    agent_channel_ = std::move(
        run_coroutine<std::unique_ptr<grpc::Channel>>(io_, grpc::connect(tasks_, target)).value());
    auto call = std::move(
        agent_channel_->call("/AgentService/Connect", {.metadata = {{"agentid", "evil"}}}).value());
    run_until([this] { return tunnel_->ready(); });
    return call;
  }

  void TearDown() override {
    agent_channel_.reset();
    Tunnel::TearDown();
  }

  double established() {
    return metrics_
        .gauge("konnectivity_network_proxy_server_established_connections",
               "Tunnelled connections that are open")
        .value();
  }

  int pick(int of) { return static_cast<int>(random_.uniform() * of); }

  /// One connection in some state, left in it.
  std::unique_ptr<Frontend> begin_something() {
    auto front = std::make_unique<Frontend>(io_, *channel_);
    const int what = pick(5);
    if (what == 0) return front;
    if (what == 1) {
      EXPECT_TRUE(front->send(DialRequest{"tcp", endpoint_.address(), 99}));
      return front;
    }
    if (front->dial(endpoint_.address()).error != "") return front;
    const std::string bytes = what == 2 ? "s" : what == 3 ? "e" : "hello";
    EXPECT_TRUE(front->send(Data{front->id, bytes}));
    for (int i = pick(3); i > 0; --i) {
      // More than any buffer in between takes.
      front->call().post(encode(Data{front->id, std::string(1024 * 1024, 'x')}));
    }
    return front;
  }

  std::unique_ptr<grpc::Channel> agent_channel_;
};

TEST_F(HostileTunnel, NothingIsLeftWhateverDiesWhen) {
  start();
  endpoint_.answer = std::string(2 * 1024 * 1024, 'a');
  quiesce();
  const std::size_t before = descriptors();
  for (int round = 0; round < 12; ++round) {
    run_until([this] { return tunnel_->ready() && agents_[0]->ready(); });
    std::vector<std::unique_ptr<Frontend>> fronts;
    for (int i = 0; i < 4; ++i) fronts.push_back(begin_something());
    for (int i = pick(40); i > 0; --i) io_.poll_one();
    switch (round % 4) {
      case 0:
        fronts.clear();
        break;
      case 1: {
        // The API server dies.
        channel_.reset();
        auto made = run_coroutine<std::unique_ptr<grpc::Channel>>(
            io_, grpc::connect(tasks_, {.unix_path = folder_ + "/p.sock"}));
        channel_ = std::move(made.value());
        break;
      }
      case 2: {
        run_coroutine(io_, agents_[0]->stop());
        agents_.clear();
        add_agent();
        break;
      }
      default:
        for (const auto& front : fronts) (void)front->send(CloseRequest{front->id});
    }
    for (int i = pick(40); i > 0; --i) io_.poll_one();
    fronts.clear();
    run_until([this] { return connections() == 0 && established() == 0; });
  }
  run_until([this] { return tunnel_->ready() && agents_[0]->ready(); });
  quiesce();
  // An endpoint that reads nothing cannot see that it is alone.
  run_until([&] { return descriptors() <= before + static_cast<std::size_t>(endpoint_.open); });
}

TEST_F(HostileTunnel, AgentCannotMakeTheServerDial) {
  serve();
  const auto agent = connect_agent();
  for (const std::int64_t random : {1, 2, 99}) {
    agent->post(encode(DialRequest{"tcp", endpoint_.address(), random}));
  }
  quiesce();
  EXPECT_EQ(endpoint_.open, 0);
  EXPECT_TRUE(tunnel_->ready());
}

TEST_F(HostileTunnel, AgentThatBreaksTheRulesLosesItsStream) {
  serve();
  const auto agent = connect_agent();
  Frontend front = frontend();
  ASSERT_TRUE(front.send(DialRequest{"tcp", "10.0.0.1:10250", 99}));
  quiesce();
  agent->post(encode(DialResponse{"", 1, 1}));
  const auto opened = front.read();
  ASSERT_TRUE(opened);
  EXPECT_EQ(std::get<DialResponse>(*opened).connect_id, 1);
  agent->post(encode(DialResponse{"", 1, 1}));
  run_until([this] { return !tunnel_->ready(); });
  const auto ended = front.read();
  ASSERT_TRUE(ended);
  EXPECT_NE(std::get<CloseResponse>(*ended).error, "");
}

/// Whether the next packet of a server to an agent's stream is a request to dial; it is refused.
Task<bool> refuse_dial(grpc::ClientCall& agent) {
  NESTOR_CO_TRY(const std::optional<std::string> bytes, co_await agent.read());
  if (!bytes) co_return false;
  NESTOR_CO_TRY(const Packet packet, decode(*bytes));
  const auto* request = std::get_if<DialRequest>(&packet);
  if (request == nullptr) co_return false;
  agent.post(encode(DialResponse{"refused", 0, request->random}));
  co_return true;
}

TEST_F(HostileTunnel, OfTwoStreamsOfOneAgentTheFirstIsUsed) {
  serve();
  auto first = connect_agent();
  const auto second = std::move(
      agent_channel_->call("/AgentService/Connect", {.metadata = {{"agentid", "evil"}}}).value());
  const auto count = [this] {
    return metrics_
        .gauge("konnectivity_network_proxy_server_ready_backend_connections", "Connected agents")
        .value();
  };
  run_until([&] { return count() == 2; });
  const auto dial_reaches = [this](grpc::ClientCall& agent) {
    Frontend front = frontend();
    EXPECT_TRUE(front.send(DialRequest{"tcp", "10.0.0.1:10250", 99}));
    EXPECT_TRUE(run_coroutine<bool>(io_, refuse_dial(agent)).value_or(false));
    const auto answer = front.read();
    return answer && std::get<DialResponse>(*answer).error == "refused";
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(dial_reaches(*first));
  first.reset();
  run_until([&] { return count() == 1; });
  EXPECT_TRUE(dial_reaches(*second));
}

TEST_F(HostileTunnel, ReviewsAreFewAndEndWithTheirCalls) {
  int reviews = 0;
  Signal answered;
  struct Review {
    explicit Review(int& of) : all(of) { ++all; }
    ~Review() { --all; }
    Review(const Review&) = delete;
    Review& operator=(const Review&) = delete;
    static Task<> wait(int& all, Signal& answered) {
      const Review one(all);
      co_return co_await answered.wait();
    }
    int& all;
  };
  serve({.server_id = "s1"}, [&](std::string) { return Review::wait(reviews, answered); });
  const grpc::Target target{.host = "127.0.0.1", .port = agents_server_->port(), .tls = false};
  agent_channel_ = std::move(
      run_coroutine<std::unique_ptr<grpc::Channel>>(io_, grpc::connect(tasks_, target)).value());
  const auto call = [&](std::size_t token) {
    const std::string bearer = "Bearer " + std::string(token, 't');
    return std::move(agent_channel_
                         ->call("/AgentService/Connect",
                                {.metadata = {{"agentid", "evil"}, {"authorization", bearer}}})
                         .value());
  };
  const auto answer = [&](grpc::ClientCall& of) {
    return run_coroutine<std::optional<std::string>>(io_, of.read()).error().code;
  };
  EXPECT_EQ(answer(*call(kMaxToken + 1)), Code::kUnauthenticated);
  std::vector<std::unique_ptr<grpc::ClientCall>> calls;
  for (int i = 0; i < kMaxReviews; ++i) calls.push_back(call(1000));
  run_until([&] { return reviews == kMaxReviews; });
  EXPECT_EQ(answer(*call(1000)), Code::kResourceExhausted);
  calls.pop_back();
  run_until([&] { return reviews == kMaxReviews - 1; });
  agent_channel_.reset();
  run_until([&] { return reviews == 0; });
}

/// Makes the server close a connection that nobody asked for, again and again, and reads nothing.
Task<> never_read(grpc::ClientCall& call, int& rounds) {
  constexpr std::int64_t kLong = -1;
  while (true) {
    std::string data = encode(Data{kLong, "x"});
    NESTOR_CO_TRY_VOID(co_await call.write(std::move(data)));
    std::string closed = encode(CloseResponse{"", kLong});
    NESTOR_CO_TRY_VOID(co_await call.write(std::move(closed)));
    ++rounds;
  }
}

TEST_F(HostileTunnel, AgentThatReadsNothingLosesItsStream) {
  serve();
  const auto agent = connect_agent();
  int rounds = 0;
  tasks_.spawn("never read", never_read(*agent, rounds));
  run_until([this] { return !tunnel_->ready(); });
  // Two windows of HTTP/2 and the limit, at some twenty bytes a round.
  EXPECT_LT(rounds, 200'000);
}

TEST_F(HostileTunnel, PortOfTheAgentsServesNoFrontend) {
  serve();
  const auto agent = connect_agent();
  const auto call = std::move(agent_channel_->call("/ProxyService/Proxy").value());
  call->post(encode(DialRequest{"tcp", endpoint_.address(), 1}));
  const auto answer = run_coroutine<std::optional<std::string>>(io_, call->read());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnimplemented);
}

}  // namespace
}  // namespace nestor::tunnel
