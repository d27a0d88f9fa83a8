#include "net/resolver.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "net/error.hpp"

namespace nestor::net {

namespace {

Resolver::Found ask_system(const std::string& host) {
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  Resolver::Found out;
  for (const auto& entry : resolver.resolve(host, "", out.error)) {
    out.addresses.push_back(entry.endpoint().address());
  }
  return out;
}

}  // namespace

/// All but `timer` belongs to the event loop.
struct Resolver::Waiter {
  explicit Waiter(asio::steady_timer& woken) : timer(&woken) {}

  /// Null once nobody waits.
  asio::steady_timer* timer;
  bool done = false;
  Found found = {};
};

/// Among those who wait for a name. While it is there its event loop lives, and its end waits until
/// the thread that wakes it has let go of that.
class Resolver::Place {
 public:
  Place(Resolver& resolver, std::string host, std::shared_ptr<Waiter> waiter)
      : resolver_(resolver), host_(std::move(host)), waiter_(std::move(waiter)) {
    const std::scoped_lock lock(resolver_.mutex_);
    const auto [waiters, first] = resolver_.waiters_.try_emplace(host_);
    waiters->second.push_back(waiter_);
    if (first) asio::post(resolver_.threads_, [&to = resolver_, name = host_] { to.run(name); });
  }
  ~Place() {
    const std::scoped_lock lock(resolver_.mutex_);
    waiter_->timer = nullptr;
    const auto waiters = resolver_.waiters_.find(host_);
    if (waiters != resolver_.waiters_.end()) std::erase(waiters->second, waiter_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Resolver& resolver_;
  std::string host_;
  std::shared_ptr<Waiter> waiter_;
};

Resolver& Resolver::of_system() {
  static Resolver& resolver = *new Resolver(ask_system);
  return resolver;
}

void Resolver::run(const std::string& host) {
  {
    const std::scoped_lock lock(mutex_);
    const auto waiters = waiters_.find(host);
    if (waiters->second.empty()) {
      waiters_.erase(waiters);
      return;
    }
  }
  const Found found = lookup_(host);
  const std::scoped_lock lock(mutex_);
  const auto waiters = waiters_.extract(host);
  for (std::shared_ptr<Waiter>& waiter : waiters.mapped()) {
    asio::post(waiter->timer->get_executor(), [waiter = std::move(waiter), found] {
      waiter->done = true;
      waiter->found = found;
      if (waiter->timer != nullptr) waiter->timer->cancel();
    });
  }
}

Task<std::vector<asio::ip::address>> Resolver::resolve(asio::steady_timer& woken,
                                                       std::string host) {
  const auto waiter = std::make_shared<Waiter>(woken);
  woken.expires_at(asio::steady_timer::time_point::max());
  {
    const Place place(*this, host, waiter);
    co_await woken.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!waiter->done) co_return fail(Code::kCancelled, "resolving " + host + ": cancelled");
  if (waiter->found.error) co_return network_failure("resolving " + host, waiter->found.error);
  co_return std::move(waiter->found.addresses);
}

}  // namespace nestor::net
