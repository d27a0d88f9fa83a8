#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/async.hpp"

/// Inner part of net/connection.hpp.
namespace nestor::net {

/// Looks names up in a few threads, each name in one at a time: a name whose servers are slow,
/// which a kubeconfig of others may give, holds up its own connections and not those to other
/// names. (Asio has one thread.) Thread: the event loop of each caller. Lifetime: longer than its
/// calls; the destructor waits for lookups that began.
class Resolver {
 public:
  struct Found {
    boost::system::error_code error = {};
    std::vector<asio::ip::address> addresses = {};
  };
  /// Blocks; called by the threads.
  using Lookup = std::function<Found(const std::string& host)>;

  explicit Resolver(Lookup lookup) : lookup_(std::move(lookup)) {}

  /// The one of the process, which asks the system. Never destroyed: a lookup cannot be stopped,
  /// and the process does not wait for it at its end.
  static Resolver& of_system();

  /// Sleeps on `woken`; who cancels that, or the caller, gives up. Errors: kUnavailable,
  /// kCancelled.
  Task<std::vector<asio::ip::address>> resolve(asio::steady_timer& woken, std::string host);

 private:
  struct Waiter;
  class Place;

  void run(const std::string& host);

  static constexpr std::size_t kThreads = 4;

  Lookup lookup_;
  std::mutex mutex_;
  /// By name, for each that is looked up or to be.
  std::map<std::string, std::vector<std::shared_ptr<Waiter>>> waiters_;
  asio::thread_pool threads_{kThreads};
};

}  // namespace nestor::net
