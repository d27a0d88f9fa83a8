#include "vm/launcher/child_process.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

namespace nestor::vm {

struct ChildProcess::Watch {
  explicit Watch(Executor executor) : descriptor(std::move(executor)) {}
  asio::posix::stream_descriptor descriptor;
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(
    Executor executor, const std::vector<std::string>& argv,
    const std::vector<std::pair<int, int>>& fds) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const auto& [ours, theirs] : fds) {
    ::posix_spawn_file_actions_adddup2(&actions, ours, theirs);
  }
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, pointers[0], &actions, nullptr, pointers.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return fail(error == ENOENT ? Code::kNotFound : Code::kInternal,
                "starting " + argv[0] + ": " + std::generic_category().message(error));
  }
  auto watch = std::make_unique<Watch>(std::move(executor));
  std::unique_ptr<ChildProcess> child(new ChildProcess(pid, std::move(watch)));
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) {
    return fail(Code::kInternal,
                "watching " + argv[0] + ": " + std::generic_category().message(errno));
  }
  child->watch_->descriptor.assign(static_cast<int>(pidfd));
  return child;
}

ChildProcess::ChildProcess(pid_t pid, std::unique_ptr<Watch> watch)
    : pid_(pid), watch_(std::move(watch)) {}

ChildProcess::~ChildProcess() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Task<int> ChildProcess::wait() {
  int status = 0;
  pid_t ended = 0;
  // The pidfd may be called readable too early, by what Asio learned of an earlier descriptor: a
  // waitpid that blocks would then stop the event loop for as long as the program runs.
  while (ended == 0) {
    const auto [error] = co_await watch_->descriptor.async_wait(
        asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
    if (error) co_return fail(Code::kCancelled, "cancelled while waiting for a program");
    ended = ::waitpid(pid_, &status, WNOHANG);
  }
  if (ended != pid_) {
    co_return fail(Code::kInternal, "waitpid: " + std::generic_category().message(errno));
  }
  reaped_ = true;
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ChildProcess::kill(int signal) {
  if (!reaped_) ::kill(pid_, signal);
}

}  // namespace nestor::vm
