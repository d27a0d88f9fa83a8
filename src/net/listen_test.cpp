#include <gtest/gtest.h>

#include "net/connection_impl.hpp"

namespace nestor::net {
namespace {

using asio::ip::tcp;

class ListenTest : public testing::Test {
 protected:
  bool reaches(const char* address) {
    tcp::socket socket(io_);
    boost::system::error_code error;
    const tcp::endpoint to(asio::ip::make_address(address), acceptor_.local_endpoint().port());
    socket.connect(to, error);
    return !error;
  }
  /// Whether this machine has the address.
  bool has(const char* address) {
    tcp::acceptor other(io_);
    return listen_tcp(other, address, 0).has_value();
  }

  asio::io_context io_;
  tcp::acceptor acceptor_{io_};
};

TEST_F(ListenTest, NoAddressMeansAllOfThem) {
  ASSERT_TRUE(listen_tcp(acceptor_, "", 0));
  EXPECT_TRUE(reaches("127.0.0.1"));
  if (has("::1")) EXPECT_TRUE(reaches("::1"));
}

TEST_F(ListenTest, AnAddressMeansNoOther) {
  ASSERT_TRUE(listen_tcp(acceptor_, "127.0.0.1", 0));
  EXPECT_TRUE(reaches("127.0.0.1"));
  EXPECT_FALSE(reaches("127.0.0.2"));
  EXPECT_FALSE(reaches("::1"));
}

TEST_F(ListenTest, SaysWhatFails) {
  EXPECT_EQ(listen_tcp(acceptor_, "nowhere", 0).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(listen_tcp(acceptor_, "", 0));
  tcp::acceptor second(io_);
  const auto taken = listen_tcp(second, "", acceptor_.local_endpoint().port());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kAlreadyExists);
}

}  // namespace
}  // namespace nestor::net
