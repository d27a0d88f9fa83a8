#include "net/connection.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/testing/co_test.hpp"
#include "net/connection_impl.hpp"

namespace nestor::net {
namespace {

using asio::ip::tcp;

class ConnectedTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::uint16_t port = acceptor_.local_endpoint().port();
    ASSERT_TRUE(run_coroutine<void>(io_, connection_.connect("127.0.0.1", port)).has_value());
  }
  int option(int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(connection_.impl().socket.native_handle(), level, name, &value, &size);
    return value;
  }
  /// Probed until it is given up.
  void expect_probes() {
    EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    const int seconds = option(IPPROTO_TCP, TCP_KEEPIDLE) +
                        option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
    EXPECT_GT(seconds, 0);
    EXPECT_LE(seconds, 30);
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Connection connection_{io_.get_executor()};
};

TEST_F(ConnectedTest, NoticesADeadPeerWithinHalfAMinute) {
  expect_probes();
  // With bytes under way.
  const int unanswered = option(IPPROTO_TCP, TCP_USER_TIMEOUT);
  EXPECT_GT(unanswered, 0);
  EXPECT_LE(unanswered, 30000);
}

TEST_F(ConnectedTest, PeerThatMayPauseIsOnlyProbed) {
  connection_.allow_pauses();
  expect_probes();
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}

}  // namespace
}  // namespace nestor::net
