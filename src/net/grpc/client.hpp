#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/task_group.hpp"
#include "net/grpc/call.hpp"
#include "net/http.hpp"

namespace nestor::grpc {

class Session;
class Stream;

/// A server's place.
struct Target {
  /// A socket file, or "" for TCP.
  std::string unix_path = {};
  std::string host = {};
  std::uint16_t port = 443;
  bool tls = true;
  /// ALPN "h2" is set by connect(), unless another is given.
  net::TlsClientConfig tls_config = {};
};

/// One call, as its client sees it. Destroying it before its end cancels it. One read may run at a
/// time; writes keep their order.
/// Thread: event loop.
class ClientCall {
 public:
  explicit ClientCall(std::shared_ptr<Stream> stream);
  ~ClientCall();
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

  /// Returns when there is room for another message. `more`: the rest of the message, so that large
  /// bytes need not be copied behind what describes them. Errors: the call's status, kUnavailable
  /// (connection lost), kCancelled (the call is over).
  Task<> write(std::string message, std::string more = {});
  /// Sends without waiting for room: for small messages of which there are few.
  void post(std::string message);
  /// No more messages from this side.
  void finish_writing();
  /// Waits for what the server sent ahead of its first message. Errors: the call's status.
  Task<Metadata> headers();
  /// The next message, or nothing when the call ended well. Errors: the call's status.
  Task<std::optional<std::string>> read();

 private:
  std::shared_ptr<Stream> stream_;
};

struct CallOptions {
  Metadata metadata = {};
  /// For the whole call, told to the server too. Zero: none.
  Duration timeout = {};
};

/// One connection to a server, for any number of calls. When it is lost every call ends with
/// kUnavailable, and a new Channel is needed. Destroying it closes the connection.
/// Thread: event loop.
class Channel {
 public:
  explicit Channel(std::shared_ptr<Session> session);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Begins a call. Errors: kUnavailable (connection lost, or the server said it is leaving).
  Result<std::unique_ptr<ClientCall>> call(std::string method, CallOptions options = {});
  /// Whether call() can succeed.
  bool is_open() const;
  /// Begins a call with one request and takes its one response; the bytes of both.
  Task<std::string> call_unary(std::string method, std::string request, CallOptions options = {});

 private:
  std::shared_ptr<Session> session_;
};

/// Connects; the connection's coroutines run in `tasks`, which must outlive the channel. Errors:
/// kUnavailable, kDeadlineExceeded, kInvalidArgument (unreadable PEM).
Task<std::unique_ptr<Channel>> connect(TaskGroup& tasks, Target target, Options options = {},
                                       Duration timeout = std::chrono::seconds(20));

/// The same with protobuf messages:
///   co_await grpc::call_unary<ProbeResponse>(channel, "/csi.v1.Identity/Probe", request);
template <class Response, class Request>
Task<Response> call_unary(Channel& channel, std::string method, Request request,
                          CallOptions options = {}) {
  std::string bytes = request.SerializeAsString();
  NESTOR_CO_TRY(const std::string answer,
                co_await channel.call_unary(method, std::move(bytes), std::move(options)));
  Response response;
  if (!response.ParseFromString(answer)) {
    co_return fail(Code::kInternal, "the response of " + method + " cannot be read");
  }
  co_return response;
}

}  // namespace nestor::grpc
