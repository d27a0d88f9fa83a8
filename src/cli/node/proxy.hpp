#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cli/node/system.hpp"

/// From loopback ports of the host into the sandbox's network. One thread; the two namespaces
/// are entered only for the moment in which a socket is made.
namespace nestor::node {

using Tcp = boost::asio::ip::tcp;

/// Makes sockets that belong to the sandbox's network namespace.
class Gateway {
 public:
  /// Remembers both namespaces. `init_pid` is the sandbox's process 1.
  static Result<Gateway> open(int init_pid);

  /// A TCP socket (IPv4, not connected) inside the sandbox. Aborts the process if the way back
  /// to its own namespace is lost.
  Result<Fd> make_socket() const;

 private:
  Fd here_;
  Fd inside_;
};

/// A socket that listens on 127.0.0.1. kAlreadyExists: the port is taken.
Result<Fd> listen_on_loopback(std::uint16_t port);

/// What a relay needs to know; outlives the io_context's run().
struct Relay {
  const Gateway* gateway = nullptr;
  /// Connections in progress, and how many may be.
  int open = 0;
  int limit = 2048;
};

/// Hands every connection to the API server inside.
boost::asio::awaitable<void> serve_api(Tcp::acceptor& acceptor, Relay& relay);

/// Serves HTTP CONNECT to addresses inside the sandbox (see proxy_target).
boost::asio::awaitable<void> serve_proxy(Tcp::acceptor& acceptor, Relay& relay);

/// The destination that a request head ("CONNECT 10.96.0.1:443 HTTP/1.1\r\n...") asks for.
/// kInvalidArgument: not such a request; kUnimplemented: another method; kPermissionDenied: a
/// name, or an address outside the node's, the services' and the pods' networks.
Result<Tcp::endpoint> proxy_target(std::string_view head);

}  // namespace nestor::node
