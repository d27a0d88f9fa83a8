#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "base/signal.hpp"
#include "base/testing/co_test.hpp"
#include "net/grpc/client.hpp"
#include "net/grpc/server.hpp"
#include "net/testing/certificates.hpp"
#include "net/testing/scripted_peer.hpp"

namespace nestor::grpc {
namespace {

/// What unary() asks of a protobuf message.
struct Text {
  std::string text;
  bool ParseFromString(const std::string& bytes) {
    text = bytes;
    return bytes != "unreadable";
  }
  std::string SerializeAsString() const { return text; }
};

Task<Text> greet(Text request) {
  if (request.text == "nobody") {
    co_return fail(Code::kNotFound, "nobody is \"there\": 100 %\n");
  }
  co_return Text{"hello " + request.text};
}

/// Every message back, until the client has sent its last.
Task<> echo(ServerCall& call) {
  while (true) {
    NESTOR_CO_TRY(std::optional<std::string> message, co_await call.read());
    if (!message) co_return Result<>{};
    NESTOR_CO_TRY_VOID(co_await call.write(std::move(*message)));
  }
}

Task<> greet_with_metadata(ServerCall& call) {
  call.send_headers({{"server-id", "s1"}, {"seen", std::string(find(call.metadata(), "who"))}});
  NESTOR_CO_TRY_VOID(co_await call.read());
  co_return fail(Code::kAborted, "after headers");
}

class Grpc : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "grpc-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    where_.unix_path = folder_ + "/s.sock";
  }

  void TearDown() override {
    channel_.reset();
    if (server_) run_coroutine(io_, server_->stop());
    run_coroutine(io_, tasks_.close());
    if (peer_) run_coroutine(io_, peer_->close());
    std::filesystem::remove_all(folder_);
  }

  /// Keeps what it reads, and how the client ended.
  Task<> collect(ServerCall& call) {
    while (true) {
      while (paused_) {
        NESTOR_CO_TRY_VOID(co_await unpaused_.wait());
      }
      Result<std::optional<std::string>> message = co_await call.read();
      if (!message) {
        ended_ = message.error();
        unpaused_.notify();
        co_return std::unexpected(message.error());
      }
      if (!*message) break;
      collected_.push_back(std::move(**message));
    }
    co_return co_await call.write(std::to_string(collected_.size()));
  }

  void serve(Options options = {}) {
    Handlers handlers;
    handlers["/test.Test/Greet"] = unary<Text, Text>(greet);
    handlers["/test.Test/Echo"] = echo;
    handlers["/test.Test/Metadata"] = greet_with_metadata;
    handlers["/test.Test/Collect"] = [this](ServerCall& call) { return collect(call); };
    server_ = std::make_unique<Server>(io_.get_executor(), std::move(handlers), options);
    const auto bound = server_->listen(where_);
    ASSERT_TRUE(bound) << bound.error().message;
  }

  Result<std::unique_ptr<Channel>> dial(Target target, Options options = {}) {
    return run_coroutine<std::unique_ptr<Channel>>(
        io_, connect(tasks_, std::move(target), options, std::chrono::seconds(5)));
  }

  void start(Options options = {}, Options client = {}) {
    serve(options);
    auto made = dial({.unix_path = where_.unix_path}, client);
    ASSERT_TRUE(made) << made.error().message;
    channel_ = std::move(*made);
  }

  Result<std::string> unary_call(std::string method, std::string request,
                                 CallOptions options = {}) {
    return run_coroutine<std::string>(
        io_, channel_->call_unary("/test.Test/" + method, std::move(request), options));
  }

  std::unique_ptr<ClientCall> begin(const std::string& method, CallOptions options = {}) {
    auto made = channel_->call("/test.Test/" + method, std::move(options));
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  Result<> write(ClientCall& call, std::string message) {
    return run_coroutine<void>(io_, call.write(std::move(message)));
  }
  Result<std::optional<std::string>> read(ClientCall& call) {
    return run_coroutine<std::optional<std::string>>(io_, call.read());
  }

  /// Writes `count` messages of `size` and counts those that found room.
  Task<> flood(ClientCall& call, std::size_t count, std::size_t size) {
    for (std::size_t i = 0; i < count; ++i) {
      std::string message(size, 'f');
      NESTOR_CO_TRY_VOID(co_await call.write(std::move(message)));
      ++flooded_;
    }
    call.finish_writing();
    co_return Result<>{};
  }

  /// Runs the loop until nothing happens for a moment.
  void quiesce() {
    if (io_.stopped()) io_.restart();
    while (io_.run_one_for(std::chrono::milliseconds(30)) > 0) {
    }
  }

  asio::io_context io_;
  std::string folder_;
  Listen where_;
  std::unique_ptr<net::ScriptedPeer> peer_;
  bool paused_ = false;
  Signal unpaused_;
  std::vector<std::string> collected_;
  std::optional<Error> ended_;
  std::size_t flooded_ = 0;
  std::unique_ptr<Server> server_;
  TaskGroup tasks_{io_.get_executor()};
  std::unique_ptr<Channel> channel_;
};

TEST_F(Grpc, UnaryCallGivesItsResponse) {
  start();
  EXPECT_EQ(unary_call("Greet", "ada").value(), "hello ada");
  EXPECT_EQ(unary_call("Greet", "").value(), "hello ");
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(Grpc, ErrorReachesTheClientAsItIs) {
  start();
  const auto answer = unary_call("Greet", "nobody");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kNotFound);
  EXPECT_EQ(answer.error().message, "nobody is \"there\": 100 %\n");
  EXPECT_EQ(unary_call("Greet", "unreadable").error().code, Code::kInternal);
  EXPECT_EQ(unary_call("Nothing", "").error().code, Code::kUnimplemented);
}

TEST_F(Grpc, MessagesGoBothWays) {
  start();
  const auto call = begin("Echo");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(write(*call, std::to_string(i)));
    EXPECT_EQ(read(*call).value(), std::to_string(i));
  }
  call->finish_writing();
  EXPECT_EQ(read(*call).value(), std::nullopt);
  EXPECT_EQ(write(*call, "late").error().code, Code::kCancelled);
}

TEST_F(Grpc, MessageLargerThanTheWindowArrives) {
  start({.window = 64 * 1024}, {.window = 64 * 1024});
  std::string large(3 * 1024 * 1024, 'x');
  large[1'000'000] = 'y';
  EXPECT_EQ(unary_call("Echo", large).value(), large);
}

TEST_F(Grpc, MessageOverTheLimitEndsTheCallOnly) {
  start({.max_message = 1000});
  const auto answer = unary_call("Echo", std::string(1001, 'x'));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kResourceExhausted);
  EXPECT_EQ(unary_call("Echo", "small").value(), "small");
}

TEST_F(Grpc, MetadataGoesBothWays) {
  start();
  const auto call = begin("Metadata", {.metadata = {{"who", "me"}}});
  const auto headers = run_coroutine<Metadata>(io_, call->headers());
  ASSERT_TRUE(headers);
  EXPECT_EQ(find(*headers, "server-id"), "s1");
  EXPECT_EQ(find(*headers, "seen"), "me");
  call->finish_writing();
  EXPECT_EQ(read(*call).error().message, "after headers");
}

TEST_F(Grpc, SlowReaderHoldsItsOwnWriterBackAndNoOther) {
  paused_ = true;
  start({.window = 64 * 1024}, {.write_ahead = 32 * 1024});
  const auto slow = begin("Collect");
  constexpr std::size_t kCount = 1000;
  tasks_.spawn("flood", flood(*slow, kCount, 1024));
  quiesce();
  EXPECT_GE(flooded_, 64U);
  EXPECT_LE(flooded_, 64U + 33U);
  EXPECT_EQ(unary_call("Greet", "other").value(), "hello other");
  paused_ = false;
  unpaused_.notify();
  EXPECT_EQ(read(*slow).value(), std::to_string(kCount));
  EXPECT_EQ(read(*slow).value(), std::nullopt);
}

TEST_F(Grpc, DeadlineEndsTheCallOnBothSides) {
  start();
  const auto call = begin("Collect", {.timeout = Duration(20)});
  const auto answer = read(*call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
  quiesce();
  ASSERT_TRUE(ended_);
  EXPECT_TRUE(ended_->code == Code::kDeadlineExceeded || ended_->code == Code::kCancelled);
}

TEST_F(Grpc, ServerSeesThatTheClientGaveUp) {
  start();
  auto call = begin("Collect");
  ASSERT_TRUE(write(*call, "one"));
  quiesce();
  call.reset();
  quiesce();
  EXPECT_EQ(collected_.size(), 1U);
  ASSERT_TRUE(ended_);
  EXPECT_EQ(ended_->code, Code::kCancelled);
}

TEST_F(Grpc, ServerSeesThatTheConnectionIsGone) {
  start();
  const auto call = begin("Collect");
  ASSERT_TRUE(write(*call, "one"));
  quiesce();
  channel_.reset();
  quiesce();
  ASSERT_TRUE(ended_);
  EXPECT_EQ(ended_->code, Code::kCancelled);
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(read(*call).error().code, Code::kUnavailable);
}

TEST_F(Grpc, ClientSeesThatTheServerIsGone) {
  start();
  const auto call = begin("Echo");
  ASSERT_TRUE(write(*call, "one"));
  EXPECT_EQ(read(*call).value(), "one");
  run_coroutine(io_, server_->stop());
  EXPECT_FALSE(read(*call));
  quiesce();
  EXPECT_FALSE(channel_->is_open());
  EXPECT_EQ(channel_->call("/test.Test/Echo").error().code, Code::kUnavailable);
}

TEST_F(Grpc, StopLetsRunningCallsEnd) {
  start();
  const auto call = begin("Echo");
  ASSERT_TRUE(write(*call, "one"));
  EXPECT_EQ(read(*call).value(), "one");
  bool stopped = false;
  struct Stop {
    static Task<> run(Server& server, bool& done) {
      co_await server.stop(std::chrono::seconds(10));
      done = true;
      co_return Result<>{};
    }
  };
  tasks_.spawn("stop", Stop::run(*server_, stopped));
  quiesce();
  EXPECT_FALSE(stopped);
  EXPECT_FALSE(channel_->is_open());
  ASSERT_TRUE(write(*call, "two"));
  EXPECT_EQ(read(*call).value(), "two");
  call->finish_writing();
  EXPECT_EQ(read(*call).value(), std::nullopt);
  quiesce();
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(std::filesystem::exists(where_.unix_path));
}

TEST_F(Grpc, SocketFileOfADeadServerIsReplaced) {
  start();
  Server second(io_.get_executor(), {});
  EXPECT_TRUE(second.listen(where_));
  run_coroutine(io_, second.stop());
}

TEST_F(Grpc, SilentPeerIsNoticed) {
  peer_ = std::make_unique<net::ScriptedPeer>(
      io_.get_executor(),
      std::vector<net::ScriptedPeer::Script>{{{.kind = net::ScriptedPeer::Step::kStall}}});
  auto made = dial({.host = "127.0.0.1", .port = peer_->port(), .tls = false},
                   {.keepalive_time = Duration(10), .keepalive_timeout = Duration(10)});
  ASSERT_TRUE(made);
  channel_ = std::move(*made);
  const auto call = begin("Echo");
  const auto answer = read(*call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(answer.error().message, "the peer gives no sign of life");
}

TEST_F(Grpc, PeerThatSpeaksNoHttp2IsNamed) {
  peer_ = std::make_unique<net::ScriptedPeer>(
      io_.get_executor(),
      std::vector<net::ScriptedPeer::Script>{
          {{.kind = net::ScriptedPeer::Step::kSend, .text = "HTTP/1.1 400 Bad Request\r\n\r\n"},
           {.kind = net::ScriptedPeer::Step::kAwaitEnd}}});
  auto made = dial({.host = "127.0.0.1", .port = peer_->port(), .tls = false});
  ASSERT_TRUE(made);
  channel_ = std::move(*made);
  EXPECT_EQ(unary_call("Echo", "x").error().code, Code::kUnavailable);
}

class GrpcTls : public Grpc {
 protected:
  GrpcTls()
      : ca_(net::make_test_ca("server ca")),
        client_ca_(net::make_test_ca("client ca")),
        server_leaf_(net::make_test_leaf(ca_, {"DNS:tunnel.example"})),
        client_leaf_(net::make_test_leaf(client_ca_, {"DNS:agent"})) {}

  void SetUp() override {
    Grpc::SetUp();
    where_.unix_path.clear();
    where_.address = "127.0.0.1";
    where_.tls = {.cert_pem = server_leaf_.cert_pem, .key_pem = server_leaf_.key_pem};
  }

  Target target() {
    Target out{.host = "127.0.0.1", .port = server_->port()};
    out.tls_config.ca_pem = ca_.cert_pem;
    out.tls_config.server_name = "tunnel.example";
    return out;
  }

  net::TestCertificate ca_, client_ca_, server_leaf_, client_leaf_;
};

TEST_F(GrpcTls, CallsGoOverTls) {
  serve();
  auto made = dial(target());
  ASSERT_TRUE(made) << made.error().message;
  channel_ = std::move(*made);
  EXPECT_EQ(unary_call("Greet", "tls").value(), "hello tls");
  const std::string large(1024 * 1024, 't');
  EXPECT_EQ(unary_call("Echo", large).value(), large);
}

TEST_F(GrpcTls, ClientNeedsItsCertificateWhenTheServerSaysSo) {
  where_.tls.client_ca_pem = client_ca_.cert_pem;
  serve();
  auto without = dial(target());
  if (without) {
    // TLS 1.3: the refusal comes after the client's handshake.
    channel_ = std::move(*without);
    EXPECT_EQ(unary_call("Greet", "x").error().code, Code::kUnavailable);
  }
  Target with = target();
  with.tls_config.cert_pem = client_leaf_.cert_pem;
  with.tls_config.key_pem = client_leaf_.key_pem;
  auto made = dial(with);
  ASSERT_TRUE(made) << made.error().message;
  channel_ = std::move(*made);
  EXPECT_EQ(unary_call("Greet", "x").value(), "hello x");
}

TEST_F(GrpcTls, OtherProtocolIsRefused) {
  serve();
  Target wrong = target();
  wrong.tls_config.alpn = "http/1.1";
  EXPECT_EQ(dial(wrong).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace nestor::grpc
