#include "base/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <exception>
#include <list>
#include <vector>

#include "base/log.hpp"

namespace nestor {

namespace {

constexpr std::string_view kComponent = "base.task_group";

struct Entry {
  std::string name;
  asio::cancellation_signal signal;
};

/// Starts the task from the event loop instead of inside spawn(), so that spawn() never runs
/// foreign code in the middle of its caller.
Task<> start(Executor executor, Task<> task) {
  co_await asio::post(executor, asio::use_awaitable);
  co_return co_await std::move(task);
}

[[noreturn]] void die(const std::string& message) {
  log::error(kComponent, "{}", message);
  std::abort();
}

}  // namespace

struct TaskGroup::State {
  explicit State(Executor on) : executor(std::move(on)), drained(executor) {
    drained.expires_at(asio::steady_timer::time_point::max());
  }

  void finished(const std::shared_ptr<Entry>& entry, std::exception_ptr thrown,
                const Result<>& result) {
    if (thrown) {
      report(entry->name, thrown);
    } else if (!result && result.error().code != Code::kCancelled) {
      log::error(kComponent, "task {} failed: {} ({})", entry->name, result.error().message,
                 to_string(result.error().code));
    }
    tasks.remove(entry);
    if (tasks.empty()) drained.cancel();
  }

  /// An Asio coroutine that was cancelled throws operation_aborted at its next co_await: a normal
  /// end. Anything else broke the rule that our interfaces do not throw.
  static void report(const std::string& name, std::exception_ptr thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) return;
      die("task " + name + " threw: " + error.what());
    } catch (const std::exception& error) {
      die("task " + name + " threw: " + error.what());
    } catch (...) {
      die("task " + name + " threw something unknown");
    }
  }

  Executor executor;
  std::list<std::shared_ptr<Entry>> tasks;
  bool closing = false;
  /// Never expires; cancelled when the last task of a closing group ended.
  asio::steady_timer drained;
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
  if (state_->tasks.empty()) return;
  std::string names;
  for (const auto& entry : state_->tasks) {
    if (!names.empty()) names += ", ";
    names += entry->name;
  }
  die("group destroyed with running tasks: " + names);
}

void TaskGroup::spawn(std::string name, Task<> task) {
  if (state_->closing) return;
  auto entry = std::make_shared<Entry>();
  entry->name = std::move(name);
  state_->tasks.push_back(entry);
  auto done = [state = state_, entry](std::exception_ptr thrown, Result<> result) {
    state->finished(entry, thrown, result);
  };
  asio::co_spawn(state_->executor, start(state_->executor, std::move(task)),
                 asio::bind_cancellation_slot(entry->signal.slot(), std::move(done)));
}

asio::awaitable<void> TaskGroup::close() {
  // The coroutine keeps the state: the owner may be destroyed right after the last task ended.
  const std::shared_ptr<State> state = state_;
  if (!state->closing) {
    state->closing = true;
    // A copy: a cancelled task may end, and leave the list, while the signal is being emitted.
    const std::vector<std::shared_ptr<Entry>> running(state->tasks.begin(), state->tasks.end());
    for (const auto& entry : running) entry->signal.emit(asio::cancellation_type::terminal);
  }
  if (state->tasks.empty()) co_return;
  // A slot that is connected to nothing: cancelling the caller must not cut this wait short.
  co_await state->drained.async_wait(
      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::as_tuple(asio::use_awaitable)));
}

Executor TaskGroup::executor() const { return state_->executor; }

std::size_t TaskGroup::size() const { return state_->tasks.size(); }

}  // namespace nestor
