#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <list>

#include "base/log.hpp"
#include "base/task_group.hpp"
#include "net/connection_impl.hpp"
#include "net/deadline.hpp"
#include "net/http_message.hpp"
#include "net/http_reader.hpp"

namespace nestor::net {

namespace {

using asio::ip::tcp;
using RequestParser = beast_http::request_parser<beast_http::string_body>;

constexpr std::string_view kComponent = "net.server";
constexpr Duration kIdleTimeout = std::chrono::seconds(60);
constexpr Duration kDrainTimeout = std::chrono::seconds(5);

HttpRequest to_request(RequestParser& parser) {
  auto message = parser.release();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.headers = header_list(message.base());
  request.body = std::move(message.body());
  return request;
}

class Server final : public HttpServer {
 public:
  Server(Executor executor, HttpServerOptions options, std::shared_ptr<const TlsContext> tls,
         HttpHandler handler)
      : executor_(executor),
        options_(std::move(options)),
        tls_(std::move(tls)),
        handler_(std::move(handler)),
        acceptor_(executor),
        tasks_(executor) {}

  Result<> listen();
  std::uint16_t port() const override { return port_; }
  asio::awaitable<void> stop() override;

 private:
  Task<> accept_loop();
  Task<> serve(std::unique_ptr<Connection> connection);
  Task<bool> serve_one(Connection& connection, ReadBuffer& buffer);
  Task<> read_request(Connection& connection, ReadBuffer& buffer, RequestParser& parser);
  asio::awaitable<HttpResponse> answer(HttpRequest request);
  Task<> drain(Connection& connection);
  Task<> send(Connection& connection, const HttpResponse& response, bool keep_alive, bool head);

  Executor executor_;
  HttpServerOptions options_;
  std::shared_ptr<const TlsContext> tls_;
  HttpHandler handler_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  /// The oldest first.
  std::list<Connection*> connections_;
  TaskGroup tasks_;
};

Result<> Server::listen() {
  NESTOR_TRY_VOID(listen_tcp(acceptor_, options_.address, options_.port));
  port_ = acceptor_.local_endpoint().port();
  tasks_.spawn("http server accept", accept_loop());
  return {};
}

asio::awaitable<void> Server::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  co_await tasks_.close();
}

Task<> Server::accept_loop() {
  asio::steady_timer pause(executor_);
  while (acceptor_.is_open()) {
    auto connection = std::make_unique<Connection>(executor_);
    const auto [error] = co_await acceptor_.async_accept(connection->impl().socket,
                                                         asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) break;
    if (error) {
      // Out of descriptors or memory: the connection stays queued, so trying at once would spin.
      log::warn(kComponent, "accept: {}", error.message());
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    tune(connection->impl().socket);
    tasks_.spawn("http server connection", serve(std::move(connection)));
  }
  co_return Result<>{};
}

/// A connection's place among those that are open, as long as it lives. The oldest makes room.
struct Place {
  Place(std::list<Connection*>& all_in, Connection& connection_in, std::size_t most)
      : all(all_in), connection(connection_in) {
    all.push_back(&connection);
    if (all.size() <= most) return;
    all.front()->close();
    all.pop_front();
  }
  ~Place() { all.remove(&connection); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::list<Connection*>& all;
  Connection& connection;
};

Task<> Server::serve(std::unique_ptr<Connection> connection) {
  const Place place(connections_, *connection, options_.max_connections);
  if (tls_) {
    const Deadline deadline(executor_, kIdleTimeout, *connection);
    if (auto ready = co_await connection->accept_tls(*tls_); !ready) {
      log::debug(kComponent, "{}", ready.error().message);
      co_return Result<>{};
    }
  }
  ReadBuffer buffer{.max_head = kMaxRequestHead};
  while (true) {
    const auto again = co_await serve_one(*connection, buffer);
    // A client that went away or broke the protocol is no failure of the server.
    if (!again) log::debug(kComponent, "{}", again.error().message);
    if (!again || !*again) co_return Result<>{};
  }
}

Task<> Server::read_request(Connection& connection, ReadBuffer& buffer, RequestParser& parser) {
  const Deadline deadline(executor_, kIdleTimeout, connection);
  Result<> read = co_await read_until(connection, buffer, parser,
                                      [](const RequestParser& p) { return p.is_header_done(); });
  if (read && !parser.is_done()) {
    const auto expect = parser.get().find(beast_http::field::expect);
    if (expect != parser.get().end() && same_header(std::string(expect->value()), "100-continue")) {
      const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      read = co_await connection.write(go_on);
    }
  }
  if (read) {
    read = co_await read_until(connection, buffer, parser,
                               [](const RequestParser& p) { return p.is_done(); });
  }
  if (read) co_return read;
  co_return deadline.explain(std::move(read).error());
}

/// Reads, answers. False when the connection is to be closed.
Task<bool> Server::serve_one(Connection& connection, ReadBuffer& buffer) {
  RequestParser parser;
  parser.body_limit(options_.max_body);
  parser.header_limit(buffer.max_head);
  if (auto read = co_await read_request(connection, buffer, parser); !read) {
    if (!parser.got_some() || !connection.is_open()) co_return false;
    HttpResponse refusal;
    refusal.status = read.error().code == Code::kResourceExhausted ? 413 : 400;
    refusal.body = read.error().message + "\n";
    NESTOR_CO_TRY_VOID(co_await send(connection, refusal, false, false));
    NESTOR_CO_TRY_VOID(co_await drain(connection));
    co_return false;
  }
  const bool keep_alive = parser.keep_alive();
  HttpRequest request = to_request(parser);
  const bool head = request.method == "HEAD";
  const HttpResponse response = co_await answer(std::move(request));
  NESTOR_CO_TRY_VOID(co_await send(connection, response, keep_alive, head));
  co_return keep_alive;
}

/// Takes what a refused client is still sending: closing at once would reset the connection, and
/// the client would lose the answer.
Task<> Server::drain(Connection& connection) {
  const Deadline deadline(executor_, kDrainTimeout, connection);
  boost::system::error_code ignored;
  connection.impl().socket.shutdown(tcp::socket::shutdown_send, ignored);
  bool more = true;
  while (more) {
    ReadBuffer dropped;
    NESTOR_CO_TRY(more, co_await fill(connection, dropped));
  }
  co_return Result<>{};
}

asio::awaitable<HttpResponse> Server::answer(HttpRequest request) {
  const std::string what = request.method + " " + request.target;
  HttpResponse failed;
  failed.status = 500;
  try {
    co_return co_await handler_(std::move(request));
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    log::error(kComponent, "{}: {}", what, error.what());
  } catch (const std::exception& error) {
    log::error(kComponent, "{}: {}", what, error.what());
  }
  co_return failed;
}

Task<> Server::send(Connection& connection, const HttpResponse& response, bool keep_alive,
                    bool head) {
  const Deadline deadline(executor_, kIdleTimeout, connection);
  std::string bytes = response_head(response, keep_alive);
  if (!head && response.status != 204 && response.status != 304) bytes += response.body;
  Result<> written = co_await connection.write(bytes);
  if (!written) co_return deadline.explain(std::move(written).error());
  co_return written;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> make_http_server(Executor executor, HttpServerOptions options,
                                                     HttpHandler handler) {
  std::shared_ptr<const TlsContext> tls;
  if (!options.tls.cert_pem.empty()) {
    NESTOR_TRY(tls, make_server_tls(options.tls));
  }
  auto server = std::make_unique<Server>(std::move(executor), std::move(options), std::move(tls),
                                         std::move(handler));
  NESTOR_TRY_VOID(server->listen());
  return server;
}

}  // namespace nestor::net
