#include "cli/node/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/node/ready.hpp"

namespace nestor::node {

namespace {

/// Where the supervisor finds the pipe on which it reports.
constexpr const char* kReadyFd = "3";
constexpr int kStartMs = 30'000;
constexpr int kStopMs = 10'000;

Result<int> read_init_pid(const Layout& layout) {
  NESTOR_TRY(const std::string text, read_file(layout.init_pid()));
  const int pid = parse_number<int>(last_line(text)).value_or(0);
  if (pid <= 1) return fail(Code::kDataLoss, layout.init_pid() + " is damaged");
  return pid;
}

/// The parent of a process that is alive, else 0.
int parent_of(int pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!text || text->find("\nState:\tZ") != std::string::npos) return 0;
  const auto at = text->find("\nPPid:\t");
  return at == std::string::npos ? 0 : std::atoi(text->c_str() + at + 7);
}

/// Waits for the end of a process that is not a child. False: it is still there.
bool wait_for_end(const UniqueFd& process, int timeout_ms) {
  pollfd set{process.get(), POLLIN, 0};
  return ::poll(&set, 1, timeout_ms) > 0;
}

Result<pid_t> spawn_daemon(const Layout& layout, int ready_fd) {
  const std::string log = layout.log("supervisor");
  std::array<const char*, 8> argv{
      "nestor",     "node",   "supervise", "--state", layout.state_dir.c_str(),
      "--ready-fd", kReadyFd, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_adddup2(&actions, ready_fd, 3);
  // Above all the lock of this command.
  posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes,
                                  const_cast<char* const*>(argv.data()), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return system_failure("starting the supervisor");
  }
  return pid;
}

}  // namespace

Result<std::optional<Session>> find_session(const Layout& layout) {
  NESTOR_TRY(const int supervisor, lock_holder(layout.supervisor_lock()));
  if (supervisor == 0) return std::nullopt;
  const auto init = read_init_pid(layout);
  // The file outlives a sandbox that was killed.
  if (!init || parent_of(*init) != supervisor) return Session{supervisor, 0};
  return Session{supervisor, *init};
}

Result<std::optional<Session>> await_session(const Layout& layout) {
  // Before the first look, so that nothing written after it is missed.
  const UniqueFd files(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!files || ::inotify_add_watch(files.get(), layout.state_dir.c_str(), IN_MOVED_TO) < 0) {
    return system_failure("watching " + layout.state_dir);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kStartMs);
  while (true) {
    NESTOR_TRY(const auto session, find_session(layout));
    if (!session || session->init != 0) return session;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return fail(Code::kDeadlineExceeded, "the supervisor makes no sandbox; see " +
                                               layout.log("supervisor") +
                                               "; `nestor down` ends it");
    }
    // A supervisor that has ended lets go of its lock: the next look finds no session.
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, session->supervisor, 0)));
    if (!process && errno == ESRCH) continue;
    std::array<pollfd, 2> set{pollfd{files.get(), POLLIN, 0}, pollfd{process.get(), POLLIN, 0}};
    ::poll(set.data(), set.size(), static_cast<int>(left.count()));
    std::array<char, 4096> events;
    while (::read(files.get(), events.data(), events.size()) > 0) {
    }
  }
}

Result<Session> start_session(const Layout& layout) {
  ::unlink(layout.init_pid().c_str());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  NESTOR_TRY(const pid_t pid, spawn_daemon(layout, write_end.get()));
  write_end.reset();
  if (auto ready = wait_ready(read_end, kStartMs); !ready) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(ready.error());
  }
  NESTOR_TRY(const int init, read_init_pid(layout));
  return Session{pid, init};
}

Result<> stop_session(const Layout& layout) {
  NESTOR_TRY(const int pid, lock_holder(layout.supervisor_lock()));
  if (pid <= 1) return {};
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) {
    if (errno == ESRCH) return {};
    return system_failure("opening the supervisor's process");
  }
  // The id was read before the descriptor was opened: make sure that it is still the same.
  NESTOR_TRY(const int still, lock_holder(layout.supervisor_lock()));
  if (still != pid) return {};
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0);
  if (wait_for_end(process, kStopMs)) return {};
  // The sandbox dies with it.
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  if (wait_for_end(process, kStopMs)) return {};
  return fail(Code::kDeadlineExceeded,
              "the supervisor (process " + std::to_string(pid) + ") does not end");
}

Result<UniqueFd> lock_commands(const Layout& layout, std::chrono::milliseconds patience) {
  // Inherited on purpose: a kubeadm whose `up` was killed is still at work.
  UniqueFd file(::open(layout.command_lock().c_str(), O_RDWR | O_CREAT, 0600));
  if (!file) return system_failure("opening " + layout.command_lock());
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure("locking " + layout.command_lock());
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Code::kFailedPrecondition, "another `nestor up` or `nestor down` is at work on " +
                                                 layout.state_dir + "; wait for it to end");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return file;
}

}  // namespace nestor::node
