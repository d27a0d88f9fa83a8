#include "net/http_pool.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/url.hpp"

namespace nestor::net {

namespace {

constexpr std::size_t kMaxProxyHead = 16 * 1024;
/// Bytes of a status line that are told.
constexpr std::size_t kMaxReason = 100;

/// Asks an HTTP proxy for a tunnel. Source: RFC 9110, 9.3.6.
Task<> ask_proxy(Connection& connection, std::string target) {
  const std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
  NESTOR_CO_TRY_VOID(co_await connection.write(request));
  std::string head;
  // Byte by byte: what follows the head belongs to the tunnel, whose other end may speak first.
  std::array<char, 1> byte{};
  while (!head.ends_with("\r\n\r\n")) {
    NESTOR_CO_TRY(const std::size_t count, co_await connection.read_some(byte));
    if (count == 0 || head.size() > kMaxProxyHead) {
      co_return fail(Code::kUnavailable, "proxy: no answer to CONNECT");
    }
    head += byte[0];
  }
  const bool http = head.starts_with("HTTP/1.") && head.size() > 12 && head[8] == ' ';
  if (!http || head[9] != '2') {
    // What a kubeconfig of others calls a proxy may be anything, and its words are not for them.
    const std::string why =
        http ? head.substr(0, std::min(head.find("\r\n"), kMaxReason)) : "the answer is not HTTP";
    co_return fail(Code::kUnavailable, "proxy refused CONNECT: " + why);
  }
  co_return Result<>{};
}

}  // namespace

std::string Route::host_header() const {
  const std::string text = authority(endpoint.host, endpoint.port);
  const bool usual = endpoint.port == (endpoint.tls ? 443 : 80);
  return usual ? text.substr(0, text.rfind(':')) : text;
}

Task<> open_route(Connection& connection, const Route& route) {
  const HttpEndpoint& endpoint = route.endpoint;
  if (route.proxy_host.empty()) {
    NESTOR_CO_TRY_VOID(co_await connection.connect(endpoint.host, endpoint.port));
  } else {
    NESTOR_CO_TRY_VOID(co_await connection.connect(route.proxy_host, route.proxy_port));
    NESTOR_CO_TRY_VOID(co_await ask_proxy(connection, authority(endpoint.host, endpoint.port)));
  }
  if (!endpoint.tls) co_return Result<>{};
  const std::string& name = endpoint.tls_config.server_name;
  co_return co_await connection.start_tls(*route.tls, name.empty() ? endpoint.host : name);
}

Task<ConnectionPool::Place> ConnectionPool::enter(Duration timeout) {
  const auto self = shared_from_this();
  if (used_ < kMaxConnections) {
    ++used_;
    co_return Place(self);
  }
  Waiter waiter{asio::steady_timer(executor_, timeout)};
  const auto position = waiters_.insert(waiters_.end(), &waiter);
  // Also runs when a cancelled coroutine unwinds: an admission that came too late is passed on.
  struct Guard {
    ConnectionPool& pool;
    Waiter& waiter;
    std::list<Waiter*>::iterator position;
    bool taken = false;
    ~Guard() {
      if (!waiter.admitted) {
        pool.waiters_.erase(position);
      } else if (!taken) {
        pool.leave();
      }
    }
  } guard{*this, waiter, position};
  const auto [error] = co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (waiter.admitted) {
    guard.taken = true;
    co_return Place(self);
  }
  if (error) co_return fail(Code::kCancelled, "waiting for a connection: cancelled");
  co_return fail(Code::kDeadlineExceeded, "all connections were busy for too long");
}

void ConnectionPool::leave() {
  if (waiters_.empty()) {
    --used_;
    return;
  }
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->admitted = true;
  next->timer.cancel();
}

ConnectionPool::Place::~Place() {
  if (pool_) pool_->leave();
}

std::unique_ptr<Connection> ConnectionPool::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_idle()) return connection;
  }
  return nullptr;
}

void ConnectionPool::put_idle(std::unique_ptr<Connection> connection) {
  if (connection->is_open() && idle_.size() < kMaxConnections) {
    idle_.push_back(std::move(connection));
  }
}

}  // namespace nestor::net
