#pragma once

// The only header of net with sockets in it; for connection.cpp, listen.cpp, resolve.cpp and the
// servers.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.hpp"

namespace nestor::net {

class TlsEngine;

struct Connection::Impl {
  explicit Impl(Executor on);
  ~Impl();

  Executor executor;
  /// TCP or UNIX.
  asio::generic::stream_protocol::socket socket;
  /// Never expires: woken when names are resolved, or by close().
  asio::steady_timer resolved;
  std::unique_ptr<TlsEngine> tls;
  /// TLS records that the socket is taking.
  std::string sending;
  bool closed = false;
};

/// No delay, and a peer that is gone without a word (a dead machine, a lost route) ends every
/// pending read and write within half a minute; so does one that takes nothing for so long.
void tune(asio::generic::stream_protocol::socket& socket);

/// Opens, binds and listens. Without an address: on every one of the machine, IPv6's too if it has
/// any. Errors: kAlreadyExists (address in use), kInvalidArgument.
Result<> listen_tcp(asio::ip::tcp::acceptor& acceptor, const std::string& address,
                    std::uint16_t port);
/// That error, also of other sockets.
std::unexpected<Error> listen_failure(const std::string& where, boost::system::error_code error);

/// Addresses of a host. The lookup blocks in a thread of the Resolver's and cannot be stopped, so a
/// closed connection leaves it behind. Errors: kUnavailable, kCancelled.
Task<std::vector<asio::ip::tcp::endpoint>> resolve(Connection::Impl& connection, std::string host,
                                                   std::uint16_t port);

}  // namespace nestor::net
