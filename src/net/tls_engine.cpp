#include "net/tls_engine.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cstring>

namespace nestor::net {

namespace {

constexpr std::size_t kSmallRoom = 4 * 1024;
constexpr std::size_t kLargeRoom = 64 * 1024;
/// So many small reads in a row show that the large room is not needed any more.
constexpr int kManySmallReads = 8;
/// A buffer that is larger is given back once it is empty and little is written.
constexpr std::size_t kSmallOutput = 4 * 1024;

}  // namespace

/// OpenSSL's way to the engine's buffers.
struct TlsBio {
  static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    auto& engine = *static_cast<TlsEngine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *count = std::min(size, engine.in_end_ - engine.in_begin_);
    if (*count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(into, engine.in_.data() + engine.in_begin_, *count);
    engine.in_begin_ += *count;
    return 1;
  }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
    static_cast<TlsEngine*>(BIO_get_data(bio))->out_.append(bytes, size);
    *count = size;
    return 1;
  }

  static long control(BIO* /*bio*/, int what, long /*number*/, void* /*pointer*/) {
    return what == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* out = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory");
      BIO_meth_set_read_ex(out, read);
      BIO_meth_set_write_ex(out, write);
      BIO_meth_set_ctrl(out, control);
      return out;
    }();
    return made;
  }
};

TlsEngine::TlsEngine(ssl_ctx_st* context) : ssl_(SSL_new(context)) {
  BIO* bio = BIO_new(TlsBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  // Nobody does, and a write would have to wait for the peer.
  SSL_set_options(ssl_, SSL_OP_NO_RENEGOTIATION);
}

TlsEngine::~TlsEngine() { SSL_free(ssl_); }

TlsEngine::Step TlsEngine::result(int returned) {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_NONE:
      return Step::kDone;
    case SSL_ERROR_WANT_READ:
      return Step::kNeedsInput;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnd;
    default:
      error_ = {static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category()};
      if (!error_) error_ = boost::asio::ssl::error::unexpected_result;
      return Step::kFailed;
  }
}

TlsEngine::Step TlsEngine::handshake(Side side) {
  ERR_clear_error();
  if (SSL_in_before(ssl_) != 0) {
    side == Side::kClient ? SSL_set_connect_state(ssl_) : SSL_set_accept_state(ssl_);
  }
  return result(SSL_do_handshake(ssl_));
}

TlsEngine::Step TlsEngine::read(std::span<char> into, std::size_t& count) {
  count = 0;
  if (next_) return *next_;
  if (out_.size() > kLargeRoom) {
    // Answers of TLS itself wait here for the next write(); a peer that asks for so many floods us.
    error_ = boost::asio::error::no_buffer_space;
    return Step::kFailed;
  }
  ERR_clear_error();
  while (count < into.size()) {
    std::size_t part = 0;
    const int returned = SSL_read_ex(ssl_, into.data() + count, into.size() - count, &part);
    count += part;
    if (returned == 1) continue;
    const Step step = result(returned);
    if (step != Step::kNeedsInput) next_ = step;
    if (count == 0) return step;
    break;
  }
  return Step::kDone;
}

TlsEngine::Step TlsEngine::write(std::string_view bytes) {
  if (bytes.empty()) return Step::kDone;
  ERR_clear_error();
  if (bytes.size() <= kSmallOutput && out_.empty() && out_.capacity() > kLargeRoom) {
    out_ = std::string();
  }
  // A record adds at most some dozens of bytes.
  out_.reserve(out_.size() + bytes.size() + bytes.size() / 64 + 128);
  std::size_t written = 0;
  const Step step = result(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written));
  if (step != Step::kNeedsInput) return step;
  error_ = boost::asio::ssl::error::unexpected_result;
  return Step::kFailed;
}

std::span<char> TlsEngine::room() {
  in_begin_ = in_end_ = 0;
  if (in_.empty() || small_reads_ >= kManySmallReads) {
    in_ = std::vector<char>(kSmallRoom);
    small_reads_ = 0;
  }
  return {in_.data(), in_.size()};
}

void TlsEngine::received(std::size_t count) {
  in_end_ = count;
  if (count == in_.size() && count < kLargeRoom) {
    in_.resize(kLargeRoom);
  } else if (in_.size() == kLargeRoom) {
    small_reads_ = count <= kSmallRoom ? small_reads_ + 1 : 0;
  }
}

void TlsEngine::take_output(std::string& into) {
  into.clear();
  into.swap(out_);
}

}  // namespace nestor::net
