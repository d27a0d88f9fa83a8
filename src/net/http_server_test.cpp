#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/testing/http_fixture.hpp"

namespace nestor::net {
namespace {

/// Sends raw bytes, then gives all that comes back until the end.
Task<std::string> talk(Executor executor, std::uint16_t port, std::string bytes) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  asio::ip::tcp::socket socket(executor);
  const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(), port);
  co_await socket.async_connect(to, kTuple);
  co_await asio::async_write(socket, asio::buffer(bytes), kTuple);
  socket.shutdown(asio::ip::tcp::socket::shutdown_send);
  std::string answer;
  co_await asio::async_read(socket, asio::dynamic_buffer(answer), kTuple);
  co_return answer;
}

class Server : public HttpTest {
 protected:
  std::string raw(std::string bytes) {
    return run_coroutine<std::string>(io_,
                                      talk(io_.get_executor(), server_->port(), std::move(bytes)))
        .value_or("failed");
  }
};

TEST_F(Server, AnswersPipelinedRequestsInOrder) {
  serve();
  const std::string answer =
      raw("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n"
          "Connection: close\r\n\r\n");
  const std::size_t first = answer.find("GET /1 ");
  const std::size_t second = answer.find("GET /2 ");
  ASSERT_NE(first, std::string::npos) << answer;
  ASSERT_NE(second, std::string::npos) << answer;
  EXPECT_LT(first, second);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(Server, RefusesBrokenRequests) {
  serve();
  for (const char* text : {"hello\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    EXPECT_TRUE(raw(text).starts_with("HTTP/1.1 400 Bad Request\r\n")) << text;
  }
  EXPECT_EQ(raw(""), "");
}

TEST_F(Server, TakesChunksAndSaysContinue) {
  serve();
  const std::string answer =
      raw("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n"
          "\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("POST / abc"), std::string::npos) << answer;
}

TEST_F(Server, LimitsTheBody) {
  HttpServerOptions options;
  options.max_body = 1000;
  HttpClient& to = client(serve(options).port());
  EXPECT_EQ(send(to, {.method = "POST", .body = std::string(1000, 'x')})->status, 200);
  const auto large = send(to, {.method = "POST", .body = std::string(4 << 20, 'x')});
  ASSERT_TRUE(large) << large.error().message;
  EXPECT_EQ(large->status, 413);
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                              std::string(2000, 'x') + "\r\n0\r\n\r\n";
  EXPECT_TRUE(raw(chunked).starts_with("HTTP/1.1 413")) << raw(chunked).substr(0, 100);
}

TEST_F(Server, LimitsWhatStandsAroundTheBody) {
  HttpServerOptions options;
  options.max_body = 0;
  serve(options);
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string large(100'000, 'x');
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\na: " + large).starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(raw(head + "1;" + large).starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(raw(head + "0\r\na: " + large).starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(raw(head + "0\r\na: b\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(Server, OneConnectionTooManyTakesThePlaceOfTheOldest) {
  HttpServerOptions options;
  options.max_connections = 2;
  serve(options);
  std::vector<asio::ip::tcp::socket> idle;
  for (int i = 0; i < 3; ++i) {
    idle.emplace_back(io_).connect({asio::ip::address_v4::loopback(), server_->port()});
    settle(io_);
  }
  idle[0].non_blocking(true);
  idle[1].non_blocking(true);
  char byte = 0;
  boost::system::error_code first;
  boost::system::error_code second;
  idle[0].read_some(asio::buffer(&byte, 1), first);
  idle[1].read_some(asio::buffer(&byte, 1), second);
  EXPECT_EQ(first, asio::error::eof);
  EXPECT_EQ(second, asio::error::would_block);
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
}

asio::awaitable<HttpResponse> throwing(HttpRequest) {
  throw std::runtime_error("surprise");
  co_return HttpResponse{};
}

TEST_F(Server, AnswersAThrowWith500) {
  HttpClient& to = client(serve({}, throwing).port());
  const auto response = get(to);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
}

asio::awaitable<HttpResponse> never(HttpRequest) {
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::use_awaitable);
  co_return HttpResponse{};
}

TEST_F(Server, StopCancelsHandlersAndIdleConnections) {
  HttpServer& server = serve({}, never);
  HttpClient& to = client(server.port());
  const auto response = send(to, {.timeout = Duration(20)});
  EXPECT_FALSE(response);
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("idle client",
              as_task([](Executor executor, std::uint16_t port) -> asio::awaitable<void> {
                (void)co_await talk(executor, port, "GET / HTTP/1.1\r\n");
              }(io_.get_executor(), server.port())));
  settle(io_);
  run_coroutine(io_, server.stop());
  run_coroutine(io_, server.stop());
  const auto after = get(to);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Code::kUnavailable);
  run_coroutine(io_, tasks.close());
}

TEST_F(Server, SaysWhenThePortIsTaken) {
  HttpServer& first = serve();
  const auto second =
      make_http_server(io_.get_executor(), {.address = "127.0.0.1", .port = first.port()}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  const auto bad = make_http_server(io_.get_executor(), {.address = "nowhere"}, echo);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace nestor::net
