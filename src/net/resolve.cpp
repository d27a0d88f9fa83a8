#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/connection_impl.hpp"
#include "net/error.hpp"

namespace nestor::net {

namespace {

using asio::ip::tcp;

struct Lookup {
  explicit Lookup(const Executor& executor) : resolver(executor) {}
  tcp::resolver resolver;
  bool done = false;
  bool abandoned = false;
  boost::system::error_code error;
  std::vector<tcp::endpoint> endpoints;
};

struct Abandon {
  std::shared_ptr<Lookup> lookup;
  ~Abandon() { lookup->abandoned = true; }
};

}  // namespace

Task<std::vector<tcp::endpoint>> resolve(Connection::Impl& connection, std::string host,
                                         std::uint16_t port) {
  boost::system::error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(connection.executor);
  const Abandon abandon{lookup};
  connection.resolved.expires_at(asio::steady_timer::time_point::max());
  lookup->resolver.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [lookup, &connection](boost::system::error_code error, tcp::resolver::results_type results) {
        if (lookup->abandoned) return;
        lookup->done = true;
        lookup->error = error;
        for (const auto& entry : results) lookup->endpoints.push_back(entry.endpoint());
        connection.resolved.cancel();
      });
  co_await connection.resolved.async_wait(
      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::as_tuple(asio::use_awaitable)));
  if (!lookup->done) co_return fail(Code::kCancelled, "resolving " + host + ": cancelled");
  if (lookup->error) co_return network_failure("resolving " + host, lookup->error);
  co_return std::move(lookup->endpoints);
}

}  // namespace nestor::net
