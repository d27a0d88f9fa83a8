#pragma once

#include <cstdint>
#include <memory>

#include "base/async.hpp"

namespace nestor::integration {

/// Passes TCP connections on to a loopback port, until a test breaks them.
class TcpRelay {
 public:
  TcpRelay(Executor executor, std::uint16_t target);
  ~TcpRelay();

  std::uint16_t port() const;
  /// Resets all connections; new ones are accepted.
  void break_connections();
  /// How many were accepted.
  int accepted() const;
  /// Must be called before destruction.
  asio::awaitable<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::integration
