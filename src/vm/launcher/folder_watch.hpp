#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "base/async.hpp"
#include "base/clock.hpp"

namespace nestor::vm {

/// Tells of changes in a folder, such as one that the kubelet writes. Nodes allow few watchers a
/// user: when there is none left, it looks every few seconds instead. Include only in source files:
/// the header is heavy. Thread: event loop.
class FolderWatch {
 public:
  /// Changes from here on are not missed.
  FolderWatch(const Executor& executor, const std::filesystem::path& folder,
              Duration otherwise_every = std::chrono::seconds(5));

  /// Until something may have changed. Errors: kCancelled.
  Task<> wait();

 private:
  asio::posix::stream_descriptor events_;
  asio::steady_timer timer_;
  Duration otherwise_every_;
  bool watching_ = false;
};

}  // namespace nestor::vm
