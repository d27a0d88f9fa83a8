#include "net/grpc/wire.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.hpp"

namespace nestor::grpc {

namespace {

constexpr std::size_t kMaxTimeoutDigits = 8;
constexpr int kLastCode = static_cast<int>(Code::kUnauthenticated);
/// A message is given its memory at once up to this size; a larger one as its bytes come, so that
/// announcing one costs the peer what it costs us.
constexpr std::size_t kTrustedSize = 128 * 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view find(const Metadata& metadata, std::string_view name) {
  for (const auto& [key, value] : metadata) {
    if (key == name) return value;
  }
  return {};
}

std::string write_timeout(Duration timeout) {
  constexpr std::pair<std::int64_t, char> kUnits[] = {
      {1, 'm'}, {1'000, 'S'}, {60'000, 'M'}, {3'600'000, 'H'}};
  constexpr std::int64_t kMost = 99'999'999LL * 3'600'000;
  const std::int64_t count = std::clamp<std::int64_t>(timeout.count(), 0, kMost);
  std::string digits;
  for (const auto& [size, unit] : kUnits) {
    digits = std::to_string((count + size - 1) / size);
    if (digits.size() <= kMaxTimeoutDigits) return digits + unit;
  }
  return digits + 'H';
}

Result<Duration> read_timeout(std::string_view text) {
  const auto count = parse_number<std::int64_t>(text.substr(0, text.size() - 1)).value_or(-1);
  if (count < 0 || text.size() > kMaxTimeoutDigits + 1) {
    return fail(Code::kInvalidArgument, "not a timeout: " + std::string(text));
  }
  constexpr auto up = [](auto time) { return std::chrono::ceil<Duration>(time); };
  switch (text.back()) {
    case 'H':
      return std::chrono::hours(count);
    case 'M':
      return std::chrono::minutes(count);
    case 'S':
      return std::chrono::seconds(count);
    case 'm':
      return Duration(count);
    case 'u':
      return up(std::chrono::microseconds(count));
    case 'n':
      return up(std::chrono::nanoseconds(count));
    default:
      return fail(Code::kInvalidArgument, "not a timeout: " + std::string(text));
  }
}

std::string write_status_message(std::string_view message) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7E && c != '%') {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string read_status_message(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

Metadata write_status(const Result<>& status) {
  if (status) return {{"grpc-status", "0"}};
  Metadata out{{"grpc-status", std::to_string(static_cast<int>(status.error().code))}};
  if (!status.error().message.empty()) {
    out.emplace_back("grpc-message", write_status_message(status.error().message));
  }
  return out;
}

std::optional<Result<>> read_status(const Metadata& trailers) {
  const std::string_view text = find(trailers, "grpc-status");
  if (text.empty()) return std::nullopt;
  const int code = parse_number<int>(text).value_or(-1);
  if (code == 0) return Result<>{};
  const bool known = code >= 1 && code <= kLastCode;
  return fail(known ? static_cast<Code>(code) : Code::kUnknown,
              read_status_message(find(trailers, "grpc-message")));
}

Error from_http_status(int status) {
  Code code = Code::kUnknown;
  if (status == 400) code = Code::kInternal;
  if (status == 401) code = Code::kUnauthenticated;
  if (status == 403) code = Code::kPermissionDenied;
  if (status == 404) code = Code::kUnimplemented;
  if (status == 429 || (status >= 502 && status <= 504)) code = Code::kUnavailable;
  return {code, "the server answered with HTTP status " + std::to_string(status), {}};
}

Error from_reset(std::uint32_t code) {
  switch (code) {
    case kRefusedStream:
      return {Code::kUnavailable, "the server refused the call", {}};
    case kCancel:
      return {Code::kCancelled, "the peer cancelled the call", {}};
    case kEnhanceYourCalm:
      return {Code::kResourceExhausted, "the peer wants fewer calls", {}};
    case kInadequateSecurity:
      return {Code::kPermissionDenied, "the peer wants better security", {}};
    default:
      return {Code::kInternal, "the call was reset with HTTP/2 error " + std::to_string(code), {}};
  }
}

std::uint32_t to_reset(Code code) {
  return code == Code::kResourceExhausted ? kEnhanceYourCalm : kCancel;
}

bool is_reserved(std::string_view name) {
  return name.starts_with(':') || name.starts_with("grpc-") || name == "content-type" ||
         name == "te";
}

Prefix::Prefix(std::size_t message_size) : bytes{} {
  for (int i = 0; i < 4; ++i) {
    bytes[4 - i] = static_cast<char>(message_size & 255);
    message_size >>= 8;
  }
}

Result<> MessageReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!in_body_) {
      const std::size_t count = std::min(sizeof(Prefix) - prefix_.size(), bytes.size());
      prefix_.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      if (prefix_.size() < sizeof(Prefix)) break;
      body_size_ = 0;
      for (int i = 1; i < 5; ++i) {
        body_size_ =
            body_size_ << 8 | static_cast<unsigned char>(prefix_[static_cast<std::size_t>(i)]);
      }
      const bool compressed = prefix_[0] != 0;
      prefix_.clear();
      if (compressed) return fail(Code::kUnimplemented, "compressed messages are not supported");
      if (body_size_ > max_message_) {
        return fail(Code::kResourceExhausted, "a message of " + std::to_string(body_size_) +
                                                  " bytes is larger than " +
                                                  std::to_string(max_message_));
      }
      in_body_ = true;
      body_.reserve(std::min(body_size_, kTrustedSize));
    }
    const std::size_t count = std::min(body_size_ - body_.size(), bytes.size());
    body_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (body_.size() == body_size_) finish_body();
  }
  return {};
}

void MessageReader::finish_body() {
  in_body_ = false;
  done_.push_back(std::exchange(body_, std::string()));
}

std::optional<std::string> MessageReader::next() {
  if (done_.empty()) return std::nullopt;
  std::optional<std::string> out(std::move(done_.front()));
  done_.pop_front();
  return out;
}

}  // namespace nestor::grpc
