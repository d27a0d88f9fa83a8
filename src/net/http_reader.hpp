#pragma once

// Template over Beast's parsers; for the .cpp files of net only.

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <string>
#include <utility>
#include <vector>

#include "net/connection.hpp"
#include "net/error.hpp"

namespace nestor::net {

namespace beast_http = boost::beast::http;

/// Bytes of a message before its body, and of what stands around a chunk of it.
inline constexpr std::uint32_t kMaxHead = 256 * 1024;
/// The same of a request, which anyone may send.
inline constexpr std::uint32_t kMaxRequestHead = 16 * 1024;

/// Bytes of a connection on their way into a parser.
struct ReadBuffer {
  /// A connection that waits for news, as a watch mostly does, holds no more than this.
  static constexpr std::size_t kSmall = 4096;
  static constexpr std::size_t kLarge = 64 * 1024;

  std::string bytes = {};
  /// Of the messages that are read.
  std::uint32_t max_head = kMaxHead;
  /// How much the next read asks for: more after each read that filled what it asked for.
  std::size_t next = kSmall;
  /// Whether anything was ever received.
  bool received = false;
};

/// Receives more. False at the peer's orderly end.
inline Task<bool> fill(Connection& connection, ReadBuffer& buffer) {
  const std::size_t start = buffer.bytes.size();
  const std::size_t wanted = buffer.next;
  // Swapped, since an assignment would keep the memory.
  if (start == 0 && wanted == ReadBuffer::kSmall) std::string().swap(buffer.bytes);
  buffer.bytes.resize(start + wanted);
  const Result<std::size_t> count =
      co_await connection.read_some({buffer.bytes.data() + start, wanted});
  buffer.bytes.resize(start + count.value_or(0));
  if (!count) co_return std::unexpected(count.error());
  if (*count == 0) co_return false;
  buffer.received = true;
  buffer.next = *count < wanted ? ReadBuffer::kSmall : std::min(wanted * 4, ReadBuffer::kLarge);
  co_return true;
}

/// What a parser does not take is the beginning of a head, of a chunk's head or of trailers. Beast
/// limits only the first: without this a peer could send the others without end.
inline Result<> check_untaken(const ReadBuffer& buffer) {
  if (buffer.bytes.size() <= buffer.max_head) return {};
  return fail(Code::kResourceExhausted, "the head of a chunk, or its trailers, are too large");
}

/// Gives the parser what is there, until `finished(parser)`. True when it wants more bytes to go
/// on.
template <class Parser, class Finished>
bool feed(Parser& parser, ReadBuffer& buffer, boost::system::error_code& error, Finished finished) {
  std::size_t used = 0;
  bool wants_more = false;
  while (!finished(parser) && !wants_more && !error) {
    if (used == buffer.bytes.size()) {
      wants_more = true;
      break;
    }
    const std::size_t count = parser.put(
        boost::asio::buffer(buffer.bytes.data() + used, buffer.bytes.size() - used), error);
    used += count;
    if (error == beast_http::error::need_more) {
      error = {};
      wants_more = true;
    } else if (count == 0 && !error) {
      wants_more = true;
    }
  }
  buffer.bytes.erase(0, used);
  return wants_more;
}

/// Reads until `finished(parser)`. Errors of the connection as they are; of the message:
/// kResourceExhausted for one that is too large, kUnavailable otherwise.
template <class Parser, class Finished>
Task<> read_until(Connection& connection, ReadBuffer& buffer, Parser& parser, Finished finished) {
  while (!finished(parser)) {
    boost::system::error_code error;
    if (feed(parser, buffer, error, finished) && !finished(parser)) {
      NESTOR_CO_TRY_VOID(check_untaken(buffer));
      NESTOR_CO_TRY(const bool more, co_await fill(connection, buffer));
      if (!more) {
        if (!parser.got_some()) {
          co_return fail(Code::kUnavailable, "the peer closed the connection");
        }
        parser.put_eof(error);
      }
    }
    if (error == beast_http::error::body_limit || error == beast_http::error::header_limit) {
      co_return fail(Code::kResourceExhausted, error.message());
    }
    if (error) co_return fail(Code::kUnavailable, "broken HTTP message: " + error.message());
  }
  co_return Result<>{};
}

inline std::vector<std::pair<std::string, std::string>> header_list(
    const beast_http::fields& fields) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& field : fields) {
    out.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return out;
}

}  // namespace nestor::net
