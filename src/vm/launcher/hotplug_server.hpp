#pragma once

#include <memory>
#include <string>

#include "vm/launcher/hotplug_disks.hpp"

namespace nestor::vm {

/// The launcher's socket for attachment pods (hotplug_wire.hpp). Thread: event loop.
class HotplugServer {
 public:
  /// `disks` outlives it.
  HotplugServer(Executor executor, HotplugDisks& disks);
  ~HotplugServer();

  /// Listens on a new socket at `path`, for any user. Errors: kInternal.
  Result<> start(const std::string& path);
  /// Closes it and all connections. Must be called before destruction.
  asio::awaitable<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::vm
