#include "net/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace nestor::net {

std::unexpected<Error> network_failure(std::string_view what, boost::system::error_code error) {
  const std::string prefix = std::string(what) + ": ";
  if (error == boost::asio::error::operation_aborted ||
      error == boost::asio::error::bad_descriptor) {
    return fail(Code::kCancelled, prefix + "cancelled");
  }
  if (error == boost::asio::ssl::error::stream_truncated) {
    return fail(Code::kUnavailable, prefix + "the peer closed without end of TLS");
  }
  if (error == boost::asio::error::eof) {
    return fail(Code::kUnavailable, prefix + "the peer closed the connection");
  }
  return fail(Code::kUnavailable, prefix + error.message());
}

}  // namespace nestor::net
