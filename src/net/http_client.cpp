#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "net/http_message.hpp"
#include "net/http_pool.hpp"
#include "net/http_reader.hpp"
#include "net/http_stream.hpp"
#include "net/url.hpp"

namespace nestor::net {

namespace {

using ResponseParser = beast_http::response_parser<beast_http::string_body>;

/// What a request did to its connection.
struct Exchange {
  Result<HttpResponse> response;
  bool keep_alive = false;
  /// Whether the server sent anything, so that it surely saw the request.
  bool answered = false;
};

HttpResponse to_response(ResponseParser& parser) {
  auto message = parser.release();
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  response.headers = header_list(message.base());
  response.body = std::move(message.body());
  return response;
}

/// Writes the request and reads the response.
asio::awaitable<Exchange> exchange(Connection& connection, const HttpRequest& request,
                                   const std::string& head) {
  Exchange out{fail(Code::kUnavailable, "no answer"), false, false};
  const std::string bytes = head + request.body;
  if (auto written = co_await connection.write(bytes); !written) {
    out.response = std::unexpected(std::move(written).error());
    co_return out;
  }
  ReadBuffer buffer;
  while (true) {
    ResponseParser parser;
    parser.body_limit(request.max_response);
    parser.header_limit(buffer.max_head);
    parser.eager(true);
    if (request.method == "HEAD") parser.skip(true);
    MemoryCharge charge(request.memory);
    Result<> room;
    const auto finished = [&charge, &room](const ResponseParser& p) {
      if (p.is_header_done()) room = charge.set(p.get().body().capacity());
      return !room || p.is_done();
    };
    auto read = co_await read_until(connection, buffer, parser, finished);
    if (read) read = std::move(room);
    out.answered = buffer.received;
    if (!read) {
      out.response = std::unexpected(read.error());
      co_return out;
    }
    out.keep_alive = parser.keep_alive() && buffer.bytes.empty();
    // An interim answer (1xx) comes before the real one; 101 would be the last, and unasked.
    const unsigned status = parser.get().result_int();
    if (status / 100 == 1 && status != 101) continue;
    out.response = to_response(parser);
    co_return out;
  }
}

class Client final : public HttpClient {
 public:
  Client(Executor executor, Route route)
      : route_(std::make_shared<const Route>(std::move(route))),
        pool_(std::make_shared<ConnectionPool>(std::move(executor))) {}

  Task<HttpResponse> request(HttpRequest request) override {
    // Copies: the client may be destroyed while the request runs.
    return run(pool_, route_, std::move(request));
  }

  Task<std::unique_ptr<HttpStream>> stream(HttpRequest request) override {
    return open_stream(pool_->executor(), route_, std::move(request));
  }

 private:
  static Task<HttpResponse> run(std::shared_ptr<ConnectionPool> pool,
                                std::shared_ptr<const Route> route, HttpRequest request);
  static asio::awaitable<Exchange> attempt(ConnectionPool& pool, const Route& route,
                                           const HttpRequest& request, const std::string& head,
                                           SteadyTime until,
                                           std::unique_ptr<Connection> connection);

  std::shared_ptr<const Route> route_;
  std::shared_ptr<ConnectionPool> pool_;
};

Task<HttpResponse> Client::run(std::shared_ptr<ConnectionPool> pool,
                               std::shared_ptr<const Route> route, HttpRequest request) {
  NESTOR_CO_TRY(const std::string head, request_head(request, route->host_header()));
  const SteadyTime until = std::chrono::steady_clock::now() + request.timeout;
  NESTOR_CO_TRY(const ConnectionPool::Place place, co_await pool->enter(request.timeout));
  if (auto idle = pool->take_idle()) {
    Exchange done = co_await attempt(*pool, *route, request, head, until, std::move(idle));
    const bool stale =
        !done.response && !done.answered && done.response.error().code == Code::kUnavailable;
    if (!stale || !is_idempotent(request.method)) co_return std::move(done.response);
  }
  Exchange done = co_await attempt(*pool, *route, request, head, until, nullptr);
  co_return std::move(done.response);
}

/// One try on `connection`, or on a new one. A good connection goes back to the pool.
asio::awaitable<Exchange> Client::attempt(ConnectionPool& pool, const Route& route,
                                          const HttpRequest& request, const std::string& head,
                                          SteadyTime until,
                                          std::unique_ptr<Connection> connection) {
  const bool fresh = connection == nullptr;
  if (fresh) connection = std::make_unique<Connection>(pool.executor());
  const auto left = time_until(until, std::chrono::steady_clock::now());
  Exchange out{fail(Code::kDeadlineExceeded, "no time left for the request"), false, false};
  if (left == Duration::zero()) co_return out;
  {
    const Deadline deadline(pool.executor(), left, *connection);
    Result<> opened;
    if (fresh) opened = co_await open_route(*connection, route);
    if (opened) {
      out = co_await exchange(*connection, request, head);
    } else {
      out.response = std::unexpected(std::move(opened).error());
    }
    if (!out.response) {
      Error error = std::move(out.response).error();
      error.message.insert(
          0, request.method + " " + authority(route.endpoint.host, route.endpoint.port) + ": ");
      out.response = deadline.explain(std::move(error));
    }
  }
  if (out.response && out.keep_alive) pool.put_idle(std::move(connection));
  co_return out;
}

}  // namespace

Result<std::unique_ptr<HttpClient>> make_http_client(Executor executor, HttpEndpoint endpoint) {
  if (endpoint.host.empty()) return fail(Code::kInvalidArgument, "no host to connect to");
  Route route;
  if (!endpoint.proxy_url.empty()) {
    NESTOR_TRY(const Url proxy, parse_url(endpoint.proxy_url));
    if (proxy.tls()) return fail(Code::kInvalidArgument, "a proxy URL must begin with http://");
    route.proxy_host = proxy.host;
    route.proxy_port = proxy.port;
  }
  if (endpoint.tls) {
    NESTOR_TRY(route.tls, make_client_tls(endpoint.tls_config));
  }
  route.endpoint = std::move(endpoint);
  return std::make_unique<Client>(std::move(executor), std::move(route));
}

}  // namespace nestor::net
