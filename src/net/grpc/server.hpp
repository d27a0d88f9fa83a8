#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "net/grpc/call.hpp"
#include "net/http.hpp"

namespace nestor::grpc {

class Stream;

/// One call, as the method that serves it sees it. Messages are bytes: unary() below turns them
/// into protobuf. One read may run at a time; writes keep their order. Thread: event loop.
class ServerCall {
 public:
  explicit ServerCall(std::shared_ptr<Stream> stream);
  ~ServerCall();
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;

  /// "/package.Service/Method".
  const std::string& method() const;
  /// What the client sent along.
  const Metadata& metadata() const;

  /// The client's next message, or nothing when it has sent its last. The client may send more only
  /// as messages are taken. Errors: kCancelled (the client gave up, or is gone),
  /// kDeadlineExceeded (the client's deadline), kResourceExhausted (message too large).
  Task<std::optional<std::string>> read();

  /// Sends metadata ahead of the first message, now. At most once; write() does it otherwise.
  void send_headers(Metadata metadata);
  /// Returns when there is room for another message. `more`: the rest of the message, see
  /// ClientCall. Errors: as read().
  Task<> write(std::string message, std::string more = {});
  /// Sends without waiting for room: for small messages of which there are few.
  void post(std::string message);
  /// Bytes of posts that wait for the client: who answers its messages by them looks at this, since
  /// a client need not read.
  std::size_t posted() const;
  /// Returns when the client gave up or is gone, whatever it sent before.
  Task<> gone();

 private:
  std::shared_ptr<Stream> stream_;
};

/// Serves one call. What it returns is the call's status; an error's code and message reach the
/// client as they are. It is cancelled only when the server stops: a client that gives up shows in
/// read() and write().
using Handler = std::function<Task<>(ServerCall&)>;

/// Methods by "/package.Service/Method". Any other is answered with kUnimplemented.
using Handlers = std::map<std::string, Handler>;

/// Inner part of unary().
template <class Request, class Response>
Task<> serve_unary(ServerCall& call, std::function<Task<Response>(Request)> method) {
  NESTOR_CO_TRY(const std::optional<std::string> bytes, co_await call.read());
  Request request;
  if (!bytes || !request.ParseFromString(*bytes)) {
    co_return fail(Code::kInternal, "the request of " + call.method() + " cannot be read");
  }
  NESTOR_CO_TRY(const Response response, co_await method(std::move(request)));
  std::string out = response.SerializeAsString();
  co_return co_await call.write(std::move(out));
}

/// A method with one request and one response, protobuf messages both:
///   handlers["/csi.v1.Identity/Probe"] =
///       grpc::unary<ProbeRequest, ProbeResponse>([this](ProbeRequest r) { return probe(r); });
/// The function returns a Task of a coroutine; it is no coroutine itself.
template <class Request, class Response>
Handler unary(std::function<Task<Response>(Request)> method) {
  return [method = std::move(method)](ServerCall& call) {
    return serve_unary<Request, Response>(call, method);
  };
}

/// Where a server listens.
struct Listen {
  /// A socket file, or "" for TCP. One that is there is replaced; stop() removes it.
  std::string unix_path = {};
  /// What others may do with the socket file.
  unsigned unix_mode = 0660;
  /// "": every address of the machine, IPv6's too.
  std::string address = "0.0.0.0";
  /// 0: any free port, see Server::port().
  std::uint16_t port = 0;
  /// Empty cert_pem: no TLS. ALPN "h2" is set by the server.
  net::TlsServerConfig tls = {};
};

/// Serves calls on any number of connections. Must be stopped before its destruction.
class Server {
 public:
  Server(Executor executor, Handlers handlers, Options options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds at once; may be called for several places. Errors: kAlreadyExists (address in use),
  /// kInvalidArgument (path too long, unreadable PEM).
  Result<> listen(Listen where);
  /// Of the last listen().
  std::uint16_t port() const;
  std::size_t connections() const;

  /// Accepts no more, tells clients so (GOAWAY), lets running calls end for `grace`, cancels the
  /// rest and waits. Idempotent.
  asio::awaitable<void> stop(Duration grace = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::grpc
