#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/fd.hpp"

/// Open files over UNIX sockets (SCM_RIGHTS). Source: unix(7). Include only in source files: the
/// header is heavy.
namespace nestor::vm {

using LocalSocket = asio::local::stream_protocol::socket;

/// Sends `fd` with as much of `bytes` as goes at once: how many that were.
/// Errors: kUnavailable, kCancelled.
Task<std::size_t> send_with_fd(LocalSocket& socket, std::string_view bytes, int fd);

/// Reads lines, and the files that come with them.
class LineReader {
 public:
  static constexpr std::size_t kMaxLine = 64 * 1024;

  explicit LineReader(LocalSocket& socket) : socket_(socket) {}
  /// The next line without its end; empty when the peer closed.
  /// Errors: kUnavailable, kInvalidArgument (too long a line), kCancelled.
  Task<std::optional<std::string>> next();
  /// The oldest file that came and was not taken yet.
  std::optional<UniqueFd> take_fd();

 private:
  /// One read: false at the end of the stream.
  Result<bool> read();
  LocalSocket& socket_;
  std::string rest_;
  std::deque<UniqueFd> fds_;
};

}  // namespace nestor::vm
