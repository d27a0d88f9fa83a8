#include "net/connection.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/connection_impl.hpp"
#include "net/error.hpp"
#include "net/tls_impl.hpp"

namespace nestor::net {

using asio::ip::tcp;

struct TlsLayer {
  using Socket = asio::generic::stream_protocol::socket;
  TlsLayer(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}
  asio::ssl::stream<Socket&> stream;
};

namespace {

constexpr int kProbeAfterSeconds = 15;
constexpr int kProbeEverySeconds = 5;
constexpr int kProbes = 3;
constexpr int kDeadAfterSeconds = kProbeAfterSeconds + kProbeEverySeconds * kProbes;

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

std::string handshake_error(TlsLayer& tls, boost::system::error_code error) {
  const long verified = SSL_get_verify_result(tls.stream.native_handle());
  if (verified != X509_V_OK) {
    return std::string("certificate not trusted: ") + X509_verify_cert_error_string(verified);
  }
  return error.message();
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
  // One with bytes under way is not probed: they must be acknowledged in that time.
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
  impl_->tls = std::make_unique<TlsLayer>(impl_->socket, context.impl().context);
  TlsLayer& tls = *impl_->tls;
  NESTOR_CO_TRY_VOID(expect_peer(tls.stream.native_handle(), server_name, context));
  arm(co_await asio::this_coro::cancellation_state, *this);
  const auto [error] = co_await tls.stream.async_handshake(asio::ssl::stream_base::client, deaf());
  if (!error) co_return Result<>{};
  if (impl_->closed) co_return failure(*impl_, "TLS", error);
  co_return fail(Code::kUnavailable,
                 "TLS with " + server_name + ": " + handshake_error(tls, error));
}

Task<> Connection::accept_tls(const TlsContext& context) {
  impl_->tls = std::make_unique<TlsLayer>(impl_->socket, context.impl().context);
  arm(co_await asio::this_coro::cancellation_state, *this);
  const auto [error] =
      co_await impl_->tls->stream.async_handshake(asio::ssl::stream_base::server, deaf());
  if (error) co_return failure(*impl_, "TLS", error);
  co_return Result<>{};
}

bool Connection::is_tls() const { return impl_->tls != nullptr; }

std::string Connection::alpn() const {
  if (!impl_->tls) return {};
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(impl_->tls->stream.native_handle(), &name, &length);
  return {name, name + length};
}

Task<std::size_t> Connection::read_some(std::span<char> into) {
  if (impl_->closed) co_return fail(Code::kCancelled, "reading: cancelled");
  const auto buffer = asio::buffer(into.data(), into.size());
  boost::system::error_code error;
  std::size_t count = 0;
  arm(co_await asio::this_coro::cancellation_state, *this);
  if (impl_->tls) {
    std::tie(error, count) = co_await impl_->tls->stream.async_read_some(buffer, deaf());
  } else {
    std::tie(error, count) = co_await impl_->socket.async_read_some(buffer, deaf());
  }
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) co_return failure(*impl_, "reading", error);
  co_return count;
}

Task<> Connection::write(std::string_view bytes) {
  if (impl_->closed) co_return fail(Code::kCancelled, "writing: cancelled");
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  boost::system::error_code error;
  std::size_t count = 0;
  arm(co_await asio::this_coro::cancellation_state, *this);
  if (impl_->tls) {
    std::tie(error, count) = co_await asio::async_write(impl_->tls->stream, buffer, deaf());
  } else {
    std::tie(error, count) = co_await asio::async_write(impl_->socket, buffer, deaf());
  }
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
