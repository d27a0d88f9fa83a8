#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/grpc/call.hpp"

/// Inner part of net/grpc: what gRPC writes into HTTP/2. Without I/O.
namespace nestor::grpc {

/// Why a stream is reset: RFC 9113, section 7.
enum : std::uint32_t {
  kNoError = 0,
  kRefusedStream = 7,
  kCancel = 8,
  kEnhanceYourCalm = 11,
  kInadequateSecurity = 12,
};

/// The value of grpc-timeout: at most 8 digits and a unit. Rounded up.
std::string write_timeout(Duration timeout);
/// Errors: kInvalidArgument.
Result<Duration> read_timeout(std::string_view text);

/// The value of grpc-message: percent-encoded UTF-8.
std::string write_status_message(std::string_view message);
/// What cannot be decoded stays as it is.
std::string read_status_message(std::string_view text);

/// grpc-status and grpc-message.
Metadata write_status(const Result<>& status);
/// The status in trailers; nothing when there is none.
std::optional<Result<>> read_status(const Metadata& trailers);
/// What an HTTP status without a gRPC status means.
Error from_http_status(int status);
/// What a stream that was reset with this HTTP/2 error code means.
Error from_reset(std::uint32_t code);
/// The code to reset a stream with that ends for this reason.
std::uint32_t to_reset(Code code);

/// Whether metadata of that name is the protocol's own.
bool is_reserved(std::string_view name);

/// The five bytes before a message.
struct Prefix {
  explicit Prefix(std::size_t message_size);
  char bytes[5];
};

/// Cuts a stream of bytes into messages.
class MessageReader {
 public:
  explicit MessageReader(std::size_t max_message) : max_message_(max_message) {}
  /// Errors: kResourceExhausted (message too large), kUnimplemented (compressed).
  Result<> feed(std::string_view bytes);
  /// The next whole message.
  std::optional<std::string> next();
  /// Whether the bytes so far end with a message's end.
  bool at_boundary() const { return prefix_.empty() && !in_body_; }

 private:
  void finish_body();

  std::size_t max_message_;
  std::string prefix_;
  std::string body_;
  std::size_t body_size_ = 0;
  bool in_body_ = false;
  std::deque<std::string> done_;
};

}  // namespace nestor::grpc
