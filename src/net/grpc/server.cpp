#include "net/grpc/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <variant>

#include "base/log.hpp"
#include "base/task_group.hpp"
#include "net/connection_impl.hpp"
#include "net/deadline.hpp"
#include "net/grpc/session.hpp"
#include "net/grpc/stream.hpp"
#include "net/tls.hpp"

namespace nestor::grpc {

namespace {

using asio::ip::tcp;
using asio::local::stream_protocol;

constexpr Duration kHandshakeTimeout = std::chrono::seconds(20);

/// A place where a server listens, TCP or UNIX.
struct Listener {
  explicit Listener(const Executor& executor) : tcp_acceptor(executor), unix_acceptor(executor) {}

  void close() {
    boost::system::error_code ignored;
    tcp_acceptor.close(ignored);
    unix_acceptor.close(ignored);
    if (!unix_path.empty()) ::unlink(unix_path.c_str());
    unix_path.clear();
    closed = true;
  }

  tcp::acceptor tcp_acceptor;
  stream_protocol::acceptor unix_acceptor;
  bool is_unix = false;
  std::string unix_path;
  std::shared_ptr<const net::TlsContext> tls;
  bool closed = false;
};

Result<> bind_unix(Listener& listener, const Listen& where) {
  stream_protocol::endpoint endpoint;
  try {
    endpoint = stream_protocol::endpoint(where.unix_path);
  } catch (const boost::system::system_error&) {
    return fail(Code::kInvalidArgument, "the path of a socket is too long: " + where.unix_path);
  }
  ::unlink(where.unix_path.c_str());
  boost::system::error_code error;
  listener.is_unix = true;
  listener.unix_acceptor.open(endpoint.protocol(), error);
  if (!error) listener.unix_acceptor.bind(endpoint, error);
  if (!error) ::chmod(where.unix_path.c_str(), where.unix_mode);
  if (!error) listener.unix_acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return net::listen_failure(where.unix_path, error);
  listener.unix_path = where.unix_path;
  return {};
}

/// Who is connected.
struct Peer {
  /// Until the connection is a session's.
  net::Connection* opening = nullptr;
  std::weak_ptr<Session> session;
  /// Calls that run.
  std::size_t calls = 0;

  bool gone() const { return opening == nullptr && session.expired(); }
  void close() const {
    if (opening != nullptr) opening->close();
    if (const auto open = session.lock()) {
      open->close({Code::kUnavailable, "too many connections without a call", {}});
    }
  }
};

/// While it lives, the peer's connection is no session's yet.
struct Opening {
  Opening(Peer& of, net::Connection& connection) : peer(of) { peer.opening = &connection; }
  ~Opening() { peer.opening = nullptr; }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  Peer& peer;
};

Result<std::shared_ptr<const net::TlsContext>> server_tls(net::TlsServerConfig config) {
  if (config.cert_pem.empty()) return std::shared_ptr<const net::TlsContext>();
  config.alpn = "h2";
  return net::make_server_tls(config);
}

}  // namespace

struct Server::Impl {
  Impl(Executor on, Handlers handlers_in, Options options_in)
      : executor(on),
        handlers(std::move(handlers_in)),
        options(options_in),
        machine_clock(on),
        calls(on),
        tasks(on) {
    if (options.idle_clock == nullptr) options.idle_clock = &machine_clock;
  }

  Task<> accept_loop(std::shared_ptr<Listener> listener);
  Task<> serve(std::unique_ptr<net::Connection> connection,
               std::shared_ptr<const net::TlsContext> tls);
  Task<> serve_call(std::shared_ptr<Stream> stream, std::shared_ptr<Peer> peer);
  void forget_closed();
  void close_idle_ones();

  Executor executor;
  Handlers handlers;
  Options options;
  SystemClock machine_clock;
  std::list<std::shared_ptr<Listener>> listeners;
  /// The oldest first.
  std::list<std::shared_ptr<Peer>> peers;
  std::uint16_t port = 0;
  /// Methods that run; woken when one ends.
  std::size_t running = 0;
  Signal idle;
  TaskGroup calls;
  TaskGroup tasks;
};

Server::Server(Executor executor, Handlers handlers, Options options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(handlers), options)) {}
Server::~Server() = default;

Result<> Server::listen(Listen where) {
  auto listener = std::make_shared<Listener>(impl_->executor);
  NESTOR_TRY(listener->tls, server_tls(where.tls));
  if (where.unix_path.empty()) {
    NESTOR_TRY_VOID(net::listen_tcp(listener->tcp_acceptor, where.address, where.port));
    impl_->port = listener->tcp_acceptor.local_endpoint().port();
  } else {
    NESTOR_TRY_VOID(bind_unix(*listener, where));
  }
  impl_->listeners.push_back(listener);
  impl_->tasks.spawn("grpc accept", impl_->accept_loop(listener));
  return {};
}

std::uint16_t Server::port() const { return impl_->port; }

std::size_t Server::connections() const {
  impl_->forget_closed();
  return impl_->peers.size();
}

void Server::Impl::forget_closed() {
  peers.remove_if([](const std::shared_ptr<Peer>& peer) { return peer->gone(); });
}

/// Whoever may connect could hold all that we have with connections, but for those that have calls.
void Server::Impl::close_idle_ones() {
  forget_closed();
  const auto idle_peer = [](const std::shared_ptr<Peer>& peer) { return peer->calls == 0; };
  auto idle_ones = static_cast<std::size_t>(std::ranges::count_if(peers, idle_peer));
  for (; idle_ones > options.max_idle_connections; --idle_ones) {
    const auto oldest = std::ranges::find_if(peers, idle_peer);
    (*oldest)->close();
    peers.erase(oldest);
  }
}

Task<> Server::Impl::accept_loop(std::shared_ptr<Listener> listener) {
  asio::steady_timer pause(executor);
  while (!listener->closed) {
    auto connection = std::make_unique<net::Connection>(executor);
    auto& socket = connection->impl().socket;
    boost::system::error_code error;
    if (listener->is_unix) {
      std::tie(error) = co_await listener->unix_acceptor.async_accept(
          socket, asio::as_tuple(asio::use_awaitable));
    } else {
      std::tie(error) =
          co_await listener->tcp_acceptor.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    }
    if (error == asio::error::operation_aborted || listener->closed) break;
    if (error) {
      // Out of descriptors or memory: the connection stays queued, so trying at once would spin.
      log::warn(kComponent, "accept: {}", error.message());
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    if (!listener->is_unix) net::tune(socket);
    tasks.spawn("grpc connection", serve(std::move(connection), listener->tls));
  }
  co_return Result<>{};
}

namespace {

/// Closes a connection that has no call: whoever may connect could hold our descriptors with it.
Task<> close_when_idle(Clock& clock, std::weak_ptr<Session> weak, std::shared_ptr<Peer> peer,
                       Duration timeout) {
  bool idle = false;
  while (true) {
    NESTOR_CO_TRY_VOID(co_await clock.sleep_for(timeout));
    const bool still = peer->calls == 0;
    if (still && idle) break;
    idle = still;
    if (weak.expired()) co_return Result<>{};
  }
  if (const auto session = weak.lock()) session->close({Code::kUnavailable, "idle", {}});
  co_return Result<>{};
}

}  // namespace

Task<> Server::Impl::serve(std::unique_ptr<net::Connection> connection,
                           std::shared_ptr<const net::TlsContext> tls) {
  const auto peer = std::make_shared<Peer>();
  peers.push_back(peer);
  {
    const Opening opening(*peer, *connection);
    close_idle_ones();
    if (tls) {
      const net::Deadline deadline(executor, kHandshakeTimeout, *connection);
      if (auto ready = co_await connection->accept_tls(*tls); !ready) {
        log::debug(kComponent, "{}", ready.error().message);
        co_return Result<>{};
      }
    }
    if (!connection->is_open()) co_return Result<>{};
  }
  auto on_call = [this, peer](std::shared_ptr<Stream> stream) {
    calls.spawn("grpc call " + stream->method(), serve_call(std::move(stream), peer));
  };
  NESTOR_CO_TRY(const auto session,
                Session::make(executor, std::move(connection), options, std::move(on_call)));
  peer->session = session;
  session->start(tasks);
  if (options.idle_timeout > Duration::zero()) {
    tasks.spawn("grpc idle",
                close_when_idle(*options.idle_clock, session, peer, options.idle_timeout));
  }
  co_return Result<>{};
}

namespace {

/// Gives a call a status even when its handler was cancelled.
struct Answer {
  std::shared_ptr<Stream> stream;
  std::size_t& running;
  std::shared_ptr<Peer> peer;
  Signal& idle;
  Result<> status = fail(Code::kUnavailable, "the server is stopping");

  Answer(std::shared_ptr<Stream> of, std::size_t& count, std::shared_ptr<Peer> from,
         Signal& when_idle)
      : stream(std::move(of)), running(count), peer(std::move(from)), idle(when_idle) {
    ++running;
    ++peer->calls;
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    stream->finish(std::move(status));
    --peer->calls;
    if (--running == 0) idle.notify();
  }
};

}  // namespace

Task<> Server::Impl::serve_call(std::shared_ptr<Stream> stream, std::shared_ptr<Peer> peer) {
  Answer answer(stream, running, std::move(peer), idle);
  const auto found = handlers.find(stream->method());
  if (found == handlers.end()) {
    answer.status = fail(Code::kUnimplemented, "no method " + stream->method());
    co_return Result<>{};
  }
  ServerCall call(stream);
  try {
    answer.status = co_await found->second(call);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    log::error(kComponent, "{}: {}", stream->method(), error.what());
    answer.status = fail(Code::kInternal, "an error of the server");
  } catch (const std::exception& error) {
    log::error(kComponent, "{}: {}", stream->method(), error.what());
    answer.status = fail(Code::kInternal, "an error of the server");
  }
  co_return Result<>{};
}

asio::awaitable<void> Server::stop(Duration grace) {
  for (const auto& listener : impl_->listeners) listener->close();
  for (const auto& peer : impl_->peers) {
    if (const auto session = peer->session.lock()) session->leave();
  }
  if (grace > Duration::zero() && impl_->running > 0) {
    asio::steady_timer timer(impl_->executor, grace);
    bool over = false;
    timer.async_wait([this, &over](boost::system::error_code error) {
      if (error) return;
      over = true;
      impl_->idle.notify();
    });
    while (impl_->running > 0 && !over) {
      if (!co_await impl_->idle.wait()) break;
    }
    timer.cancel();
  }
  co_await impl_->calls.close();
  co_await impl_->tasks.close();
}

ServerCall::ServerCall(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
ServerCall::~ServerCall() = default;
const std::string& ServerCall::method() const { return stream_->method(); }
const Metadata& ServerCall::metadata() const { return stream_->received_headers(); }
Task<std::optional<std::string>> ServerCall::read() {
  // Here and below: what waits keeps the stream, which may be over before the call is destroyed.
  const auto stream = stream_;
  co_return co_await stream->read();
}
void ServerCall::send_headers(Metadata metadata) { stream_->send_headers(std::move(metadata)); }
Task<> ServerCall::write(std::string message, std::string more) {
  const auto stream = stream_;
  co_return co_await stream->write(std::move(message), std::move(more));
}
void ServerCall::post(std::string message) { stream_->post(std::move(message)); }
std::size_t ServerCall::posted() const { return stream_->posted(); }
Task<> ServerCall::gone() {
  const auto stream = stream_;
  co_return co_await stream->gone();
}

}  // namespace nestor::grpc
