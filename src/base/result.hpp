#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nestor {

/// What kind of failure an Error is: the canonical codes of gRPC, which map one to one to
/// Kubernetes `Status.reason` (kube/status.hpp) and to exit codes of the commands.
enum class Code : std::uint8_t {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  /// A write lost a race (HTTP 409 Conflict): read again and retry.
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  /// The other side cannot be reached or is not ready: retry with back-off.
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// The name of a code as gRPC spells it, e.g. "NOT_FOUND".
std::string_view to_string(Code code);

/// Why an operation failed: one sentence without final period, from the outside in
/// ("creating Machine default/demo-x: connection refused"). Holds no secret.
struct Error {
  Code code = Code::kUnknown;
  std::string message;
  /// When the peer named a time to wait before the next try.
  std::optional<std::chrono::milliseconds> retry_after = {};
};

/// What every function returns that can fail.
template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(Code::kNotFound, "no such cluster");`
inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected(Error{code, std::move(message), {}});
}

/// Puts "context: " in front of an error's message; code and cause stay.
inline std::unexpected<Error> with_context(Error error, std::string_view context) {
  error.message.insert(0, std::string(context) + ": ");
  return std::unexpected(std::move(error));
}

}  // namespace nestor

#define NESTOR_CONCAT_INNER(a, b) a##b
#define NESTOR_CONCAT(a, b) NESTOR_CONCAT_INNER(a, b)

/// `NESTOR_TRY(auto x, f());`: x is the value of f(), or this function returns f()'s error.
#define NESTOR_TRY(decl, ...)                                                 \
  auto NESTOR_CONCAT(try_, __LINE__) = (__VA_ARGS__);                         \
  if (!NESTOR_CONCAT(try_, __LINE__).has_value())                             \
    return std::unexpected(std::move(NESTOR_CONCAT(try_, __LINE__)).error()); \
  decl = std::move(*NESTOR_CONCAT(try_, __LINE__))

/// The same without a value: `NESTOR_TRY_VOID(f());`
#define NESTOR_TRY_VOID(...)                              \
  if (auto NESTOR_CONCAT(try_, __LINE__) = (__VA_ARGS__); \
      !NESTOR_CONCAT(try_, __LINE__).has_value())         \
  return std::unexpected(std::move(NESTOR_CONCAT(try_, __LINE__)).error())

/// In a coroutine: `NESTOR_CO_TRY(auto x, co_await f());`
#define NESTOR_CO_TRY(decl, ...)                                                 \
  auto NESTOR_CONCAT(try_, __LINE__) = (__VA_ARGS__);                            \
  if (!NESTOR_CONCAT(try_, __LINE__).has_value())                                \
    co_return std::unexpected(std::move(NESTOR_CONCAT(try_, __LINE__)).error()); \
  decl = std::move(*NESTOR_CONCAT(try_, __LINE__))

/// In a coroutine, without a value: `NESTOR_CO_TRY_VOID(co_await f());`
#define NESTOR_CO_TRY_VOID(...)                                                    \
  do {                                                                             \
    auto NESTOR_CONCAT(try_, __LINE__) = (__VA_ARGS__);                            \
    if (!NESTOR_CONCAT(try_, __LINE__).has_value())                                \
      co_return std::unexpected(std::move(NESTOR_CONCAT(try_, __LINE__)).error()); \
  } while (false)
