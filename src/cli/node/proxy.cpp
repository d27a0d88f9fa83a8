#include "cli/node/proxy.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "cli/node/layout.hpp"
#include "net/url.hpp"

namespace nestor::node {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr const char* kProxyComponent = "node.proxy";
constexpr std::size_t kBuffer = 32 * 1024;
constexpr std::size_t kLongestHead = 8 * 1024;
constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::seconds kHeadTime{10};
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Result<Gateway> Gateway::open(int init_pid) {
  Gateway gateway;
  gateway.here_ = UniqueFd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!gateway.here_) return system_failure("opening the own network namespace");
  const std::string path = fmt::format("/proc/{}/ns/net", init_pid);
  gateway.inside_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!gateway.inside_) return system_failure("opening " + path);
  return gateway;
}

Result<UniqueFd> Gateway::make_socket() const {
  // A socket stays in the namespace in which it was made; only its making needs the visit.
  if (::setns(inside_.get(), CLONE_NEWNET) != 0) return system_failure("entering the sandbox");
  UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const int number = errno;
  if (::setns(here_.get(), CLONE_NEWNET) != 0) std::abort();
  errno = number;
  if (!made) return system_failure("making a socket in the sandbox");
  return made;
}

Result<UniqueFd> listen_on_loopback(std::uint16_t port) {
  UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!made) return system_failure("making a socket");
  const int yes = 1;
  ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string what = fmt::format("listening on 127.0.0.1:{}", port);
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_failure(what);
  }
  if (::listen(made.get(), 512) != 0) return system_failure(what);
  return made;
}

namespace {

/// Copies until the end of `from`, which is passed on. False: an error, both sides are done.
asio::awaitable<bool> copy(Tcp::socket& from, Tcp::socket& to) {
  std::vector<char> buffer(kBuffer);
  while (true) {
    const auto [read_error, count] = co_await from.async_read_some(asio::buffer(buffer), kTuple);
    if (read_error == asio::error::eof) {
      boost::system::error_code ignored;
      to.shutdown(Tcp::socket::shutdown_send, ignored);
      co_return true;
    }
    if (read_error) break;
    const auto piece = asio::buffer(buffer.data(), count);
    const auto [write_error, written] = co_await asio::async_write(to, piece, kTuple);
    if (write_error) break;
  }
  // The other direction may be waiting for a peer that will never speak again.
  boost::system::error_code ignored;
  from.close(ignored);
  to.close(ignored);
  co_return false;
}

asio::awaitable<void> splice(Tcp::socket& left, Tcp::socket& right) {
  boost::system::error_code ignored;
  left.set_option(Tcp::no_delay(true), ignored);
  right.set_option(Tcp::no_delay(true), ignored);
  co_await (copy(left, right) && copy(right, left));
}

/// Ends the operations on a socket when time is up.
asio::awaitable<void> expire(std::chrono::seconds after) {
  asio::steady_timer timer(co_await asio::this_coro::executor, after);
  co_await timer.async_wait(kTuple);
}

asio::awaitable<bool> connect(Tcp::socket& socket, const Gateway& gateway, Tcp::endpoint to) {
  auto made = gateway.make_socket();
  if (!made) {
    log::warn(kProxyComponent, "{}", made.error().message);
    co_return false;
  }
  socket.assign(Tcp::v4(), made->release());
  const auto outcome = co_await (socket.async_connect(to, kTuple) || expire(kConnectTime));
  co_return outcome.index() == 0 && !std::get<0>(std::get<0>(outcome));
}

Task<> relay_api(Tcp::socket client, Relay& relay) {
  Tcp::socket inner(client.get_executor());
  const Tcp::endpoint server(asio::ip::make_address_v4(kNodeAddress), kApiPort);
  if (co_await connect(inner, *relay.gateway, server)) co_await splice(client, inner);
  co_return Result<>();
}

/// Reads up to and including the empty line; what follows it already belongs to the tunnel.
asio::awaitable<std::optional<std::string>> read_head(Tcp::socket& client) {
  std::string text;
  std::array<char, 1024> piece;
  while (text.size() < kLongestHead) {
    const auto [error, count] = co_await client.async_read_some(asio::buffer(piece), kTuple);
    if (error) co_return std::nullopt;
    text.append(piece.data(), count);
    if (text.find("\r\n\r\n") != std::string::npos) co_return text;
  }
  co_return std::nullopt;
}

asio::awaitable<void> answer(Tcp::socket& client, std::string status, std::string body) {
  const std::string text = fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}\n",
      status, body.size() + 1, body);
  co_await asio::async_write(client, asio::buffer(text), kTuple);
}

asio::awaitable<void> refuse(Tcp::socket& client, Error error) {
  std::string status = "400 Bad Request";
  if (error.code == Code::kPermissionDenied) status = "403 Forbidden";
  if (error.code == Code::kUnimplemented) status = "405 Method Not Allowed";
  co_await answer(client, status, error.message);
}

asio::awaitable<void> tunnel(Tcp::socket& client, const Gateway& gateway) {
  const auto outcome = co_await (read_head(client) || expire(kHeadTime));
  if (outcome.index() != 0 || !std::get<0>(outcome)) co_return;
  const std::string& text = *std::get<0>(outcome);
  const auto end = text.find("\r\n\r\n") + 4;
  const auto target = proxy_target(std::string_view(text).substr(0, end));
  if (!target) {
    co_await refuse(client, target.error());
    co_return;
  }
  Tcp::socket inner(client.get_executor());
  const Tcp::endpoint to = *target;
  if (!co_await connect(inner, gateway, to)) {
    const std::string status = "502 Bad Gateway";
    const std::string body =
        fmt::format("{}:{} does not answer", to.address().to_string(), to.port());
    co_await answer(client, status, body);
    co_return;
  }
  const std::string accepted = "HTTP/1.1 200 Connection established\r\n\r\n";
  co_await asio::async_write(client, asio::buffer(accepted), kTuple);
  const std::string early = text.substr(end);
  co_await asio::async_write(inner, asio::buffer(early), kTuple);
  co_await splice(client, inner);
}

Task<> relay_tunnel(Tcp::socket client, Relay& relay) {
  co_await tunnel(client, *relay.gateway);
  co_return Result<>();
}

using Serve = Task<> (*)(Tcp::socket, Relay&);

Task<> accept(Tcp::acceptor& acceptor, Relay& relay, Serve serve) {
  while (true) {
    auto [error, client] = co_await acceptor.async_accept(kTuple);
    if (error == asio::error::operation_aborted) co_return Result<>();
    if (error) {
      // Out of descriptors: wait for some to be closed.
      co_await expire(std::chrono::seconds(1));
      continue;
    }
    if (relay.tasks.size() >= relay.limit) {
      log::warn(kProxyComponent, "refused a connection: {} are open", relay.tasks.size());
      continue;
    }
    relay.tasks.spawn("relay", serve(std::move(client), relay));
  }
}

}  // namespace

Task<> serve_api(Tcp::acceptor& acceptor, Relay& relay) {
  return accept(acceptor, relay, &relay_api);
}

Task<> serve_proxy(Tcp::acceptor& acceptor, Relay& relay) {
  return accept(acceptor, relay, &relay_tunnel);
}

Result<Tcp::endpoint> proxy_target(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' ');
  const auto second = line.rfind(' ');
  if (first == std::string_view::npos || second <= first ||
      !line.substr(second + 1).starts_with("HTTP/1.")) {
    return fail(Code::kInvalidArgument, "this is not an HTTP/1 request");
  }
  if (line.substr(0, first) != "CONNECT") {
    return fail(Code::kUnimplemented, "only CONNECT is served here");
  }
  NESTOR_TRY(const net::HostPort target,
             net::parse_authority(line.substr(first + 1, second - first - 1)));
  boost::system::error_code error;
  const auto address = asio::ip::make_address_v4(target.host, error);
  if (!error) {
    for (const char* network : {kNodeNetwork, kServiceNetwork, kClusterNetwork}) {
      const auto range = asio::ip::make_network_v4(network);
      if (asio::ip::network_v4(address, range.prefix_length()).network() == range.network()) {
        return Tcp::endpoint(address, target.port);
      }
    }
  }
  return fail(Code::kPermissionDenied,
              "only addresses of the management node, its services and its pods are reached "
              "through this proxy");
}

}  // namespace nestor::node
