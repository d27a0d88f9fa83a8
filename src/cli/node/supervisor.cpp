#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/run.hpp"
#include "cli/node/cgroups.hpp"
#include "cli/node/layout.hpp"
#include "cli/node/node.hpp"
#include "cli/node/proxy.hpp"
#include "cli/node/ready.hpp"
#include "cli/node/sysctls.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace asio = boost::asio;

namespace {

constexpr const char* kSupervisorComponent = "node.supervisor";
constexpr int kInitReadyMs = 20'000;
constexpr std::chrono::seconds kSandboxStopTime{5};
/// Set when a supervisor replaces itself after its sandbox has died.
constexpr const char* kRestartVariable = "NESTOR_NODE_RESTART";

/// Locked for as long as this process lives, also across its own exec. Never closed.
Result<int> take_lock(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (fd < 0) return system_failure("opening " + path);
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_SETLK, &lock) != 0) {
    return fail(Code::kAlreadyExists, "another supervisor runs this node");
  }
  return fd;
}

/// The child's side of make_sandbox. Never returns.
[[noreturn]] void become_init(const std::string& state_dir, UniqueFd alive, UniqueFd ready) {
  // Die with the supervisor. Should it be dead already, the pipe has no writer left.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char go = 0;
  if (::read(alive.get(), &go, 1) != 1) ::_exit(1);
  const std::string fd = std::to_string(ready.release());
  // PR_SET_PDEATHSIG outlives exec.
  ::execl("/proc/self/exe", "nestor", "node", "init", "--state", state_dir.c_str(), "--ready-fd",
          fd.c_str(), nullptr);
  ::_exit(127);
}

struct Sandbox {
  pid_t init = 0;
  UniqueFd ready;
};

/// Starts process 1 in namespaces of its own. Called before there is any thread.
Result<Sandbox> make_sandbox(const std::string& state_dir) {
  int alive[2];
  int ready[2];
  if (::pipe2(alive, O_CLOEXEC) != 0) return system_failure("pipe");
  UniqueFd alive_read(alive[0]);
  UniqueFd alive_write(alive[1]);
  if (::pipe(ready) != 0) return system_failure("pipe");
  UniqueFd ready_read(ready[0]);
  UniqueFd ready_write(ready[1]);
  ::fcntl(ready_read.get(), F_SETFD, FD_CLOEXEC);
  constexpr unsigned long kFlags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS |
                                   CLONE_NEWIPC | static_cast<unsigned long>(SIGCHLD);
  const long pid = ::syscall(SYS_clone, kFlags, nullptr, nullptr, nullptr, 0UL);
  if (pid < 0) return system_failure("making namespaces");
  if (pid == 0) {
    alive_write.reset();
    become_init(state_dir, std::move(alive_read), std::move(ready_write));
  }
  if (::write(alive_write.get(), "", 1) != 1) return system_failure("starting process 1");
  return Sandbox{static_cast<pid_t>(pid), std::move(ready_read)};
}

/// Replaces this process by a fresh one of the same id, which still holds the lock.
[[noreturn]] void restart(const std::string& state_dir, int lock_fd) {
  ::setenv(kRestartVariable, std::to_string(lock_fd).c_str(), 1);
  ::close_range(3, static_cast<unsigned>(lock_fd) - 1, 0);
  ::close_range(static_cast<unsigned>(lock_fd) + 1, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execl("/proc/self/exe", "nestor", "node", "supervise", "--state", state_dir.c_str(), nullptr);
  log::error(kSupervisorComponent, "cannot restart: {}", system_failure("exec").error().message);
  ::_exit(1);
}

/// Relays until the sandbox has ended.
class Supervisor {
 public:
  Supervisor(pid_t init, const Gateway& gateway)
      : init_(init),
        api_(context_),
        proxy_(context_),
        signals_(context_),
        timer_(context_),
        relay_{.gateway = &gateway, .tasks = TaskGroup(context_.get_executor())} {}

  /// True: it was asked to stop. False: the sandbox died by itself.
  bool run(UniqueFd api, UniqueFd proxy) {
    api_.assign(Tcp::v4(), api.release());
    proxy_.assign(Tcp::v4(), proxy.release());
    relay_.tasks.spawn("relay to the API server", serve_api(api_, relay_));
    relay_.tasks.spawn("relay to services", serve_proxy(proxy_, relay_));
    for (const int number : {SIGTERM, SIGINT, SIGCHLD}) signals_.add(number);
    wait_signal();
    // It may have died before the signals were listened to.
    check_child();
    context_.run();
    signals_.cancel();
    timer_.cancel();
    (void)run_to_end(context_, close());
    return stopping_;
  }

 private:
  Task<> close() {
    co_await relay_.tasks.close();
    co_return Result<>();
  }

  void wait_signal() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
      if (error) return;
      if (number != SIGCHLD) stop();
      check_child();
      wait_signal();
    });
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    log::info(kSupervisorComponent, "stopping the sandbox");
    ::kill(init_, SIGTERM);
    timer_.expires_after(kSandboxStopTime);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) ::kill(init_, SIGKILL);
    });
  }

  void check_child() {
    int status = 0;
    if (::waitpid(init_, &status, WNOHANG) != init_) return;
    log::info(kSupervisorComponent, "the sandbox has ended, status {:#x}", status);
    context_.stop();
  }

  pid_t init_;
  asio::io_context context_{1};
  Tcp::acceptor api_;
  Tcp::acceptor proxy_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  Relay relay_;
  bool stopping_ = false;
};

Result<bool> supervise(const Layout& layout, const Config& config, Ready& ready) {
  NESTOR_TRY(UniqueFd api, listen_on_loopback(config.port));
  NESTOR_TRY(UniqueFd proxy, listen_on_loopback(config.proxy_port));
  NESTOR_TRY_VOID(raise_sysctls(layout.state_dir));
  // Groups of containers that died with a former sandbox would cost the kubelet seconds each.
  NESTOR_TRY_VOID(remove_cgroups(config.cgroup));
  NESTOR_TRY_VOID(make_cgroups(config.cgroup));
  NESTOR_TRY(const Sandbox sandbox, make_sandbox(layout.state_dir));
  // From here on the child dies with us, whatever happens.
  if (auto up = wait_ready(sandbox.ready, kInitReadyMs); !up) {
    return with_context(up.error(), "making the sandbox");
  }
  NESTOR_TRY(const Gateway gateway, Gateway::open(sandbox.init));
  NESTOR_TRY_VOID(write_text(layout.init_pid(), std::to_string(sandbox.init) + "\n"));
  log::info(kSupervisorComponent, "the sandbox stands, process 1 is {}", sandbox.init);
  ready.ok();
  Supervisor supervisor(sandbox.init, gateway);
  return supervisor.run(std::move(api), std::move(proxy));
}

}  // namespace

int node_supervise(const HiddenOptions& options) {
  // Started as /proc/self/exe, it would be listed as "exe".
  ::prctl(PR_SET_NAME, "nestor-node");
  Ready ready(options.ready_fd);
  if (options.ready_fd >= 0) ::fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
  const Layout layout{options.state_dir};
  const auto config = load(layout);
  if (!config) return ready.failed(config.error());
  use_programs_of(*config);
  ::signal(SIGPIPE, SIG_IGN);
  int lock_fd = -1;
  if (const char* inherited = std::getenv(kRestartVariable)) {
    lock_fd = std::atoi(inherited);
    ::unsetenv(kRestartVariable);
    // Only after a crash of the sandbox: a pause keeps a broken one from spinning.
    std::this_thread::sleep_for(std::chrono::seconds(1));
  } else {
    auto locked = take_lock(layout.supervisor_lock());
    if (!locked) return ready.failed(locked.error());
    lock_fd = *locked;
  }
  // The child must not hold the lock's descriptor.
  ::fcntl(lock_fd, F_SETFD, FD_CLOEXEC);
  const auto ended = supervise(layout, *config, ready);
  if (!ended) return ready.failed(ended.error());
  if (*ended) return 0;
  ::fcntl(lock_fd, F_SETFD, 0);
  log::warn(kSupervisorComponent, "the sandbox died, making it anew");
  restart(layout.state_dir, lock_fd);
}

}  // namespace nestor::node
