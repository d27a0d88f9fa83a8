#include "net/grpc/session.hpp"

#include <nghttp2/nghttp2.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "net/deadline.hpp"

namespace nestor::grpc {

namespace {

constexpr std::size_t kSmallRead = 4 * 1024;
constexpr std::size_t kLargeRead = 64 * 1024;
constexpr std::size_t kWriteBatch = 64 * 1024;
/// The largest piece of a message that is sent, if the peer takes it, and that is received.
constexpr std::uint32_t kMaxFrame = 64 * 1024;
/// Streams may use this many times the window of one before the connection itself is full. Its room
/// is given back at once: only streams hold senders back.
constexpr std::uint32_t kConnectionWindows = 4;

Error http2_error(std::string_view what, int code) {
  return {Code::kUnavailable, std::string(what) + ": " + nghttp2_strerror(code), {}};
}

std::uint8_t* bytes(const std::string& text) {
  return static_cast<std::uint8_t*>(static_cast<void*>(const_cast<char*>(text.data())));
}

std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

/// nghttp2 copies names and values before the call that takes them returns.
std::vector<nghttp2_nv> to_nv(const Metadata& headers) {
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : headers) {
    out.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return out;
}

}  // namespace

/// What nghttp2 calls while it is fed or drained. None of them calls back into feeding or draining.
struct Session::Callbacks {
  static Session& session(void* user) { return *static_cast<Session*>(user); }

  static Stream* stream(nghttp2_session* http2, std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(http2, id));
  }

  static int begin_headers(nghttp2_session* http2, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Session& self = session(user);
    auto made = std::make_shared<Stream>(self, self.executor_, self.options_, true);
    made->set_id(frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(http2, frame->hd.stream_id, made.get());
    self.streams_[frame->hd.stream_id] = std::move(made);
    return 0;
  }

  static int header(nghttp2_session* http2, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t /*flags*/, void* /*user*/) {
    Stream* to = stream(http2, frame->hd.stream_id);
    if (to == nullptr) return 0;
    const bool sensible = to->on_header(text(name, name_size), text(value, value_size));
    return sensible ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session* http2, const nghttp2_frame* frame, void* user) {
    Session& self = session(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) self.leave();
    Stream* to = stream(http2, frame->hd.stream_id);
    if (to == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      const Result<> begun = to->on_headers();
      if (!begun) {
        self.refuse(*to, begun.error());
      } else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        self.on_call_(to->shared_from_this());
      }
    }
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
      to->on_remote_end();
    }
    return 0;
  }

  static int data(nghttp2_session* http2, std::uint8_t /*flags*/, std::int32_t id,
                  const std::uint8_t* data, std::size_t size, void* /*user*/) {
    nghttp2_session_consume_connection(http2, size);
    if (Stream* to = stream(http2, id)) {
      to->on_data(text(data, size));
    } else {
      nghttp2_session_consume_stream(http2, id, size);
    }
    return 0;
  }

  static int frame_sent(nghttp2_session* http2, const nghttp2_frame* frame, void* user) {
    const bool server = static_cast<bool>(session(user).on_call_);
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!server || !ends || frame->hd.type != NGHTTP2_HEADERS) return 0;
    Stream* from = stream(http2, frame->hd.stream_id);
    // The status was the last word: the client need not send the rest of its messages.
    if (from != nullptr && !from->remote_ended()) {
      nghttp2_submit_rst_stream(http2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session* /*http2*/, std::int32_t id, std::uint32_t code,
                           void* user) {
    Session& self = session(user);
    const auto found = self.streams_.find(id);
    if (found == self.streams_.end()) return 0;
    const std::shared_ptr<Stream> closed = std::move(found->second);
    self.streams_.erase(found);
    closed->on_closed(code);
    if (self.leaving_) self.wake_.notify();
    return 0;
  }

  static ssize_t outgoing(nghttp2_session* http2, std::int32_t id, std::uint8_t* /*into*/,
                          std::size_t size, std::uint32_t* flags, nghttp2_data_source* /*source*/,
                          void* user) {
    Stream* from = stream(http2, id);
    if (from == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    bool done = false;
    const std::size_t count = from->outgoing(size, done);
    if (count == 0 && !done) return NGHTTP2_ERR_DEFERRED;
    // Not into nghttp2's buffer: send_data() follows at once.
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (done) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (session(user).on_call_) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const Metadata trailers = from->outgoing_trailers();
        const auto nv = to_nv(trailers);
        nghttp2_submit_trailer(http2, id, nv.data(), nv.size());
      }
    }
    return static_cast<ssize_t>(count);
  }

  static int send_data(nghttp2_session* http2, nghttp2_frame* frame, const std::uint8_t* header,
                       std::size_t size, nghttp2_data_source* /*source*/, void* user) {
    constexpr std::size_t kFrameHeader = 9;
    Stream* from = stream(http2, frame->hd.stream_id);
    if (from == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session(user).batch_.append(text(header, kFrameHeader));
    from->take_outgoing(size, session(user).batch_);
    return 0;
  }

  /// nghttp2 keeps it within the windows.
  static ssize_t frame_size(nghttp2_session* /*http2*/, std::uint8_t /*type*/, std::int32_t /*id*/,
                            std::int32_t /*session_window*/, std::int32_t /*stream_window*/,
                            std::uint32_t most, void* /*user*/) {
    return static_cast<ssize_t>(std::min(most, kMaxFrame));
  }

  static nghttp2_data_provider provider() {
    nghttp2_data_provider out{};
    out.read_callback = outgoing;
    return out;
  }
};

Session::Session(Executor executor, std::unique_ptr<net::Connection> connection, Options options,
                 OnCall on_call)
    : executor_(std::move(executor)),
      connection_(std::move(connection)),
      options_(options),
      on_call_(std::move(on_call)),
      keepalive_(executor_),
      last_received_(std::chrono::steady_clock::now()) {}

Session::~Session() { nghttp2_session_del(http2_); }

Result<std::shared_ptr<Session>> Session::make(Executor executor,
                                               std::unique_ptr<net::Connection> connection,
                                               Options options, OnCall on_call) {
  std::shared_ptr<Session> made(
      new Session(std::move(executor), std::move(connection), options, std::move(on_call)));
  NESTOR_TRY_VOID(made->begin());
  return made;
}

Result<> Session::begin() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_option_new(&option);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Callbacks::send_data);
  nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, Callbacks::frame_size);
  nghttp2_option_set_no_auto_window_update(option, 1);
  const bool server = static_cast<bool>(on_call_);
  const int made = server ? nghttp2_session_server_new2(&http2_, callbacks, this, option)
                          : nghttp2_session_client_new2(&http2_, callbacks, this, option);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  if (made != 0) return std::unexpected(http2_error("HTTP/2", made));
  const std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.window},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server ? options_.max_calls : 0},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kMaxFrame},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderList},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  }};
  // A server may not speak of push.
  nghttp2_submit_settings(http2_, NGHTTP2_FLAG_NONE, settings.data(), server ? 4 : 5);
  nghttp2_session_set_local_window_size(
      http2_, NGHTTP2_FLAG_NONE, 0,
      static_cast<std::int32_t>(options_.window * kConnectionWindows));
  return {};
}

void Session::start(TaskGroup& tasks) {
  tasks.spawn("grpc reader", read_loop(shared_from_this()));
  tasks.spawn("grpc writer", write_loop(shared_from_this()));
  if (options_.keepalive_time > Duration::zero()) {
    tasks.spawn("grpc keepalive", keepalive_loop(shared_from_this()));
  }
}

namespace {

/// A loop that ends, even by cancellation, takes the connection with it.
struct CloseAtEnd {
  Session& session;
  Error why{Code::kUnavailable, "the connection was closed", {}};
  ~CloseAtEnd() { session.close(why); }
};

}  // namespace

Task<> Session::read_loop(std::shared_ptr<Session> self) {
  CloseAtEnd end{*self};
  std::vector<char> buffer(kSmallRead);
  while (!self->closed_) {
    const auto count = co_await self->connection_->read_some({buffer.data(), buffer.size()});
    if (!count) end.why = count.error();
    // What was read before the connection was closed must begin no call: nobody would end it.
    if (!count || *count == 0 || self->closed_) break;
    self->last_received_ = std::chrono::steady_clock::now();
    const auto* data = static_cast<const std::uint8_t*>(static_cast<const void*>(buffer.data()));
    const ssize_t used = nghttp2_session_mem_recv(self->http2_, data, *count);
    if (used < 0) {
      end.why = http2_error("HTTP/2", static_cast<int>(used));
      break;
    }
    self->wake_.notify();
    if (*count == buffer.size() && *count < kLargeRead) {
      buffer.resize(kLargeRead);
    } else if (*count <= kSmallRead && buffer.size() > kSmallRead && self->streams_.empty()) {
      buffer = std::vector<char>(kSmallRead);
    }
  }
  co_return Result<>{};
}

/// Appends what HTTP/2 wants to send, all that streams have ready. False when it is broken.
bool Session::gather() {
  while (batch_.size() < kWriteBatch) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(http2_, &data);
    if (size < 0) return false;
    if (size == 0) break;
    batch_.append(text(data, static_cast<std::size_t>(size)));
  }
  return true;
}

Task<> Session::write_loop(std::shared_ptr<Session> self) {
  CloseAtEnd end{*self};
  while (!self->closed_) {
    self->batch_.clear();
    if (!self->gather()) break;
    if (!self->batch_.empty()) {
      const Result<> written = co_await self->connection_->write(self->batch_);
      if (written) continue;
      end.why = written.error();
      break;
    }
    const bool over = nghttp2_session_want_read(self->http2_) == 0;
    if (over || (self->leaving_ && self->streams_.empty())) break;
    if (self->streams_.empty()) self->batch_ = std::string();
    NESTOR_CO_TRY_VOID(co_await self->wake_.wait());
  }
  co_return Result<>{};
}

/// Ends by an exception when close() cancels the timer: a sleeping coroutine would hold a closed
/// session, with all its memory, for the time that was left.
Task<> Session::keepalive_loop(std::shared_ptr<Session> self) {
  asio::steady_timer& timer = self->keepalive_;
  while (!self->closed_) {
    const SteadyTime heard = self->last_received_;
    timer.expires_at(heard + self->options_.keepalive_time);
    co_await timer.async_wait(asio::use_awaitable);
    // It may have expired just before close() could cancel it.
    if (self->closed_) break;
    if (self->last_received_ != heard) continue;
    nghttp2_submit_ping(self->http2_, NGHTTP2_FLAG_NONE, nullptr);
    self->wake_.notify();
    timer.expires_after(self->options_.keepalive_timeout);
    co_await timer.async_wait(asio::use_awaitable);
    if (self->last_received_ == heard) {
      self->close({Code::kUnavailable, "the peer gives no sign of life", {}});
    }
  }
  co_return Result<>{};
}

void Session::close(const Error& why) {
  if (!std::exchange(closed_, true)) {
    connection_->close();
    keepalive_.cancel();
    wake_.notify();
    log::debug(kComponent, "connection closed: {}", why.message);
  }
  // Also when it was closed already: no stream may outlive the session with a pointer to it.
  for (const auto& [id, stream] : std::exchange(streams_, {})) {
    nghttp2_session_set_stream_user_data(http2_, id, nullptr);
    stream->on_lost({on_call_ ? Code::kCancelled : Code::kUnavailable, why.message, {}});
  }
}

void Session::leave() {
  if (leaving_ || closed_) return;
  leaving_ = true;
  if (on_call_) {
    const std::int32_t last = nghttp2_session_get_last_proc_stream_id(http2_);
    nghttp2_submit_goaway(http2_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  }
  wake_.notify();
}

Result<std::shared_ptr<Stream>> Session::open(const std::string& method, const Metadata& metadata,
                                              Duration timeout) {
  if (!is_open()) return fail(Code::kUnavailable, method + ": the connection is closed");
  Metadata headers{{":method", "POST"},
                   {":scheme", connection_->is_tls() ? "https" : "http"},
                   {":path", method},
                   {":authority", "localhost"},
                   {"te", "trailers"},
                   {"content-type", "application/grpc"},
                   {"user-agent", "nestor/" NESTOR_VERSION}};
  if (timeout > Duration::zero()) headers.emplace_back("grpc-timeout", write_timeout(timeout));
  headers.insert(headers.end(), metadata.begin(), metadata.end());
  auto stream = std::make_shared<Stream>(*this, executor_, options_, false);
  const auto nv = to_nv(headers);
  const nghttp2_data_provider provider = Callbacks::provider();
  const std::int32_t id =
      nghttp2_submit_request(http2_, nullptr, nv.data(), nv.size(), &provider, stream.get());
  if (id < 0) return std::unexpected(http2_error(method, id));
  stream->set_id(id);
  stream->set_deadline(timeout);
  streams_[id] = stream;
  wake_.notify();
  return stream;
}

void Session::consume(std::int32_t id, std::size_t count) {
  nghttp2_session_consume_stream(http2_, id, count);
  wake_.notify();
}

void Session::resume(std::int32_t id) {
  nghttp2_session_resume_data(http2_, id);
  wake_.notify();
}

void Session::reset(std::int32_t id, std::uint32_t code) {
  nghttp2_submit_rst_stream(http2_, NGHTTP2_FLAG_NONE, id, code);
  wake_.notify();
}

void Session::send_headers(Stream& stream, const Metadata& headers, bool last) {
  Metadata all{{":status", "200"}, {"content-type", "application/grpc"}};
  all.insert(all.end(), headers.begin(), headers.end());
  const auto nv = to_nv(all);
  const nghttp2_data_provider provider = Callbacks::provider();
  nghttp2_submit_response(http2_, stream.id(), nv.data(), nv.size(), last ? nullptr : &provider);
  wake_.notify();
}

void Session::refuse(Stream& stream, const Error& why) { stream.finish(std::unexpected(why)); }

}  // namespace nestor::grpc
