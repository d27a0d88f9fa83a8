#include "net/grpc/stream.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "net/grpc/session.hpp"

namespace nestor::grpc {

namespace {

/// What a header counts beside its name and value, of which a compressed one has none on the wire.
/// Source: RFC 9113, section 6.5.2.
constexpr std::size_t kHeaderOverhead = 32;
constexpr std::size_t kPrefixSize = sizeof(Prefix);

Error over() { return {Code::kCancelled, "the call is over", {}}; }

}  // namespace

Stream::Stream(Session& session, Executor executor, const Options& options, bool server)
    : session_(&session),
      executor_(executor),
      options_(options),
      server_(server),
      in_(options.max_message),
      deadline_(executor) {}

Task<std::optional<std::string>> Stream::read() {
  while (true) {
    if (std::optional<std::string> message = in_.next()) {
      consume(message->size() + kPrefixSize);
      co_return message;
    }
    if (read_end_) {
      if (!*read_end_) co_return std::unexpected(read_end_->error());
      co_return std::nullopt;
    }
    // The message that is waited for may be larger than the window.
    reading_ = true;
    consume(unconsumed_);
    const Result<> woken = co_await readable_.wait();
    reading_ = false;
    if (!woken) co_return std::unexpected(woken.error());
  }
}

void Stream::consume(std::size_t count) {
  count = std::min(count, unconsumed_);
  if (count == 0) return;
  unconsumed_ -= count;
  if (session_ != nullptr) session_->consume(id_, count);
}

Task<> Stream::write(std::string message, std::string more) {
  queue(std::move(message), std::move(more), false);
  while (out_bytes_ > options_.write_ahead && !write_end_) {
    NESTOR_CO_TRY_VOID(co_await writable_.wait());
  }
  if (write_end_) co_return std::unexpected(*write_end_);
  co_return Result<>{};
}

void Stream::post(std::string message) { queue(std::move(message), {}, true); }

void Stream::queue(std::string message, std::string more, bool posted) {
  if (write_end_) return;
  if (server_ && !headers_sent_) send_headers({});
  const Prefix prefix(message.size() + more.size());
  const std::size_t size = kPrefixSize + message.size() + more.size();
  out_.push_back({std::string(prefix.bytes, kPrefixSize), posted});
  if (!message.empty()) out_.push_back({std::move(message), posted});
  if (!more.empty()) out_.push_back({std::move(more), posted});
  out_bytes_ += size;
  if (posted) posted_bytes_ += size;
  session_->resume(id_);
}

Task<> Stream::gone() {
  while (session_ != nullptr && (!read_end_ || *read_end_)) {
    NESTOR_CO_TRY_VOID(co_await readable_.wait());
  }
  co_return Result<>{};
}

Task<Metadata> Stream::headers() {
  while (!headers_received_ && !read_end_) {
    NESTOR_CO_TRY_VOID(co_await readable_.wait());
  }
  if (headers_received_) co_return headers_;
  if (!*read_end_) co_return std::unexpected(read_end_->error());
  co_return Metadata{};
}

void Stream::send_headers(Metadata metadata) {
  if (headers_sent_ || write_end_ || session_ == nullptr) return;
  headers_sent_ = true;
  session_->send_headers(*this, metadata, false);
}

void Stream::finish(Result<> status) {
  if (write_end_ || session_ == nullptr) return;
  end_write(over());
  status_ = std::move(status);
  if (headers_sent_) {
    finishing_ = true;
    session_->resume(id_);
  } else {
    headers_sent_ = true;
    session_->send_headers(*this, write_status(status_), true);
  }
}

void Stream::finish_writing() {
  if (write_end_ || session_ == nullptr) return;
  end_write(over());
  finishing_ = true;
  session_->resume(id_);
}

void Stream::abort(Error why) {
  if (session_ == nullptr) return;
  if (read_end_ && (!server_ || (write_end_ && out_.empty()))) return;
  read_end_ = std::unexpected(why);
  in_ = MessageReader(options_.max_message);
  out_.clear();
  out_offset_ = 0;
  out_bytes_ = 0;
  posted_bytes_ = 0;
  readable_.notify();
  end_write(why);
  session_->reset(id_, to_reset(why.code));
}

void Stream::set_deadline(Duration timeout) {
  if (timeout <= Duration::zero()) return;
  deadline_.expires_after(timeout);
  deadline_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->abort({Code::kDeadlineExceeded, "the call took too long", {}});
  });
}

bool Stream::on_header(std::string_view name, std::string_view value) {
  incoming_bytes_ += name.size() + value.size() + kHeaderOverhead;
  if (incoming_bytes_ > kMaxHeaderList) {
    incoming_ = {};
    return false;
  }
  if (name == ":path") {
    method_ = value;
  } else if (name == ":method") {
    http_method_ = value;
  } else if (name == ":status") {
    http_status_ = parse_number<int>(value).value_or(0);
  }
  incoming_.emplace_back(name, value);
  return true;
}

Result<> Stream::on_headers() {
  incoming_bytes_ = 0;
  Metadata block = std::exchange(incoming_, {});
  if (!server_ && http_status_ >= 100 && http_status_ < 200 && !headers_received_) return {};
  if (!server_) status_in_ = read_status(block);
  const bool is_grpc = find(block, "content-type").starts_with("application/grpc");
  const std::string timeout(find(block, "grpc-timeout"));
  // Trailers: of them only the status counts.
  if (headers_received_) return {};
  std::erase_if(block, [](const auto& pair) { return is_reserved(pair.first); });
  headers_received_ = true;
  headers_ = std::move(block);
  readable_.notify();
  if (!server_) return {};
  if (!is_grpc || http_method_ != "POST") {
    return fail(Code::kInvalidArgument, "this is no gRPC call");
  }
  if (timeout.empty()) return {};
  NESTOR_TRY(const Duration limit, read_timeout(timeout));
  set_deadline(std::max(limit, Duration(1)));
  return {};
}

void Stream::on_data(std::string_view bytes) {
  unconsumed_ += bytes.size();
  if (read_end_) {
    consume(unconsumed_);
    return;
  }
  if (Result<> fed = in_.feed(bytes); !fed) {
    abort(fed.error());
    return;
  }
  if (!reading_) return;
  consume(unconsumed_);
  readable_.notify();
}

Result<> Stream::final_status() const {
  if (!in_.at_boundary()) return fail(Code::kInternal, "the call ended within a message");
  if (server_) return {};
  if (status_in_) return *status_in_;
  if (http_status_ != 200) return std::unexpected(from_http_status(http_status_));
  return fail(Code::kInternal, "the call ended without a status");
}

void Stream::on_remote_end() {
  remote_ended_ = true;
  const Result<> status = final_status();
  end_read(status);
  if (server_) return;
  if (!local_ended_) {
    end_write(status ? over() : status.error());
    if (session_ != nullptr) session_->reset(id_, kNoError);
  }
}

void Stream::on_closed(std::uint32_t code) {
  session_ = nullptr;
  deadline_.cancel();
  const Error why = from_reset(code);
  end_read(std::unexpected(why));
  end_write(why);
}

void Stream::on_lost(const Error& why) {
  session_ = nullptr;
  deadline_.cancel();
  end_read(std::unexpected(why));
  end_write(why);
}

void Stream::end_read(Result<> how) {
  if (!read_end_) read_end_ = std::move(how);
  readable_.notify();
}

void Stream::end_write(Error why) {
  if (!write_end_) write_end_ = std::move(why);
  writable_.notify();
}

std::size_t Stream::outgoing(std::size_t most, bool& done) {
  const std::size_t count = std::min(most, out_bytes_);
  done = finishing_ && count == out_bytes_;
  local_ended_ = done;
  return count;
}

void Stream::take_outgoing(std::size_t count, std::string& into) {
  out_bytes_ -= count;
  while (count > 0) {
    const Piece& front = out_.front();
    const std::size_t part = std::min(front.bytes.size() - out_offset_, count);
    into.append(front.bytes, out_offset_, part);
    count -= part;
    out_offset_ += part;
    if (front.posted) posted_bytes_ -= part;
    if (out_offset_ < front.bytes.size()) break;
    out_.pop_front();
    out_offset_ = 0;
  }
  if (out_bytes_ <= options_.write_ahead) writable_.notify();
}

}  // namespace nestor::grpc
