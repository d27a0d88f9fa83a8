#include <utility>

#include "net/connection_impl.hpp"
#include "net/resolver.hpp"

namespace nestor::net {

using asio::ip::tcp;

Task<std::vector<tcp::endpoint>> resolve(Connection::Impl& connection, std::string host,
                                         std::uint16_t port) {
  boost::system::error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};
  NESTOR_CO_TRY(const auto addresses,
                co_await Resolver::of_system().resolve(connection.resolved, std::move(host)));
  std::vector<tcp::endpoint> out;
  for (const auto& found : addresses) out.emplace_back(found, port);
  co_return out;
}

}  // namespace nestor::net
