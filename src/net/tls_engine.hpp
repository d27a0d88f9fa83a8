#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;
struct bio_st;

/// Inner part of net/http.hpp.
namespace nestor::net {

/// TLS between bytes and bytes, without I/O: what the peer sent is put in, what it is to get is
/// taken out. Many records move at a time: one has at most 16 KiB, and a system call for each would
/// cost more than its encryption. Memory: some hundred bytes at rest, up to 64 KiB and the largest
/// write when busy. Thread: one at a time.
class TlsEngine {
 public:
  enum class Side { kClient, kServer };
  enum class Step {
    kDone,
    /// Put in more of what the peer sent, then ask again.
    kNeedsInput,
    /// The peer said that nothing follows.
    kEnd,
    /// See error().
    kFailed,
  };

  explicit TlsEngine(ssl_ctx_st* context);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  ssl_st* native() { return ssl_; }

  /// There may be output after any result, kFailed too: the peer is told why.
  Step handshake(Side side);
  /// Decrypts as much as fits and is there; `count` is more than 0 when done.
  Step read(std::span<char> into, std::size_t& count);
  /// Encrypts all of it. Never kNeedsInput.
  Step write(std::string_view bytes);
  boost::system::error_code error() const { return error_; }

  /// Where the peer's next bytes go; after kNeedsInput. Then received() says how many came.
  std::span<char> room();
  void received(std::size_t count);

  bool has_output() const { return !out_.empty(); }
  /// Moves what the peer is to get into `into`, whose memory is used again.
  void take_output(std::string& into);

 private:
  friend struct TlsBio;
  Step result(int returned);

  ssl_st* ssl_;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  int small_reads_ = 0;
  std::string out_;
  /// What read() found behind the bytes that it returned.
  std::optional<Step> next_;
  boost::system::error_code error_;
};

}  // namespace nestor::net
