#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "net/tls.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// One TCP or UNIX connection, plain or with TLS on top. One read and one write may run at a time;
/// nothing else beside them. They end early when
/// close() is called (see Deadline); cancelling the coroutine that waits for one closes the
/// connection. Thread: event loop.
class Connection {
 public:
  explicit Connection(Executor executor);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Resolves and tries each address in turn. Errors: kUnavailable.
  Task<> connect(std::string host, std::uint16_t port);
  /// The socket file `path`. Errors: kUnavailable.
  Task<> connect_unix(std::string path);
  /// After connect(): the peer may take nothing for as long as it likes, as a program that does not
  /// read yet. One that is gone without a word is then noticed within half a minute only while
  /// nothing is under way to it, else after the system's quarter of an hour.
  void allow_pauses();
  /// TLS as client; verifies the peer. Errors: kUnavailable with the reason.
  Task<> start_tls(const TlsContext& context, std::string server_name);
  /// TLS as server.
  Task<> accept_tls(const TlsContext& context);

  /// The protocol that both sides of TLS chose (ALPN, RFC 7301), or "".
  std::string alpn() const;
  bool is_tls() const;

  /// Some bytes, or 0 at the peer's orderly end. Errors: kUnavailable, kCancelled.
  Task<std::size_t> read_some(std::span<char> into);
  Task<> write(std::string_view bytes);

  /// Ends pending and future operations with kCancelled. Idempotent.
  void close();
  bool is_open() const;
  /// Whether an idle connection can take a request: open, and the peer sent nothing (its end, or
  /// bytes nobody asked for).
  bool is_idle();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::net
