#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/memory_budget.hpp"

namespace nestor::net {

struct HttpRequest {
  std::string method = "GET";
  /// Path and query, already percent-encoded.
  std::string target = "/";
  /// Names compare without case.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// For the whole exchange; for a stream, until the response's head.
  Duration timeout = std::chrono::seconds(30);
  /// A larger body of the response is refused; not for a stream. Bytes.
  std::size_t max_response = 64 * 1024 * 1024;
  /// What counts the body of the response while it is read; not for a stream. May be null.
  std::shared_ptr<MemoryBudget> memory = {};
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// "" when absent; `name` compares without case.
  std::string_view header(std::string_view name) const;
};

/// A response whose body arrives over time (a watch, a followed log). Destroying it closes the
/// connection.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  virtual int status() const = 0;
  /// The next bytes, or "" at the end. Errors: kUnavailable (peer gone), kDeadlineExceeded (nothing
  /// for `idle_timeout`), kResourceExhausted (more around a chunk than is sensible), kCancelled.
  virtual Task<std::string> read_some(Duration idle_timeout) = 0;
};

/// TLS of a client. All PEM. Empty ca_pem: the system's trust store.
struct TlsClientConfig {
  std::string ca_pem = {};
  std::string cert_pem = {};
  std::string key_pem = {};
  /// Verified instead of the host, and sent as SNI.
  std::string server_name = {};
  bool insecure_skip_verify = false;
  /// The one protocol to ask for by ALPN ("h2"), or "".
  std::string alpn = {};
};

struct HttpEndpoint {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
  TlsClientConfig tls_config = {};
  /// "http://host:port" of a CONNECT proxy, or "".
  std::string proxy_url = {};
};

/// A client of one server: keep-alive connections in a pool, at most `kMaxConnections` open for
/// plain requests. A request on a pooled connection that the server had closed is repeated once on
/// a new one if it is idempotent. Thread: event loop.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Any HTTP status is a success here. Errors: kUnavailable (refused, reset, TLS failure),
  /// kResourceExhausted (the response is larger than max_response or what `memory` has left, or
  /// its head than 256 KiB),
  /// kDeadlineExceeded, kCancelled.
  virtual Task<HttpResponse> request(HttpRequest request) = 0;
  virtual Task<std::unique_ptr<HttpStream>> stream(HttpRequest request) = 0;
};

/// Errors: kInvalidArgument (unreadable PEM, proxy URL).
Result<std::unique_ptr<HttpClient>> make_http_client(Executor executor, HttpEndpoint endpoint);

/// TLS of a server. Empty cert_pem: plain HTTP.
struct TlsServerConfig {
  std::string cert_pem = {};
  std::string key_pem = {};
  /// Not empty: a client must show a certificate that one of these authorities signed.
  std::string client_ca_pem = {};
  /// The one protocol to accept by ALPN ("h2"), or "". A client that offers only others is refused.
  std::string alpn = {};
};

struct HttpServerOptions {
  /// "": every address of the machine, IPv6's too.
  std::string address = "0.0.0.0";
  /// 0: any free port, see HttpServer::port().
  std::uint16_t port = 0;
  TlsServerConfig tls = {};
  /// Larger bodies get 413. Bytes.
  std::size_t max_body = 8 * 1024 * 1024;
  /// Connections at a time. One more takes the place of the oldest, so that whoever holds many
  /// keeps nobody out for long.
  std::size_t max_connections = 256;
};

/// Answers one request. Coroutines of a server are cancelled when it stops.
using HttpHandler = std::function<asio::awaitable<HttpResponse>(HttpRequest)>;

/// A small server for health, metrics and webhooks (and for tests, as a fake peer).
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const = 0;
  /// Stops accepting, cancels what runs and waits. Idempotent; must be called before destruction.
  virtual asio::awaitable<void> stop() = 0;
};

/// Binds at once. Errors: kAlreadyExists (address in use), kInvalidArgument.
Result<std::unique_ptr<HttpServer>> make_http_server(Executor executor, HttpServerOptions options,
                                                     HttpHandler handler);

}  // namespace nestor::net
