#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "base/async.hpp"
#include "base/signal.hpp"
#include "base/task_group.hpp"
#include "net/connection.hpp"
#include "net/grpc/call.hpp"
#include "net/grpc/stream.hpp"

struct nghttp2_session;

/// Inner part of net/grpc.
namespace nestor::grpc {

/// In the log.
inline constexpr std::string_view kComponent = "net.grpc";

/// One HTTP/2 connection with its streams: nghttp2 speaks the protocol, two coroutines move its
/// bytes. Held by the coroutines and by the Channel.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Takes over a call that a client began.
  using OnCall = std::function<void(std::shared_ptr<Stream>)>;

  /// A client's session without `on_call`.
  static Result<std::shared_ptr<Session>> make(Executor executor,
                                               std::unique_ptr<net::Connection> connection,
                                               Options options, OnCall on_call);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts the coroutines in `tasks`; they end with the connection.
  void start(TaskGroup& tasks);
  /// Closes the connection; every call ends with `why`. Idempotent.
  void close(const Error& why);
  /// No new calls; the connection closes when the last one ended.
  void leave();
  bool is_open() const { return !closed_ && !leaving_; }
  std::size_t calls() const { return streams_.size(); }

  Result<std::shared_ptr<Stream>> open(const std::string& method, const Metadata& metadata,
                                       Duration timeout);

  // For streams.
  void consume(std::int32_t id, std::size_t count);
  void resume(std::int32_t id);
  void reset(std::int32_t id, std::uint32_t code);
  /// `last`: no messages follow.
  void send_headers(Stream& stream, const Metadata& headers, bool last);

 private:
  struct Callbacks;
  Session(Executor executor, std::unique_ptr<net::Connection> connection, Options options,
          OnCall on_call);
  Result<> begin();
  static Task<> read_loop(std::shared_ptr<Session> self);
  static Task<> write_loop(std::shared_ptr<Session> self);
  static Task<> keepalive_loop(std::shared_ptr<Session> self);
  bool gather();
  void refuse(Stream& stream, const Error& why);

  Executor executor_;
  std::unique_ptr<net::Connection> connection_;
  const Options options_;
  const OnCall on_call_;
  nghttp2_session* http2_ = nullptr;
  std::unordered_map<std::int32_t, std::shared_ptr<Stream>> streams_;
  /// What is to be written next.
  std::string batch_;
  /// Something is to be written, or the connection is closed.
  Signal wake_;
  /// What keepalive_loop() sleeps on.
  asio::steady_timer keepalive_;
  SteadyTime last_received_ = {};
  bool leaving_ = false;
  bool closed_ = false;
};

}  // namespace nestor::grpc
