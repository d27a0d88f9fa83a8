#include "net/connection.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/connection_impl.hpp"
#include "net/error.hpp"
#include "net/tls_engine.hpp"
#include "net/tls_impl.hpp"

namespace nestor::net {

using asio::ip::tcp;

namespace {

constexpr int kProbeAfterSeconds = 15;
constexpr int kProbeEverySeconds = 5;
constexpr int kProbes = 3;
constexpr int kDeadAfterSeconds = kProbeAfterSeconds + kProbeEverySeconds * kProbes;
/// Of what is written, so many bytes are encrypted and sent at a time.
constexpr std::size_t kTlsBatch = 128 * 1024;

/// Completes into a tuple. The operation itself is deaf to cancellation, see arm().
auto deaf() {
  return asio::bind_cancellation_slot(asio::cancellation_slot(),
                                      asio::as_tuple(asio::use_awaitable));
}

/// Makes the next operation of a coroutine end by closing the connection when the coroutine is
/// cancelled. A TLS operation is a chain of socket operations: a signal between two of them would
/// reach nobody, while a closed socket stops the chain wherever it is. The slot holds until the
/// operation completes, which clears it.
void arm(asio::cancellation_state state, Connection& connection) {
  asio::cancellation_slot slot = state.slot();
  if (!slot.is_connected()) return;
  slot.assign([&connection](asio::cancellation_type) { connection.close(); });
}

/// Once closed by us, whatever an operation ends with means that.
std::unexpected<Error> failure(const Connection::Impl& impl, const std::string& what,
                               boost::system::error_code error) {
  return network_failure(what, impl.closed ? asio::error::operation_aborted : error);
}

std::string handshake_error(TlsEngine& tls, boost::system::error_code error) {
  const long verified = SSL_get_verify_result(tls.native());
  if (verified != X509_V_OK) {
    return std::string("certificate not trusted: ") + X509_verify_cert_error_string(verified);
  }
  return error.message();
}

/// All at once, as far as the socket takes it: asio::async_write() makes a system call of each
/// 64 KiB, and one more of the few bytes behind them.
asio::awaitable<boost::system::error_code> send(Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    arm(co_await asio::this_coro::cancellation_state, connection);
    const auto [error, count] = co_await connection.impl().socket.async_write_some(
        asio::buffer(bytes.data(), bytes.size()), deaf());
    if (error) co_return error;
    bytes.remove_prefix(count);
  }
  co_return boost::system::error_code();
}

/// Waits for bytes of the peer, for TLS.
asio::awaitable<boost::system::error_code> fill(Connection& connection) {
  Connection::Impl& impl = connection.impl();
  const std::span<char> room = impl.tls->room();
  arm(co_await asio::this_coro::cancellation_state, connection);
  const auto [error, count] =
      co_await impl.socket.async_read_some(asio::buffer(room.data(), room.size()), deaf());
  if (error == asio::error::eof) co_return asio::ssl::error::stream_truncated;
  if (!error) impl.tls->received(count);
  co_return error;
}

/// Sends what TLS has for the peer. What read_some() adds meanwhile goes along.
asio::awaitable<boost::system::error_code> flush(Connection& connection) {
  Connection::Impl& impl = connection.impl();
  boost::system::error_code error;
  while (!error && impl.tls->has_output()) {
    impl.tls->take_output(impl.sending);
    error = co_await send(connection, impl.sending);
  }
  // Its memory is used again.
  if (!impl.tls->has_output()) impl.tls->take_output(impl.sending);
  co_return error;
}

asio::awaitable<boost::system::error_code> handshake(Connection& connection, TlsEngine::Side side) {
  TlsEngine& tls = *connection.impl().tls;
  while (true) {
    const TlsEngine::Step step = tls.handshake(side);
    boost::system::error_code error = co_await flush(connection);
    if (step == TlsEngine::Step::kFailed) co_return tls.error();
    if (step == TlsEngine::Step::kEnd) co_return asio::error::eof;
    if (error || step == TlsEngine::Step::kDone) co_return error;
    error = co_await fill(connection);
    if (error) co_return error;
  }
}

}  // namespace

void tune(asio::generic::stream_protocol::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  const auto set = [fd](int option, int value) {
    // A refusal leaves the system's slower settings, which is no reason to fail.
    ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
  };
  // A silent connection (a watch) is probed.
  set(TCP_KEEPIDLE, kProbeAfterSeconds);
  set(TCP_KEEPINTVL, kProbeEverySeconds);
  set(TCP_KEEPCNT, kProbes);
  // One with bytes under way is not probed: they must be acknowledged in that time. It also runs
  // out while the peer acknowledges, but has no room for more: see allow_pauses().
  set(TCP_USER_TIMEOUT, kDeadAfterSeconds * 1000);
}

Connection::Impl::Impl(Executor on)
    : executor(std::move(on)), socket(executor), resolved(executor) {}
Connection::Impl::~Impl() = default;

Connection::Connection(Executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}

Connection::~Connection() { close(); }

Task<> Connection::connect(std::string host, std::uint16_t port) {
  NESTOR_CO_TRY(const auto endpoints, co_await resolve(*impl_, host, port));
  boost::system::error_code last = asio::error::host_not_found;
  for (const tcp::endpoint& endpoint : endpoints) {
    if (impl_->closed) co_return fail(Code::kCancelled, "connecting: cancelled");
    boost::system::error_code ignored;
    impl_->socket.close(ignored);
    arm(co_await asio::this_coro::cancellation_state, *this);
    const auto [error] = co_await impl_->socket.async_connect(endpoint, deaf());
    last = error;
    if (error) continue;
    tune(impl_->socket);
    co_return Result<>{};
  }
  co_return failure(*impl_, "connecting to " + host + ":" + std::to_string(port), last);
}

void Connection::allow_pauses() {
  const int never = 0;
  ::setsockopt(impl_->socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &never, sizeof never);
}

Task<> Connection::connect_unix(std::string path) {
  asio::local::stream_protocol::endpoint endpoint;
  try {
    endpoint = asio::local::stream_protocol::endpoint(path);
  } catch (const boost::system::system_error&) {
    co_return fail(Code::kInvalidArgument, "the path of a UNIX socket is too long: " + path);
  }
  arm(co_await asio::this_coro::cancellation_state, *this);
  const auto [error] = co_await impl_->socket.async_connect(endpoint, deaf());
  if (error) co_return failure(*impl_, "connecting to " + path, error);
  co_return Result<>{};
}

Task<> Connection::start_tls(const TlsContext& context, std::string server_name) {
  impl_->tls = std::make_unique<TlsEngine>(context.impl().context.native_handle());
  TlsEngine& tls = *impl_->tls;
  NESTOR_CO_TRY_VOID(expect_peer(tls.native(), server_name, context));
  const auto error = co_await handshake(*this, TlsEngine::Side::kClient);
  if (!error) co_return Result<>{};
  if (impl_->closed) co_return failure(*impl_, "TLS", error);
  co_return fail(Code::kUnavailable,
                 "TLS with " + server_name + ": " + handshake_error(tls, error));
}

Task<> Connection::accept_tls(const TlsContext& context) {
  impl_->tls = std::make_unique<TlsEngine>(context.impl().context.native_handle());
  const auto error = co_await handshake(*this, TlsEngine::Side::kServer);
  if (error) co_return failure(*impl_, "TLS", error);
  co_return Result<>{};
}

bool Connection::is_tls() const { return impl_->tls != nullptr; }

std::string Connection::alpn() const {
  if (!impl_->tls) return {};
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(impl_->tls->native(), &name, &length);
  return {name, name + length};
}

namespace {

Task<std::size_t> read_tls(Connection& connection, std::span<char> into) {
  Connection::Impl& impl = connection.impl();
  while (true) {
    std::size_t count = 0;
    switch (impl.tls->read(into, count)) {
      case TlsEngine::Step::kDone:
        co_return count;
      case TlsEngine::Step::kEnd:
        co_return std::size_t{0};
      case TlsEngine::Step::kFailed:
        co_return failure(impl, "reading", impl.tls->error());
      case TlsEngine::Step::kNeedsInput:
        break;
    }
    if (const auto error = co_await fill(connection)) co_return failure(impl, "reading", error);
  }
}

Task<> write_tls(Connection& connection, std::string_view bytes) {
  Connection::Impl& impl = connection.impl();
  while (!bytes.empty()) {
    // A little rest goes along.
    const bool all = bytes.size() <= kTlsBatch + kTlsBatch / 2;
    const std::string_view batch = all ? bytes : bytes.substr(0, kTlsBatch);
    bytes.remove_prefix(batch.size());
    if (impl.tls->write(batch) != TlsEngine::Step::kDone) {
      co_return failure(impl, "writing", impl.tls->error());
    }
    if (const auto error = co_await flush(connection)) co_return failure(impl, "writing", error);
  }
  co_return Result<>{};
}

}  // namespace

Task<std::size_t> Connection::read_some(std::span<char> into) {
  if (impl_->closed) co_return fail(Code::kCancelled, "reading: cancelled");
  if (impl_->tls) co_return co_await read_tls(*this, into);
  arm(co_await asio::this_coro::cancellation_state, *this);
  const auto [error, count] =
      co_await impl_->socket.async_read_some(asio::buffer(into.data(), into.size()), deaf());
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) co_return failure(*impl_, "reading", error);
  co_return count;
}

Task<> Connection::write(std::string_view bytes) {
  if (impl_->closed) co_return fail(Code::kCancelled, "writing: cancelled");
  if (impl_->tls) co_return co_await write_tls(*this, bytes);
  const auto error = co_await send(*this, bytes);
  if (error) co_return failure(*impl_, "writing", error);
  co_return Result<>{};
}

void Connection::close() {
  impl_->closed = true;
  impl_->resolved.cancel();
  boost::system::error_code ignored;
  impl_->socket.close(ignored);
}

bool Connection::is_open() const { return !impl_->closed && impl_->socket.is_open(); }

bool Connection::is_idle() {
  if (!is_open()) return false;
  pollfd ready{impl_->socket.native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&ready, 1, 0) == 0;
}

}  // namespace nestor::net
