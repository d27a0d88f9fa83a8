#include "net/testing/http_fixture.hpp"

namespace nestor::net {
namespace {

class Client : public HttpTest {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  static Task<> request_and_drop(HttpClient& client, HttpRequest request) {
    const auto response = co_await client.request(std::move(request));
    if (!response) co_return std::unexpected(response.error());
    co_return Result<>{};
  }
  /// Starts a request against a peer, lets it get stuck, and closes its group.
  void expect_cancellable(HttpClient& to, HttpRequest request = {});
  /// Runs the loop until the newest peer has that many connections.
  void run_until_connected(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (peers_.back()->received().size() < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      io_.run_one_until(until);
    }
    settle(io_);
  }
};

TEST_F(Client, SendsAndReceives) {
  HttpClient& to = client(serve().port());
  const auto response = send(to, {.method = "POST", .target = "/x?y=z", .body = "hello"});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("content-type"), "text/plain");
  EXPECT_EQ(response->body, "POST /x?y=z hello");
  const auto missing = get(to, "/missing");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(get(to, "/big")->body.size(), 1024U * 1024);
  EXPECT_EQ(send(to, {.method = "HEAD", .target = "/big"})->body, "");
  EXPECT_EQ(send(to, {.method = "PUT", .body = std::string(4 << 20, 'x')})->body.size(),
            (4U << 20) + 6);
}

TEST_F(Client, ResolvesNames) {
  const auto response = get(client({.host = "localhost", .port = serve().port(), .tls = false}));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
}

TEST_F(Client, ReusesAConnection) {
  ScriptedPeer& server = peer({{{}, {Step::kSend, kOk}, {}, {Step::kSend, kOk}, {Step::kStall}}});
  HttpClient& to = client(server.port());
  ASSERT_TRUE(get(to, "/1"));
  ASSERT_TRUE(get(to, "/2"));
  EXPECT_EQ(server.received().size(), 1U);
}

TEST_F(Client, ObeysConnectionClose) {
  ScriptedPeer& server =
      peer({{{}, {Step::kSend, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end"}}});
  HttpClient& to = client(server.port());
  EXPECT_EQ(get(to)->body, "until the end");
  EXPECT_EQ(get(to)->body, "until the end");
  EXPECT_EQ(server.received().size(), 2U);
}

TEST_F(Client, SkipsInterimAnswersAndReadsChunks) {
  ScriptedPeer& server =
      peer({{{},
             {Step::kSend,
              "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"
              "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
             {Step::kStall}}});
  EXPECT_EQ(get(client(server.port()))->body, "abcde");
}

TEST_F(Client, LimitsWhatStandsAroundTheBody) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string large(1 << 20, 'x');
  for (const std::string& text : {head + "1;" + large, head + "0\r\na: " + large}) {
    const auto answer = get(client(peer({{{}, {Step::kSend, text}, {Step::kAwaitEnd}}}).port()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kResourceExhausted);
  }
}

TEST_F(Client, DropsAnIdleConnectionThatTheServerClosed) {
  ScriptedPeer& server = peer({{{}, {Step::kSend, kOk}}});
  HttpClient& to = client(server.port());
  ASSERT_TRUE(get(to));
  settle(io_);
  // Not even a POST notices: the closed connection is seen before anything is sent.
  EXPECT_TRUE(send(to, {.method = "POST"}));
  EXPECT_EQ(server.received().size(), 2U);
}

TEST_F(Client, RepeatsAnIdempotentRequestOnAStaleConnection) {
  // The peer takes the second request and closes without an answer.
  ScriptedPeer& server =
      peer({{{}, {Step::kSend, kOk}, {}}, {{}, {Step::kSend, kOk}, {}}, {{}, {Step::kSend, kOk}}});
  HttpClient& to = client(server.port());
  ASSERT_TRUE(get(to, "/1"));
  const auto again = get(to, "/2");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(server.received().size(), 2U);
  EXPECT_NE(server.received()[0].find("GET /2"), std::string::npos);
  EXPECT_NE(server.received()[1].find("GET /2"), std::string::npos);
  // A POST may have been carried out: not repeated.
  const auto post = send(to, {.method = "POST", .target = "/3"});
  ASSERT_FALSE(post);
  EXPECT_EQ(post.error().code, Code::kUnavailable);
  EXPECT_EQ(server.received().size(), 2U);
}

TEST_F(Client, DoesNotRepeatOnAFreshConnection) {
  ScriptedPeer& server = peer({{{}}});
  const auto response = get(client(server.port()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_EQ(server.received().size(), 1U);
}

TEST_F(Client, ReportsRefusalAndBrokenAnswers) {
  std::uint16_t free_port = 0;
  {
    asio::ip::tcp::acceptor unused(io_, {asio::ip::address_v4::loopback(), 0});
    free_port = unused.local_endpoint().port();
  }
  const auto refused = get(client(free_port));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos) << refused.error().message;
  for (const char* answer : {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
                             "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    ScriptedPeer& server = peer({{{}, {Step::kSend, answer}}});
    const auto broken = get(client(server.port()));
    ASSERT_FALSE(broken) << answer;
    EXPECT_EQ(broken.error().code, Code::kUnavailable);
  }
}

TEST_F(Client, RefusesABodyBeyondTheLimit) {
  ScriptedPeer& server = peer(
      {{{}, {Step::kSend, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"}, {Step::kStall}}});
  const auto response = get(client(server.port()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kResourceExhausted);
}

TEST_F(Client, TimesOutOnAStallingPeer) {
  ScriptedPeer& server = peer({{{Step::kStall}}});
  const auto response = send(client(server.port()), {.timeout = Duration(30)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kDeadlineExceeded);
  ScriptedPeer& half = peer({{{}, {Step::kSend, "HTTP/1.1 200 OK\r\nConte"}, {Step::kStall}}});
  const auto partial = send(client(half.port()), {.timeout = Duration(30)});
  ASSERT_FALSE(partial);
  EXPECT_EQ(partial.error().code, Code::kDeadlineExceeded);
}

TEST_F(Client, TimesOutInTheTlsHandshake) {
  ScriptedPeer& server = peer({{{Step::kStall}}});
  HttpClient& to = client({.host = "127.0.0.1", .port = server.port(), .tls = true});
  const auto response = send(to, {.timeout = Duration(30)});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kDeadlineExceeded);
}

void Client::expect_cancellable(HttpClient& to, HttpRequest request) {
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("request", request_and_drop(to, std::move(request)));
  run_until_connected(1);
  ASSERT_EQ(tasks.size(), 1U);
  run_coroutine(io_, tasks.close());
  EXPECT_EQ(tasks.size(), 0U);
}

TEST_F(Client, CancelsWhileWriting) {
  // Nobody reads, and 8 MiB fit into no socket buffer.
  expect_cancellable(client(peer({{{Step::kStall}}}).port()),
                     {.method = "PUT", .body = std::string(8 << 20, 'x')});
}

TEST_F(Client, CancelsWhileWaitingForTheAnswer) {
  expect_cancellable(client(
      peer({{{}, {Step::kSend, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"}, {Step::kStall}}})
          .port()));
}

TEST_F(Client, CancelsInTheTlsHandshake) {
  ScriptedPeer& server = peer({{{Step::kStall}}});
  expect_cancellable(client({.host = "127.0.0.1", .port = server.port(), .tls = true}));
}

TEST_F(Client, CancelsWhileTheProxyIsSilent) {
  ScriptedPeer& proxy = peer({{{}, {Step::kStall}}});
  expect_cancellable(client({.host = "127.0.0.1",
                             .port = 1,
                             .tls = false,
                             .proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port())}));
}

TEST_F(Client, CancelsBeforeTheFirstStep) {
  HttpClient& to = client(peer({{{Step::kStall}}}).port());
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("request", request_and_drop(to, {}));
  run_coroutine(io_, tasks.close());
  EXPECT_EQ(tasks.size(), 0U);
}

TEST_F(Client, LimitsOpenConnectionsAndServesWaitersInTurn) {
  ScriptedPeer& server = peer({{{Step::kStall}}});
  HttpClient& to = client(server.port());
  TaskGroup tasks(io_.get_executor());
  for (int i = 0; i < 20; ++i) tasks.spawn("request", request_and_drop(to, {}));
  run_until_connected(16);
  // The seventeenth and later ones wait for a place; this one gives up first.
  const auto late = send(to, {.timeout = Duration(50)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(server.received().size(), 16U);
  run_coroutine(io_, tasks.close());
  // All places are free again.
  const auto after = send(to, {.timeout = Duration(20)});
  EXPECT_EQ(server.received().size(), 17U);
  EXPECT_FALSE(after);
}

TEST_F(Client, ManyRequestsShareThePool) {
  HttpClient& to = client(serve().port());
  TaskGroup tasks(io_.get_executor());
  for (int i = 0; i < 100; ++i) tasks.spawn("request", request_and_drop(to, {.target = "/big"}));
  // Only a hang takes that long, also on a busy machine.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(50);
  while (tasks.size() > 0 && io_.run_one_until(until) > 0) {
  }
  EXPECT_EQ(tasks.size(), 0U);
  run_coroutine(io_, tasks.close());
}

TEST_F(Client, ConnectsThroughAProxy) {
  HttpServer& server = serve();
  ScriptedPeer& proxy = peer({{{},
                               {Step::kSend, "HTTP/1.1 200 Connection established\r\n\r\n"},
                               {Step::kTunnel, std::to_string(server.port())}}});
  HttpClient& to = client({.host = "api.tenant",
                           .port = 6443,
                           .tls = false,
                           .proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port())});
  for (int i = 0; i < 3; ++i) {
    const auto response = get(to, "/x");
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "GET /x ");
  }
  EXPECT_EQ(proxy.received().size(), 1U) << "a tunnel is kept for the next request";
  EXPECT_TRUE(proxy.received()[0].starts_with("CONNECT api.tenant:6443 HTTP/1.1\r\n"));
}

TEST_F(Client, ReportsAProxyThatRefuses) {
  ScriptedPeer& proxy = peer({{{}, {Step::kSend, "HTTP/1.1 503 No agent\r\n\r\n"}}});
  HttpClient& to = client({.host = "api.tenant",
                           .tls = false,
                           .proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port())});
  const auto response = get(to);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_NE(response.error().message.find("503 No agent"), std::string::npos)
      << response.error().message;
}

TEST_F(Client, RefusesABadConfiguration) {
  const auto code = [&](HttpEndpoint endpoint) {
    const auto made = make_http_client(io_.get_executor(), std::move(endpoint));
    return made ? Code::kUnknown : made.error().code;
  };
  EXPECT_EQ(code({.host = ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({.host = "a", .proxy_url = "socks5://x"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.host = "a", .tls_config = {.ca_pem = "no PEM"}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.host = "a", .tls_config = {.cert_pem = "x"}}), Code::kInvalidArgument);
}

}  // namespace
}  // namespace nestor::net
