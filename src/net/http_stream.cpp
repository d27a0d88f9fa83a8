#include "net/http_stream.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "net/http_message.hpp"
#include "net/http_reader.hpp"
#include "net/url.hpp"

namespace nestor::net {

namespace {

class Stream final : public HttpStream {
 public:
  using Parser = beast_http::response_parser<beast_http::buffer_body>;

  explicit Stream(Executor executor) : executor_(executor), connection_(std::move(executor)) {
    parser_.body_limit(boost::none);
    parser_.header_limit(buffer_.max_head);
  }

  Task<> open(const Route& route, const HttpRequest& request);
  int status() const override { return static_cast<int>(parser_.get().result_int()); }
  Task<std::string> read_some(Duration idle_timeout) override;

 private:
  Task<> send(const Route& route, const HttpRequest& request);
  Task<std::string> read_piece();

  Executor executor_;
  Connection connection_;
  ReadBuffer buffer_;
  Parser parser_;
};

Task<> Stream::send(const Route& route, const HttpRequest& request) {
  NESTOR_CO_TRY(std::string bytes, request_head(request, route.host_header()));
  NESTOR_CO_TRY_VOID(co_await open_route(connection_, route));
  bytes += request.body;
  NESTOR_CO_TRY_VOID(co_await connection_.write(bytes));
  co_return co_await read_until(connection_, buffer_, parser_,
                                [](const Parser& p) { return p.is_header_done(); });
}

Task<> Stream::open(const Route& route, const HttpRequest& request) {
  const Deadline deadline(executor_, request.timeout, connection_);
  Result<> sent = co_await send(route, request);
  if (sent) co_return sent;
  Error error = std::move(sent).error();
  error.message.insert(
      0, request.method + " " + authority(route.endpoint.host, route.endpoint.port) + ": ");
  co_return deadline.explain(std::move(error));
}

Task<std::string> Stream::read_piece() {
  std::string piece;
  bool starved = buffer_.bytes.empty();
  while (piece.empty() && !parser_.is_done()) {
    boost::system::error_code error;
    if (starved) {
      NESTOR_CO_TRY_VOID(check_untaken(buffer_));
      NESTOR_CO_TRY(const bool more, co_await fill(connection_, buffer_));
      if (!more) parser_.put_eof(error);
    }
    // A body is never longer than its encoding.
    piece.resize(buffer_.bytes.size());
    auto& body = parser_.get().body();
    body.data = piece.data();
    body.size = piece.size();
    body.more = true;
    if (!error) {
      starved = feed(parser_, buffer_, error, [](const Parser& p) { return p.is_done(); });
    }
    piece.resize(piece.size() - body.size);
    if (error == beast_http::error::need_buffer) error = {};
    if (error) co_return fail(Code::kUnavailable, "stream ended early: " + error.message());
  }
  co_return piece;
}

Task<std::string> Stream::read_some(Duration idle_timeout) {
  if (parser_.is_done()) co_return std::string();
  const Deadline deadline(executor_, idle_timeout, connection_);
  Result<std::string> piece = co_await read_piece();
  if (!piece) co_return deadline.explain(std::move(piece).error());
  if (parser_.is_done()) connection_.close();
  co_return piece;
}

}  // namespace

Task<std::unique_ptr<HttpStream>> open_stream(Executor executor, std::shared_ptr<const Route> route,
                                              HttpRequest request) {
  auto stream = std::make_unique<Stream>(std::move(executor));
  NESTOR_CO_TRY_VOID(co_await stream->open(*route, request));
  co_return std::unique_ptr<HttpStream>(std::move(stream));
}

}  // namespace nestor::net
