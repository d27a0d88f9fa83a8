#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/async.hpp"

namespace nestor::vm {

/// A long-running child that shares our standard streams. Thread: event loop.
class ChildProcess {
 public:
  /// Starts argv[0] from PATH. Of each pair the first, ours, is the second in it, in this order.
  /// Errors: kNotFound, kInternal.
  static Result<std::unique_ptr<ChildProcess>> start(Executor executor,
                                                     const std::vector<std::string>& argv,
                                                     const std::vector<std::pair<int, int>>& fds);
  /// Kills and reaps a child that still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Waits for its end: the exit code, or 128 and the signal's number. Errors: kCancelled.
  Task<int> wait();
  void kill(int signal);
  pid_t pid() const { return pid_; }

 private:
  struct Watch;
  ChildProcess(pid_t pid, std::unique_ptr<Watch> watch);
  pid_t pid_;
  bool reaped_ = false;
  std::unique_ptr<Watch> watch_;
};

}  // namespace nestor::vm
