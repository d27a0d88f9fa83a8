#pragma once

// For tls.cpp and connection.cpp: sees OpenSSL.

#include <boost/asio/ssl/context.hpp>

#include "net/tls.hpp"

namespace nestor::net {

struct TlsContext::Impl {
  explicit Impl(boost::asio::ssl::context::method method) : context(method) {}
  boost::asio::ssl::context context;
  bool verify = true;
  /// One protocol as ALPN writes it (its length, then its name), or "".
  std::string alpn = {};
};

/// Sets what a client wants to see: SNI and the name or IP address in the certificate.
Result<> expect_peer(SSL* ssl, const std::string& server_name, const TlsContext& context);

}  // namespace nestor::net
