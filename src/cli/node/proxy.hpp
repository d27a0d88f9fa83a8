#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/task_group.hpp"
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
  Result<UniqueFd> make_socket() const;

 private:
  UniqueFd here_;
  UniqueFd inside_;
};

/// A socket that listens on 127.0.0.1. kAlreadyExists: the port is taken.
Result<UniqueFd> listen_on_loopback(std::uint16_t port);

/// What the relays need to know, and their coroutines. Closed before it is destroyed.
struct Relay {
  const Gateway* gateway = nullptr;
  /// How many connections may be in progress.
  std::size_t limit = 2048;
  TaskGroup tasks;
};

/// Hands every connection to the API server inside.
Task<> serve_api(Tcp::acceptor& acceptor, Relay& relay);

/// Serves HTTP CONNECT to addresses inside the sandbox (see proxy_target).
Task<> serve_proxy(Tcp::acceptor& acceptor, Relay& relay);

/// The destination that a request head ("CONNECT 10.96.0.1:443 HTTP/1.1\r\n...") asks for.
/// kInvalidArgument: not such a request; kUnimplemented: another method; kPermissionDenied: a
/// name, or an address outside the node's, the services' and the pods' networks.
Result<Tcp::endpoint> proxy_target(std::string_view head);

}  // namespace nestor::node
