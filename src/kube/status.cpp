#include "kube/status.hpp"

#include <array>

#include "base/text.hpp"

namespace nestor::kube {

namespace {

/// Bytes of an answer that may be a Status.
constexpr std::size_t kMaxStatus = 256UL * 1024;

struct ReasonCode {
  std::string_view reason;
  Code code;
};

constexpr std::array kReasons = {
    ReasonCode{"Unauthorized", Code::kUnauthenticated},
    ReasonCode{"Forbidden", Code::kPermissionDenied},
    ReasonCode{"NotFound", Code::kNotFound},
    ReasonCode{"AlreadyExists", Code::kAlreadyExists},
    ReasonCode{"Conflict", Code::kAborted},
    ReasonCode{"Gone", Code::kOutOfRange},
    ReasonCode{"Expired", Code::kOutOfRange},
    ReasonCode{"Invalid", Code::kInvalidArgument},
    ReasonCode{"BadRequest", Code::kInvalidArgument},
    ReasonCode{"NotAcceptable", Code::kInvalidArgument},
    ReasonCode{"RequestEntityTooLarge", Code::kInvalidArgument},
    ReasonCode{"UnsupportedMediaType", Code::kInvalidArgument},
    ReasonCode{"MethodNotAllowed", Code::kUnimplemented},
    ReasonCode{"TooManyRequests", Code::kResourceExhausted},
    ReasonCode{"ServerTimeout", Code::kUnavailable},
    ReasonCode{"Timeout", Code::kUnavailable},
    ReasonCode{"ServiceUnavailable", Code::kUnavailable},
    ReasonCode{"StorageReadError", Code::kInternal},
    ReasonCode{"InternalError", Code::kInternal},
};

Code code_from_http(int status) {
  switch (status) {
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 405:
    case 501:
      return Code::kUnimplemented;
    case 409:
      return Code::kAborted;
    case 410:
      return Code::kOutOfRange;
    case 429:
      return Code::kResourceExhausted;
    case 502:
    case 503:
    case 504:
      return Code::kUnavailable;
    default:
      break;
  }
  if (status >= 500) return Code::kInternal;
  if (status >= 400) return Code::kInvalidArgument;
  return Code::kUnknown;
}

std::optional<std::int64_t> integer_at(const Json& value,
                                       std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  if (found == nullptr) return std::nullopt;
  if (found->is_int64()) return found->get_int64();
  if (found->is_uint64()) return static_cast<std::int64_t>(found->get_uint64());
  return std::nullopt;
}

Error from_object(const Json& status, int http_status) {
  if (http_status == 0) {
    http_status = static_cast<int>(integer_at(status, {"code"}).value_or(500));
  }
  Error error{code_from_http(http_status), std::string(find_string(status, {"message"})), {}};
  const std::string_view reason = find_string(status, {"reason"});
  for (const ReasonCode& known : kReasons) {
    if (known.reason == reason) error.code = known.code;
  }
  if (error.message.empty()) {
    error.message = reason.empty() ? "the API server answered HTTP " + std::to_string(http_status)
                                   : std::string(reason);
  }
  const auto seconds = integer_at(status, {"details", "retryAfterSeconds"});
  if (seconds && *seconds > 0 && *seconds < 86400)
    error.retry_after = std::chrono::seconds(*seconds);
  return error;
}

}  // namespace

Error error_from_response(int http_status, std::string_view body, std::string_view retry_after,
                          bool quoted) {
  const auto json = parse_json(body.size() <= kMaxStatus ? body : "");
  Error error;
  if (json && json->is_object() && find_string(*json, {"kind"}) == "Status") {
    error = from_object(*json, http_status);
  } else {
    error.code = code_from_http(http_status);
    error.message = "the API server answered HTTP " + std::to_string(http_status);
    const std::string_view line = body.substr(0, std::min<std::size_t>(body.find('\n'), 200));
    if (quoted && !line.empty()) error.message += ": " + std::string(line);
  }
  const int seconds = parse_number<int>(retry_after).value_or(0);
  if (seconds > 0 && seconds < 86400) {
    error.retry_after = std::chrono::seconds(seconds);
  }
  return error;
}

Error error_from_status(const Json& status) { return from_object(status, 0); }

}  // namespace nestor::kube
