#include "net/testing/http_fixture.hpp"

namespace nestor::net {
namespace {

class Stream : public HttpTest {
 protected:
  static constexpr const char* kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  Result<std::unique_ptr<HttpStream>> open(HttpClient& to, Duration timeout = Duration(5000)) {
    return run_coroutine<std::unique_ptr<HttpStream>>(io_, to.stream({.timeout = timeout}));
  }
  Result<std::string> read(HttpStream& from, Duration idle = Duration(5000)) {
    return run_coroutine<std::string>(io_, from.read_some(idle));
  }
  /// Everything up to the end; an error's message in angle brackets.
  std::string read_all(HttpStream& from) {
    std::string all;
    while (true) {
      const auto piece = read(from);
      if (!piece) return all + "<" + std::string(to_string(piece.error().code)) + ">";
      if (piece->empty()) return all;
      all += *piece;
    }
  }
  std::string stream_of(std::string answer) {
    ScriptedPeer& server = peer({{{}, {Step::kSend, std::move(answer)}}});
    auto stream = open(client(server.port()));
    return stream ? read_all(**stream) : "failed: " + stream.error().message;
  }
};

TEST_F(Stream, GivesPiecesAsTheyCome) {
  ScriptedPeer& server =
      peer({{{}, {Step::kSend, kHead}, {Step::kSend, "5\r\nhello\r\n"}, {Step::kStall}}});
  auto stream = open(client(server.port()));
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ((*stream)->status(), 200);
  EXPECT_EQ(read(**stream), "hello");
  const auto idle = read(**stream, Duration(20));
  ASSERT_FALSE(idle);
  EXPECT_EQ(idle.error().code, Code::kDeadlineExceeded);
}

TEST_F(Stream, EndsWithAnEmptyPiece) {
  EXPECT_EQ(stream_of(std::string(kHead) + "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n"), "abcd");
  EXPECT_EQ(stream_of("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"), "abcd");
  EXPECT_EQ(stream_of("HTTP/1.1 200 OK\r\n\r\nabcd"), "abcd");
  EXPECT_EQ(stream_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "");
  EXPECT_EQ(stream_of("HTTP/1.1 204 No Content\r\n\r\n"), "");
}

TEST_F(Stream, TellsAnEarlyEndFromTheEnd) {
  EXPECT_EQ(stream_of(std::string(kHead) + "3\r\nabc\r\n"), "abc<UNAVAILABLE>");
  EXPECT_EQ(stream_of(std::string(kHead) + "3\r\nab"), "ab<UNAVAILABLE>");
  EXPECT_EQ(stream_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd"), "abcd<UNAVAILABLE>");
  EXPECT_EQ(stream_of(std::string(kHead) + "zz\r\n"), "<UNAVAILABLE>");
}

TEST_F(Stream, LimitsWhatStandsAroundTheBody) {
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(stream_of(kHead + ("3\r\nabc\r\n1;" + large)), "abc<RESOURCE_EXHAUSTED>");
  EXPECT_EQ(stream_of(kHead + ("3\r\nabc\r\n0\r\na: " + large)), "abc<RESOURCE_EXHAUSTED>");
}

TEST_F(Stream, CarriesMoreThanAPlainBodyMay) {
  std::string body;
  for (int i = 0; body.size() < 3U << 20; ++i) body += std::to_string(i) + "\n";
  std::string chunks = kHead;
  for (std::size_t at = 0; at < body.size(); at += 100'003) {
    const std::string piece = body.substr(at, 100'003);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunks += size + piece + "\r\n";
  }
  EXPECT_EQ(stream_of(chunks + "0\r\n\r\n"), body);
}

TEST_F(Stream, HasAStatusWhateverItIs) {
  ScriptedPeer& server =
      peer({{{}, {Step::kSend, "HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone"}}});
  auto stream = open(client(server.port()));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->status(), 410);
  EXPECT_EQ(read_all(**stream), "gone");
}

TEST_F(Stream, TimesOutBeforeTheHead) {
  ScriptedPeer& server = peer({{{}, {Step::kStall}}});
  const auto stream = open(client(server.port()), Duration(20));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Code::kDeadlineExceeded);
}

Task<> follow(HttpClient& client) {
  HttpRequest request;
  NESTOR_CO_TRY(const auto stream, co_await client.stream(std::move(request)));
  while (true) {
    NESTOR_CO_TRY(const std::string piece, co_await stream->read_some(std::chrono::hours(1)));
    if (piece.empty()) co_return Result<>{};
  }
}

TEST_F(Stream, CancelsBeforeTheHeadAndInTheBody) {
  for (const bool with_head : {false, true}) {
    ScriptedPeer& server =
        peer({{{}, {Step::kSend, with_head ? kHead : "HTTP/1.1 2"}, {Step::kAwaitEnd}}});
    HttpClient& to = client(server.port());
    TaskGroup tasks(io_.get_executor());
    tasks.spawn("follow", follow(to));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (server.received().empty() || !server.received()[0].ends_with("\r\n\r\n")) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      io_.run_one_until(until);
    }
    settle(io_);
    ASSERT_EQ(tasks.size(), 1U);
    run_coroutine(io_, tasks.close());
    EXPECT_EQ(tasks.size(), 0U);
  }
}

}  // namespace
}  // namespace nestor::net
