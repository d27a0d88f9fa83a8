#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

/// The end of a pipe on which a process we start says once that it is up, or why not.
class Ready {
 public:
  explicit Ready(int fd) : fd_(fd) {}
  void ok();
  /// Reports, logs, and returns the exit code 1.
  int failed(const Error& error);

 private:
  UniqueFd fd_;
};

/// Waits for the other end's word. kUnavailable when it died without one.
Result<> wait_ready(const UniqueFd& read_end, int timeout_ms);

}  // namespace nestor::node
