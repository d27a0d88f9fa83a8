#include <boost/asio/ip/v6_only.hpp>

#include "net/connection_impl.hpp"
#include "net/url.hpp"

namespace nestor::net {

using asio::ip::tcp;

std::unexpected<Error> listen_failure(const std::string& where, boost::system::error_code error) {
  const Code code =
      error == asio::error::address_in_use ? Code::kAlreadyExists : Code::kInvalidArgument;
  return fail(code, "listening on " + where + ": " + error.message());
}

Result<> listen_tcp(tcp::acceptor& acceptor, const std::string& address, std::uint16_t port) {
  const bool everywhere = address.empty();
  boost::system::error_code error;
  tcp::endpoint endpoint(tcp::v6(), port);
  if (!everywhere) {
    endpoint.address(asio::ip::make_address(address, error));
    if (error) return fail(Code::kInvalidArgument, "not an IP address: " + address);
  }
  acceptor.open(endpoint.protocol(), error);
  if (everywhere && error == asio::error::address_family_not_supported) {
    // A machine without IPv6.
    endpoint = tcp::endpoint(tcp::v4(), port);
    acceptor.open(endpoint.protocol(), error);
  } else if (everywhere && !error) {
    acceptor.set_option(asio::ip::v6_only(false), error);
  }
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_failure(authority(address, port), error);
  return {};
}

}  // namespace nestor::net
