#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "vm/launcher/qmp.hpp"

namespace nestor::vm {

/// How long that command's reply is waited for.
Duration qmp_timeout(std::string_view command);

/// Commands to a running QEMU. Edge: tests use a fake. Thread: event loop.
class QmpChannel {
 public:
  virtual ~QmpChannel() = default;
  /// Errors: QEMU's own as kInternal, kNotFound or kUnimplemented; kUnavailable when it is gone;
  /// kDeadlineExceeded after qmp_timeout(): it may carry the command out yet; kCancelled.
  virtual Task<Json> execute(std::string command, Json arguments) = 0;
  /// The same with an open file for QEMU, which stays ours too (`add-fd`).
  virtual Task<Json> execute_with_fd(std::string command, Json arguments, int fd) = 0;
};

/// One QMP connection. Run `run()` in a TaskGroup for as long as it is used. Thread: event loop.
class QmpClient final : public QmpChannel {
 public:
  /// Takes over `fd`, a connected stream socket. `on_event` is called from run().
  QmpClient(Executor executor, int fd, std::function<void(QmpEvent)> on_event);
  ~QmpClient() override;

  /// Reads until the peer closes (a success) or sends nonsense (kInvalidArgument). Then every
  /// waiting command ends with kUnavailable.
  Task<> run();
  /// Waits for the greeting and asks for no capabilities. Errors: as execute.
  Task<> negotiate();
  Task<Json> execute(std::string command, Json arguments = nullptr) override;
  Task<Json> execute_with_fd(std::string command, Json arguments, int fd) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::vm
