#pragma once

#include <memory>

#include "net/http.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// Certificates and rules of one side of TLS, shared by its connections. TLS 1.2 or newer.
class TlsContext {
 public:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  ~TlsContext();
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Errors: kInvalidArgument (unreadable PEM, a key that does not fit the certificate).
Result<std::shared_ptr<const TlsContext>> make_client_tls(const TlsClientConfig& config);
Result<std::shared_ptr<const TlsContext>> make_server_tls(const TlsServerConfig& config);

}  // namespace nestor::net
