#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/async.hpp"

namespace nestor {

/// Owns coroutines: nothing of Nestor runs detached. Make it the last member of its owner, so that
/// what the coroutines use outlives them.
/// Thread: the executor's only thread. Destroying a group that was not closed and still has tasks
/// is a bug and aborts, naming the tasks.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task`; `name` shows in logs and in the abort message. A task that ends with an error
  /// other than kCancelled is logged with its name. After close() new tasks are dropped unstarted.
  void spawn(std::string name, Task<> task);

  /// Refuses new tasks, cancels the running ones (terminal cancellation) and waits until all ended.
  /// Idempotent. Not itself cancellable; but a coroutine that is cancelled already cannot begin it
  /// (see async.hpp), and a task of this group that waits for it would wait for itself.
  asio::awaitable<void> close();

  Executor executor() const;
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace nestor
