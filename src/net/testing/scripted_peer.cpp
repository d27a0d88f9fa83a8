#include "net/testing/scripted_peer.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/error.hpp"

namespace nestor::net {

namespace {

using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Task<> copy(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
  std::array<char, 4096> bytes;
  while (true) {
    const auto [error, count] = co_await from->async_read_some(asio::buffer(bytes), kTuple);
    boost::system::error_code ignored;
    if (error) {
      to->shutdown(tcp::socket::shutdown_send, ignored);
      co_return Result<>{};
    }
    co_await asio::async_write(*to, asio::buffer(bytes.data(), count), kTuple);
  }
}

}  // namespace

ScriptedPeer::ScriptedPeer(Executor executor, std::vector<Script> scripts)
    : executor_(executor),
      acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      scripts_(std::move(scripts)),
      tasks_(executor) {
  tasks_.spawn("scripted peer", accept_loop());
}

asio::awaitable<void> ScriptedPeer::close() { return tasks_.close(); }

Task<> ScriptedPeer::accept_loop() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kTuple);
    if (error) co_return network_failure("accept", error);
    const std::size_t number = received_.size();
    received_.emplace_back();
    Script script = scripts_[std::min(number, scripts_.size() - 1)];
    tasks_.spawn("scripted connection", play(std::move(socket), number, std::move(script)));
  }
}

Task<> ScriptedPeer::expect(Socket& socket, std::size_t number, std::string end) {
  if (end.empty()) end = "\r\n\r\n";
  const std::size_t start = received_[number].size();
  std::array<char, 1> byte;
  while (!std::string_view(received_[number]).substr(start).ends_with(end)) {
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(byte), kTuple);
    if (error) co_return fail(Code::kCancelled, "client gone");
    received_[number].append(byte.data(), count);
  }
  co_return Result<>{};
}

Task<> ScriptedPeer::tunnel(Socket& socket, std::string port) {
  const auto near = std::make_shared<tcp::socket>(std::move(socket));
  const auto far = std::make_shared<tcp::socket>(executor_);
  const tcp::endpoint target(asio::ip::address_v4::loopback(),
                             static_cast<std::uint16_t>(std::stoi(port)));
  const auto [error] = co_await far->async_connect(target, kTuple);
  if (error) co_return network_failure("tunnel", error);
  tasks_.spawn("tunnel back", copy(far, near));
  co_return co_await copy(near, far);
}

Task<> ScriptedPeer::play(Socket socket, std::size_t number, Script script) {
  for (const Step& step : script) {
    if (step.kind == Step::kExpect) {
      NESTOR_CO_TRY_VOID(co_await expect(socket, number, step.text));
    } else if (step.kind == Step::kSend) {
      co_await asio::async_write(socket, asio::buffer(step.text), kTuple);
    } else if (step.kind == Step::kTunnel) {
      NESTOR_CO_TRY_VOID(co_await tunnel(socket, step.text));
    } else if (step.kind == Step::kStall) {
      asio::steady_timer never(executor_, asio::steady_timer::time_point::max());
      co_await never.async_wait(kTuple);
    } else {
      std::array<char, 256> dropped;
      boost::system::error_code ended;
      while (!ended) {
        const auto [error, count] = co_await socket.async_read_some(asio::buffer(dropped), kTuple);
        ended = error;
      }
    }
  }
  co_return Result<>{};
}

}  // namespace nestor::net
