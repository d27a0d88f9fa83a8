#include "net/connection.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/testing/co_test.hpp"
#include "net/connection_impl.hpp"

namespace nestor::net {
namespace {

using asio::ip::tcp;

int option(Connection& connection, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(connection.impl().socket.native_handle(), level, name, &value, &size);
  return value;
}

TEST(Connection, NoticesADeadPeerWithinHalfAMinute) {
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  Connection connection(io.get_executor());
  const std::uint16_t port = acceptor.local_endpoint().port();
  ASSERT_TRUE(run_coroutine<void>(io, connection.connect("127.0.0.1", port)).has_value());
  // Silent: probed until it is given up.
  EXPECT_NE(option(connection, SOL_SOCKET, SO_KEEPALIVE), 0);
  const int silent =
      option(connection, IPPROTO_TCP, TCP_KEEPIDLE) +
      option(connection, IPPROTO_TCP, TCP_KEEPINTVL) * option(connection, IPPROTO_TCP, TCP_KEEPCNT);
  EXPECT_GT(silent, 0);
  EXPECT_LE(silent, 30);
  // With bytes under way.
  const int unanswered = option(connection, IPPROTO_TCP, TCP_USER_TIMEOUT);
  EXPECT_GT(unanswered, 0);
  EXPECT_LE(unanswered, 30000);
}

}  // namespace
}  // namespace nestor::net
