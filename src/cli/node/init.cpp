#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/log.hpp"
#include "cli/node/layout.hpp"
#include "cli/node/node.hpp"
#include "cli/node/ready.hpp"
#include "cli/node/sandbox.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kInitComponent = "node.init";
constexpr const char* kKubeletDir = "/var/lib/kubelet";
constexpr const char* kKubeletConfig = "/var/lib/kubelet/config.yaml";
constexpr milliseconds kFirstDelay{200};
constexpr milliseconds kLongestDelay{10'000};
constexpr milliseconds kLivedWell{30'000};
constexpr milliseconds kServiceStopTime{2'000};
constexpr milliseconds kLogLook{600'000};
/// Bytes. A log has up to twice as many: in its file and in the one before.
constexpr std::uintmax_t kLogSize = 32U << 20U;

/// A program that must always run.
struct Service {
  std::string name;
  std::string log;
  /// Not started before this file exists. Empty: at once.
  std::string needs = {};
  pid_t pid = 0;
  milliseconds delay = kFirstDelay;
  Clock::time_point started = {};
  Clock::time_point next_start = {};
};

/// What kubeadm wrote as KUBELET_KUBEADM_ARGS="--a=b --c=d".
std::vector<std::string> kubeadm_flags() {
  std::vector<std::string> flags;
  const auto text = read_file("/var/lib/kubelet/kubeadm-flags.env");
  if (!text) return flags;
  const auto begin = text->find('"');
  const auto end = text->rfind('"');
  if (begin == std::string::npos || end <= begin) return flags;
  std::string word;
  for (const char c : text->substr(begin + 1, end - begin - 1) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      flags.push_back(std::move(word));
      word.clear();
    }
  }
  return flags;
}

std::vector<std::string> argv_of(const Service& service, const Config& config) {
  if (service.name == "containerd") {
    return {config.program("containerd"), "--config", "/run/nestor/containerd.toml"};
  }
  std::vector<std::string> argv{config.program("kubelet"),
                                std::string("--config=") + kKubeletConfig,
                                "--kubeconfig=/etc/kubernetes/kubelet.conf",
                                "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"};
  for (auto& flag : kubeadm_flags()) argv.push_back(std::move(flag));
  return argv;
}

Result<pid_t> spawn_service(const Service& service, const Config& config) {
  const auto arguments = argv_of(service, config);
  std::vector<char*> argv;
  for (const auto& arg : arguments) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, service.log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return system_failure("starting " + arguments[0]);
  }
  return pid;
}

/// Keeps the log of a program that holds it open from growing for ever.
void bound_log(const std::string& path) {
  std::error_code error;
  if (fs::file_size(path, error) <= kLogSize || error) return;
  // It is written to by appending, so it goes on from its new end.
  fs::copy_file(path, path + ".old", fs::copy_options::overwrite_existing, error);
  if (!error) fs::resize_file(path, 0, error);
  if (error) log::warn(kInitComponent, "cannot shorten {}: {}", path, error.message());
}

/// Process 1's work once the sandbox stands: keep the services running, bury the dead.
class Init {
 public:
  Init(const Layout& layout, Config config)
      : config_(std::move(config)), own_log_(layout.log("supervisor")) {
    services_.push_back({"containerd", layout.log("containerd")});
    services_.push_back({"kubelet", layout.log("kubelet"), kKubeletConfig});
  }

  Result<> prepare() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set, number);
    if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return system_failure("sigprocmask");
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) return system_failure("signalfd");
    files_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!files_) return system_failure("inotify_init");
    if (::inotify_add_watch(files_.get(), kKubeletDir, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
      return system_failure("watching " + std::string(kKubeletDir));
    }
    return {};
  }

  void run() {
    while (!stopping_) {
      const int wait = look_at_logs(start_due());
      std::array<pollfd, 2> set{pollfd{signals_.get(), POLLIN, 0}, pollfd{files_.get(), POLLIN, 0}};
      ::poll(set.data(), set.size(), wait);
      read_signals();
      std::array<char, 4096> events;
      while (::read(files_.get(), events.data(), events.size()) > 0) {
      }
    }
    stop();
  }

 private:
  /// Starts what is due; the time to the next start in milliseconds, -1 for none.
  int start_due() {
    milliseconds wait{-1};
    for (auto& service : services_) {
      if (service.pid != 0 || (!service.needs.empty() && !exists(service.needs))) continue;
      const auto now = Clock::now();
      if (now < service.next_start) {
        const auto left = std::chrono::ceil<milliseconds>(service.next_start - now);
        wait = wait.count() < 0 ? left : std::min(wait, left);
        continue;
      }
      start(service);
    }
    return static_cast<int>(wait.count());
  }

  /// Now and then; returns how long to wait for the next start or look.
  int look_at_logs(int wait_ms) {
    const auto now = Clock::now();
    if (now >= next_look_) {
      for (const auto& service : services_) bound_log(service.log);
      bound_log(own_log_);
      next_look_ = now + kLogLook;
    }
    const auto left = std::chrono::ceil<milliseconds>(next_look_ - now);
    return wait_ms < 0 ? static_cast<int>(left.count())
                       : std::min(wait_ms, static_cast<int>(left.count()));
  }

  void start(Service& service) {
    service.started = Clock::now();
    auto pid = spawn_service(service, config_);
    if (pid) {
      service.pid = *pid;
      log::info(kInitComponent, "{} started, process {}", service.name, *pid);
    } else {
      log::error(kInitComponent, "{}", pid.error().message);
      ended(service);
    }
  }

  void ended(Service& service) {
    service.pid = 0;
    const auto now = Clock::now();
    if (now - service.started > kLivedWell) service.delay = kFirstDelay;
    service.next_start = now + service.delay;
    service.delay = std::min(service.delay * 2, kLongestDelay);
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGCHLD) stopping_ = true;
    }
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      for (auto& service : services_) {
        if (service.pid != pid) continue;
        log::warn(kInitComponent, "{} ended with status {:#x}, next start in {} ms", service.name,
                  status, service.delay.count());
        ended(service);
      }
    }
  }

  /// Containers get a moment to end by themselves; whatever is left dies with process 1.
  void stop() {
    for (const auto& service : services_) {
      if (service.name == "kubelet" && service.pid != 0) ::kill(service.pid, SIGKILL);
    }
    ::kill(-1, SIGTERM);
    const auto deadline = Clock::now() + kServiceStopTime;
    while (Clock::now() < deadline) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == ECHILD) return;
      if (pid > 0) continue;
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
      pollfd set{signals_.get(), POLLIN, 0};
      ::poll(&set, 1, static_cast<int>(left.count()));
      signalfd_siginfo info{};
      while (::read(signals_.get(), &info, sizeof info) > 0) {
      }
    }
  }

  Config config_;
  std::string own_log_;
  std::vector<Service> services_;
  UniqueFd signals_;
  UniqueFd files_;
  bool stopping_ = false;
  Clock::time_point next_look_ = {};
};

Result<> set_up(const Layout& layout, const Config& config) {
  NESTOR_TRY_VOID(make_mounts(layout, config));
  NESTOR_TRY_VOID(make_network());
  return make_files(config);
}

}  // namespace

int node_init(const HiddenOptions& options) {
  if (::getpid() != 1) {
    log::error(kInitComponent, "`node init` is only for process 1 of the node's sandbox");
    return 2;
  }
  ::prctl(PR_SET_NAME, "nestor-init");
  Ready ready(options.ready_fd);
  const Layout layout{options.state_dir};
  const auto config = load(layout);
  if (!config) return ready.failed(config.error());
  use_programs_of(*config);
  if (auto made = set_up(layout, *config); !made) return ready.failed(made.error());
  Init init(layout, *config);
  if (auto prepared = init.prepare(); !prepared) return ready.failed(prepared.error());
  ready.ok();
  init.run();
  return 0;
}

}  // namespace nestor::node
