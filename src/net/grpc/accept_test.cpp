#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <set>
#include <thread>
#include <vector>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "net/grpc/client.hpp"
#include "net/grpc/server.hpp"

namespace nestor::grpc {
namespace {

/// Never ends by itself.
Task<> hold(ServerCall& call) {
  NESTOR_CO_TRY_VOID(co_await call.gone());
  co_return Result<>{};
}

/// What a server does with connections, beside calls.
class GrpcAccept : public testing::Test {
 protected:
  void TearDown() override {
    channel_.reset();
    if (server_) run_coroutine(io_, server_->stop());
    run_coroutine(io_, tasks_.close());
  }

  void serve(Options options) {
    Handlers handlers{{"/test.Test/Hold", [this](ServerCall& call) {
                         ++begun_;
                         return hold(call);
                       }}};
    server_ = std::make_unique<Server>(io_.get_executor(), std::move(handlers), options);
    ASSERT_TRUE(server_->listen({.address = "127.0.0.1"}));
  }

  void start(Options options) {
    serve(options);
    const Target target{.host = "127.0.0.1", .port = server_->port(), .tls = false};
    auto made =
        run_coroutine<std::unique_ptr<Channel>>(io_, connect(tasks_, target, {}, Duration(5000)));
    ASSERT_TRUE(made);
    channel_ = std::move(*made);
  }

  /// As long as the condition is not met, up to `most`.
  template <class Condition>
  bool run_until(Condition condition, Duration most) {
    const auto until = std::chrono::steady_clock::now() + most;
    if (io_.stopped()) io_.restart();
    while (!condition() && std::chrono::steady_clock::now() < until) {
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return condition();
  }

  /// Whether the server waits for the next time to look for an idle connection.
  bool sleeps() const { return clock_.next_wake() == clock_.steady_now() + kIdle; }
  void pass_idle_time() {
    ASSERT_TRUE(run_until([this] { return sleeps(); }, Duration(5000)));
    clock_.advance(kIdle);
  }

  static constexpr Duration kIdle = std::chrono::hours(1);
  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  /// Calls of Hold.
  int begun_ = 0;
  std::unique_ptr<Server> server_;
  TaskGroup tasks_{io_.get_executor()};
  std::unique_ptr<Channel> channel_;
};

TEST_F(GrpcAccept, PeerThatIsGoneWithoutAWordIsFound) {
  start({});
  ASSERT_TRUE(run_until([this] { return server_->connections() == 1; }, Duration(5000)));
  std::set<int> idle_times;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in local{};
    sockaddr_in remote{};
    socklen_t size = sizeof local;
    // Only ours of the two ends is bound to the port.
    if (::getpeername(fd, static_cast<sockaddr*>(static_cast<void*>(&remote)), &size) != 0) {
      continue;
    }
    size = sizeof local;
    ::getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&local)), &size);
    if (local.sin_family != AF_INET || ntohs(local.sin_port) != server_->port()) continue;
    int seconds = 0;
    size = sizeof seconds;
    ::getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, &size);
    idle_times.insert(seconds);
  }
  ASSERT_EQ(idle_times.size(), 1U);
  EXPECT_LT(*idle_times.begin(), 60);
}

TEST_F(GrpcAccept, ConnectionWithoutACallIsClosed) {
  start({.idle_timeout = kIdle, .idle_clock = &clock_});
  pass_idle_time();
  pass_idle_time();
  EXPECT_TRUE(run_until([this] { return !channel_->is_open(); }, Duration(5000)));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(GrpcAccept, ConnectionWithACallStays) {
  start({.idle_timeout = kIdle, .idle_clock = &clock_});
  auto call = std::move(channel_->call("/test.Test/Hold").value());
  ASSERT_TRUE(run_until([this] { return begun_ == 1; }, Duration(5000)));
  for (int i = 0; i < 3; ++i) pass_idle_time();
  ASSERT_TRUE(run_until([this] { return sleeps(); }, Duration(5000)));
  EXPECT_EQ(server_->connections(), 1U);
  EXPECT_TRUE(channel_->is_open());
  call.reset();
  const auto closed = [this] {
    if (sleeps()) clock_.advance(kIdle);
    return !channel_->is_open();
  };
  EXPECT_TRUE(run_until(closed, Duration(5000)));
}

TEST_F(GrpcAccept, OfTooManyConnectionsWithoutACallTheOldestAreClosed) {
  start({.max_idle_connections = 3});
  const auto call = std::move(channel_->call("/test.Test/Hold").value());
  ASSERT_TRUE(run_until([this] { return begun_ == 1; }, Duration(5000)));
  std::vector<asio::ip::tcp::socket> silent;
  for (int i = 0; i < 10; ++i) {
    silent.emplace_back(io_).connect({asio::ip::address_v4::loopback(), server_->port()});
  }
  // Each end that the server closed can be read to its end.
  const auto ended = [&] {
    std::string out;
    for (auto& socket : silent) {
      boost::system::error_code error;
      socket.non_blocking(true);
      std::array<char, 1024> some{};
      while (socket.read_some(asio::buffer(some), error) > 0) {
      }
      out += error == asio::error::would_block ? '+' : '-';
    }
    return out;
  };
  EXPECT_TRUE(run_until([&] { return ended() == "-------+++"; }, Duration(5000))) << ended();
  EXPECT_TRUE(channel_->is_open());
  EXPECT_EQ(server_->connections(), 4U);
  // A call that has begun shows that the server has done all that was to do.
  const auto later = std::move(channel_->call("/test.Test/Hold").value());
  ASSERT_TRUE(run_until([this] { return begun_ == 2; }, Duration(5000)));
  EXPECT_EQ(ended(), "-------+++");
}

TEST_F(GrpcAccept, ClosedConnectionLeavesNothingForTheKeepalive) {
  start({.keepalive_time = std::chrono::hours(1)});
  ASSERT_TRUE(run_until([this] { return server_->connections() == 1; }, Duration(5000)));
  channel_.reset();
  EXPECT_TRUE(run_until([this] { return server_->connections() == 0; }, Duration(5000)));
}

/// Source: RFC 9113, section 4.1.
std::string frame(char type, char flags, char stream, const std::string& payload) {
  const auto byte = [&](int place) { return static_cast<char>(payload.size() >> 8 * place); };
  return std::string{byte(2), byte(1), byte(0), type, flags, 0, 0, 0, stream} + payload;
}

/// The types of the whole frames in what a server sent.
std::set<int> frame_types(std::string_view sent) {
  constexpr std::size_t kHead = 9;
  std::set<int> out;
  while (sent.size() >= kHead) {
    std::size_t size = 0;
    for (int i = 0; i < 3; ++i) {
      size = size << 8 | static_cast<unsigned char>(sent[static_cast<std::size_t>(i)]);
    }
    if (sent.size() < kHead + size) break;
    out.insert(sent[3]);
    sent.remove_prefix(kHead + size);
  }
  return out;
}

/// A client's first bytes, of which the last begin a call with `more` among its headers. Source of
/// the headers' names: RFC 7541, appendix A.
std::string call_behind(std::size_t filling, const std::string& more = "") {
  std::string out = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "");
  const std::string window_update = frame(8, 0, 0, std::string("\0\0\0\1", 4));
  while (out.size() < filling) out += window_update;
  const auto literal = [](std::string name, const std::string& value) {
    return name + static_cast<char>(value.size()) + value;
  };
  return out + frame(1, 4, 1,
                     "\x83\x86" + literal("\x04", "/test.Test/Hold") + literal("\x01", "a") +
                         literal("\x0f\x10", "application/grpc") + more);
}

TEST_F(GrpcAccept, WhatWasReadBeforeTheEndBeginsNoCall) {
  const Duration idle(100);
  serve({.idle_timeout = idle});
  asio::ip::tcp::socket socket(io_);
  socket.connect({asio::ip::address_v4::loopback(), server_->port()});
  ASSERT_TRUE(run_until([this] { return server_->connections() == 1; }, Duration(5000)));
  // Now the connection was once found idle; the next time ends it.
  run_until([] { return false; }, idle * 3 / 2);
  // More than one read takes: the second is done, but not seen, when the connection is closed.
  boost::system::error_code ignored;
  asio::write(socket, asio::buffer(call_behind(4096)), ignored);
  std::this_thread::sleep_for(idle);
  EXPECT_TRUE(run_until([this] { return server_->connections() == 0; }, Duration(5000)));
  run_until([] { return false; }, Duration(20));
  EXPECT_EQ(begun_, 0);
}

TEST_F(GrpcAccept, HeadersThatAreSmallOnlyOnTheWireBeginNoCall) {
  serve({});
  // Each a byte of the peer, and a pair of strings of ours.
  const std::string many(15'000, '\x95');
  asio::ip::tcp::socket socket(io_);
  socket.connect({asio::ip::address_v4::loopback(), server_->port()});
  asio::write(socket, asio::buffer(call_behind(0, many)));
  socket.non_blocking(true);
  std::string answer;
  const auto is_reset = [&] {
    constexpr int kReset = 3;
    std::array<char, 1024> some{};
    boost::system::error_code error;
    const std::size_t count = socket.read_some(asio::buffer(some), error);
    answer.append(some.data(), count);
    return frame_types(answer).contains(kReset);
  };
  EXPECT_TRUE(run_until(is_reset, Duration(5000)));
  EXPECT_EQ(begun_, 0);
  EXPECT_EQ(server_->connections(), 1U);
  // SETTINGS_MAX_HEADER_LIST_SIZE told the peer.
  EXPECT_NE(answer.find(std::string("\0\6\0\0\x40\0", 6)), std::string::npos);
}

}  // namespace
}  // namespace nestor::grpc
