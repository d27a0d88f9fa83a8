#include "integration/tcp_relay.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "base/task_group.hpp"

namespace nestor::integration {

namespace {

using asio::ip::tcp;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

struct Pair {
  explicit Pair(const Executor& executor) : near(executor), far(executor) {}
  tcp::socket near;
  tcp::socket far;
  void reset() {
    boost::system::error_code ignored;
    near.set_option(asio::socket_base::linger(true, 0), ignored);
    near.close(ignored);
    far.close(ignored);
  }
};

Task<> pump(std::shared_ptr<Pair> pair, tcp::socket& from, tcp::socket& to) {
  std::array<char, 16384> buffer;
  for (;;) {
    const auto [bad_read, size] = co_await from.async_read_some(asio::buffer(buffer), kToken);
    if (bad_read) break;
    const auto [bad_write, written] =
        co_await asio::async_write(to, asio::buffer(buffer.data(), size), kToken);
    if (bad_write) break;
  }
  pair->reset();
  co_return Result<>();
}

}  // namespace

struct TcpRelay::Impl {
  Impl(const Executor& executor, std::uint16_t target_in)
      : acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        target(target_in),
        tasks(executor) {}

  tcp::acceptor acceptor;
  std::uint16_t target;
  int accepted = 0;
  std::vector<std::weak_ptr<Pair>> pairs;
  TaskGroup tasks;

  Task<> serve() {
    for (;;) {
      auto pair = std::make_shared<Pair>(acceptor.get_executor());
      const auto [error] = co_await acceptor.async_accept(pair->near, kToken);
      if (error) co_return Result<>();
      const tcp::endpoint there(asio::ip::address_v4::loopback(), target);
      const auto [refused] = co_await pair->far.async_connect(there, kToken);
      if (refused) continue;
      ++accepted;
      pairs.push_back(pair);
      tasks.spawn("relay out", pump(pair, pair->near, pair->far));
      tasks.spawn("relay in", pump(pair, pair->far, pair->near));
    }
  }
};

TcpRelay::TcpRelay(Executor executor, std::uint16_t target)
    : impl_(std::make_unique<Impl>(executor, target)) {
  impl_->tasks.spawn("relay", impl_->serve());
}

TcpRelay::~TcpRelay() = default;

std::uint16_t TcpRelay::port() const { return impl_->acceptor.local_endpoint().port(); }

void TcpRelay::break_connections() {
  for (const auto& weak : impl_->pairs) {
    if (const auto pair = weak.lock()) pair->reset();
  }
  impl_->pairs.clear();
}

int TcpRelay::accepted() const { return impl_->accepted; }

asio::awaitable<void> TcpRelay::close() { co_await impl_->tasks.close(); }

}  // namespace nestor::integration
