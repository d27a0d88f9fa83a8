#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <set>

#include "base/testing/co_test.hpp"
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

  void start(Options options) {
    Handlers handlers{{"/test.Test/Hold", hold}};
    server_ = std::make_unique<Server>(io_.get_executor(), std::move(handlers), options);
    ASSERT_TRUE(server_->listen({.address = "127.0.0.1"}));
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

  asio::io_context io_;
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
  start({.idle_timeout = Duration(10)});
  EXPECT_TRUE(run_until([this] { return !channel_->is_open(); }, Duration(5000)));
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(GrpcAccept, ConnectionWithACallStays) {
  start({.idle_timeout = Duration(10)});
  auto call = std::move(channel_->call("/test.Test/Hold").value());
  EXPECT_FALSE(run_until([this] { return !channel_->is_open(); }, Duration(100)));
  call.reset();
  EXPECT_TRUE(run_until([this] { return !channel_->is_open(); }, Duration(5000)));
}

}  // namespace
}  // namespace nestor::grpc
