#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <vector>

#include "base/task_group.hpp"

namespace nestor::net {

/// A TCP server on loopback that plays one script per connection: the peer that stalls, cuts off or
/// answers strangely. Thread: event loop.
class ScriptedPeer {
 public:
  struct Step {
    enum Kind {
      /// Waits for text that ends with `text` (the end of a request's head if empty).
      kExpect,
      kSend,
      /// Copies bytes both ways between this connection and the port in `text`, to the end.
      kTunnel,
      /// Does nothing until the peer is closed.
      kStall,
      /// Waits until the client closed.
      kAwaitEnd,
    };
    Kind kind = kExpect;
    std::string text = {};
  };
  using Script = std::vector<Step>;

  /// The last script serves all further connections.
  ScriptedPeer(Executor executor, std::vector<Script> scripts);

  std::uint16_t port() const { return port_; }
  /// What each connection sent, in order of arrival.
  const std::vector<std::string>& received() const { return received_; }
  asio::awaitable<void> close();

 private:
  using Socket = asio::ip::tcp::socket;
  Task<> accept_loop();
  Task<> play(Socket socket, std::size_t number, Script script);
  Task<> expect(Socket& socket, std::size_t number, std::string end);
  Task<> tunnel(Socket& socket, std::string port);

  Executor executor_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::vector<Script> scripts_;
  std::vector<std::string> received_;
  TaskGroup tasks_;
};

}  // namespace nestor::net
