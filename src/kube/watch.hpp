#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "kube/client.hpp"

namespace nestor::kube {

/// Cuts a watch's body into events: one JSON object a line, in chunks of any size. No I/O.
class WatchDecoder {
 public:
  /// The largest object the API server stores is far below. Bytes.
  static constexpr std::size_t kMaxLine = 16UL * 1024 * 1024;

  /// A line longer than `max_line` bytes, or that could take more than `max_memory`, is refused.
  explicit WatchDecoder(std::size_t max_line = kMaxLine, std::size_t max_memory = kNoLimit)
      : max_line_(max_line), max_memory_(max_memory) {}

  void feed(std::string_view chunk);
  /// The next whole event, or nothing until more is fed. Errors: an ERROR event as
  /// error_from_status maps it (410 is kOutOfRange); kInternal for a line that is no event or too
  /// long, kResourceExhausted for one that could take too much memory.
  std::optional<Result<WatchEvent>> next();
  /// Bytes of an unfinished line.
  std::size_t buffered() const { return buffer_.size() - begin_; }
  /// Bytes of memory held: few between events.
  std::size_t held() const { return buffer_.capacity(); }

 private:
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  std::size_t max_line_;
  std::size_t max_memory_;
  std::string buffer_;
  /// Where the first unread line starts.
  std::size_t begin_ = 0;
  /// How far was looked for a line's end already, so that a long line is scanned once.
  std::size_t scanned_ = 0;
};

}  // namespace nestor::kube
