#pragma once

#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.hpp"
#include "net/deadline.hpp"
#include "net/http.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// Open connections for plain requests at a time.
constexpr std::size_t kMaxConnections = 16;

/// Where a client connects to, and how.
struct Route {
  HttpEndpoint endpoint;
  std::shared_ptr<const TlsContext> tls;
  /// "" without a proxy.
  std::string proxy_host;
  std::uint16_t proxy_port = 0;

  std::string host_header() const;
};

/// Opens `connection`: TCP, the proxy's CONNECT, TLS. Errors: kUnavailable, kCancelled.
Task<> open_route(Connection& connection, const Route& route);

/// Idle connections of one client, and the places for open ones. Thread: event loop.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
 public:
  explicit ConnectionPool(Executor executor) : executor_(std::move(executor)) {}

  /// One of the kMaxConnections places; given back when destroyed.
  class Place {
   public:
    explicit Place(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    std::shared_ptr<ConnectionPool> pool_;
  };

  /// Waits for a place, first come first served. Errors: kDeadlineExceeded, kCancelled.
  Task<Place> enter(Duration timeout);
  /// An idle connection that still looks alive, or null.
  std::unique_ptr<Connection> take_idle();
  void put_idle(std::unique_ptr<Connection> connection);
  const Executor& executor() const { return executor_; }

 private:
  struct Waiter {
    asio::steady_timer timer;
    bool admitted = false;
  };
  void leave();

  Executor executor_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::list<Waiter*> waiters_;
  std::size_t used_ = 0;
};

}  // namespace nestor::net
