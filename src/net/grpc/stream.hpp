#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/signal.hpp"
#include "net/grpc/call.hpp"
#include "net/grpc/wire.hpp"

/// Inner part of net/grpc.
namespace nestor::grpc {

class Session;

/// Bytes of one block of headers, as SETTINGS_MAX_HEADER_LIST_SIZE counts them: each with its name,
/// its value and 32. The largest that anybody sends is a token.
inline constexpr std::uint32_t kMaxHeaderList = 16 * 1024;

/// One call, on either side: messages on their way in and out, and how it ended. Held by its
/// session until HTTP/2 closes the stream, and by the ServerCall or ClientCall.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(Session& session, Executor executor, const Options& options, bool server);

  // For the call.
  Task<std::optional<std::string>> read();
  Task<> write(std::string message, std::string more = {});
  void post(std::string message);
  /// Bytes of posts that wait for the peer.
  std::size_t posted() const { return posted_bytes_; }
  /// Returns when the peer cancelled the call or is gone.
  Task<> gone();
  Task<Metadata> headers();
  void send_headers(Metadata metadata);
  /// The server's last word.
  void finish(Result<> status);
  /// The client's last message was written.
  void finish_writing();
  /// Ends both directions now; the peer is told. Nothing, if the call is over.
  void abort(Error why);
  void set_deadline(Duration timeout);
  /// What the peer sent ahead of its first message.
  const Metadata& received_headers() const { return headers_; }
  const std::string& method() const { return method_; }

  // For the session.
  void set_id(std::int32_t id) { id_ = id; }
  std::int32_t id() const { return id_; }
  /// False when the peer sends more than is sensible.
  bool on_header(std::string_view name, std::string_view value);
  /// A block of headers is complete. Server: an error is to be answered instead of served.
  Result<> on_headers();
  void on_data(std::string_view bytes);
  void on_remote_end();
  /// HTTP/2 is done with the stream: error code of RFC 9113, section 7.
  void on_closed(std::uint32_t code);
  /// The connection is gone.
  void on_lost(const Error& why);
  /// How many bytes are to be sent, at most `most`. `done`: there will be no more than these.
  std::size_t outgoing(std::size_t most, bool& done);
  /// Appends so many of them to what goes to the peer.
  void take_outgoing(std::size_t count, std::string& into);
  /// The server's status, once outgoing() said done.
  Metadata outgoing_trailers() const { return write_status(status_); }
  bool remote_ended() const { return remote_ended_; }

 private:
  struct Piece {
    std::string bytes;
    bool posted;
  };
  void consume(std::size_t count);
  void queue(std::string message, std::string more, bool posted);
  void end_read(Result<> how);
  void end_write(Error why);
  Result<> final_status() const;

  Session* session_;
  Executor executor_;
  const Options options_;
  const bool server_;
  std::int32_t id_ = 0;

  std::string method_;
  std::string http_method_;
  int http_status_ = 0;
  /// The block of headers that is being received.
  Metadata incoming_;
  std::size_t incoming_bytes_ = 0;
  Metadata headers_;
  /// The status that the server sent.
  std::optional<Result<>> status_in_;
  bool headers_received_ = false;
  bool headers_sent_ = false;

  MessageReader in_;
  /// Received bytes whose room the peer has not been given back.
  std::size_t unconsumed_ = 0;
  bool reading_ = false;
  bool remote_ended_ = false;
  std::optional<Result<>> read_end_;
  Signal readable_;

  std::deque<Piece> out_;
  std::size_t out_offset_ = 0;
  std::size_t out_bytes_ = 0;
  std::size_t posted_bytes_ = 0;
  /// Everything is in out_; then: HTTP/2 took the last of it.
  bool finishing_ = false;
  bool local_ended_ = false;
  Result<> status_;
  std::optional<Error> write_end_;
  Signal writable_;

  asio::steady_timer deadline_;
};

}  // namespace nestor::grpc
