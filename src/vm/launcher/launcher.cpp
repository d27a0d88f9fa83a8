#include "vm/launcher/launcher.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "base/json_convert.hpp"
#include "base/log.hpp"
#include "base/run.hpp"
#include "base/task_group.hpp"
#include "vm/launcher/child_process.hpp"
#include "vm/launcher/disks.hpp"
#include "vm/launcher/fence_guard.hpp"
#include "vm/launcher/hotplug_disks.hpp"
#include "vm/launcher/hotplug_server.hpp"
#include "vm/launcher/hotplug_wire.hpp"
#include "vm/launcher/lifecycle.hpp"
#include "vm/launcher/qmp_client.hpp"
#include "vm/launcher/unprivileged.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;
using api::kubevirt::VirtualMachineInstance;

constexpr std::string_view kLauncherComponent = "vm.launcher";
constexpr Duration kDefaultGrace = std::chrono::seconds(30);
constexpr int kQmpFd = 3;
constexpr int kTapFd = 4;

Result<VirtualMachineInstance> read_machine() {
  const char* text = std::getenv(std::string(kMachineVariable).c_str());
  if (text == nullptr) {
    return fail(Code::kFailedPrecondition,
                std::string(kMachineVariable) + " is not set: this role runs in a machine's pod");
  }
  NESTOR_TRY(const Json json, parse_json(text));
  return from_json<VirtualMachineInstance>(json);
}

std::string environment(std::string_view name) {
  const char* text = std::getenv(std::string(name).c_str());
  return text == nullptr ? "" : text;
}

/// Whether KVM can be tried at all. Whether it works shows when the guest runs.
Accelerator first_choice() {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return Accelerator::kTcg;
  return give_to_qemu("/dev/kvm") ? Accelerator::kKvm : Accelerator::kTcg;
}

class Launcher {
 public:
  Launcher(asio::io_context& io, VirtualMachineInstance machine)
      : io_(io),
        machine_(std::move(machine)),
        clock_(io.get_executor()),
        processes_(make_process_runner(io.get_executor())),
        hotplug_(clock_),
        hotplug_server_(io.get_executor(), hotplug_),
        wake_(io.get_executor()),
        signals_(io.get_executor(), SIGTERM, SIGINT),
        tasks_(io.get_executor()) {
    if (machine_.spec.terminationGracePeriodSeconds) {
      grace_ = std::chrono::seconds(*machine_.spec.terminationGracePeriodSeconds);
    }
  }

  /// The whole life of the machine: whether it ended well.
  Task<> run() {
    tasks_.spawn("signals", watch_signals());
    Result<> result = hotplug_server_.start(std::string(kHotplugSocket));
    if (result) result = co_await prepare_and_run();
    co_await hotplug_server_.stop();
    co_await tasks_.close();
    co_return result;
  }

 private:
  Task<> prepare_and_run() {
    NESTOR_CO_TRY(QemuConfig config, co_await prepare());
    config.accelerator = first_choice();
    while (!terminate_) {
      NESTOR_CO_TRY(const Lifecycle::End end, co_await run_qemu(config));
      if (end == Lifecycle::End::kSucceeded) break;
      if (end == Lifecycle::End::kFailed) {
        co_return fail(Code::kInternal, "QEMU ended with an error; its last words are in the log");
      }
      log::warn(kLauncherComponent, "KVM does not work on this node: the machine is emulated");
      config.accelerator = Accelerator::kTcg;
      // what the first try wrote goes
      NESTOR_CO_TRY(config.drives, co_await prepare_disks());
    }
    co_return Result<>{};
  }

  Task<QemuConfig> prepare() {
    std::error_code error;
    fs::create_directories(kStateFolder, error);
    QemuConfig config;
    config.name = machine_.metadata.name;
    const auto& firmware = machine_.spec.domain.firmware;
    config.uuid = firmware && !firmware->uuid.empty()
                      ? firmware->uuid
                      : machine_uuid(machine_.metadata.namespace_, config.name);
    NESTOR_CO_TRY(config.cpu, cpu_topology(machine_.spec.domain));
    if (machine_.spec.domain.cpu) config.cpu_model = machine_.spec.domain.cpu->model;
    NESTOR_CO_TRY(config.memory_bytes, guest_memory(machine_.spec.domain));
    config.qmp_fd = kQmpFd;
    config.console_socket = kConsoleSocket;

    seed_.dns = read_resolv_conf(read_file("/etc/resolv.conf").value_or(""));
    NESTOR_CO_TRY(seed_.link, co_await set_up_bridge(*processes_));
    NESTOR_CO_TRY_VOID(co_await put_up_own_fence());
    seed_.instance_name = config.name;
    seed_.instance_ns = machine_.metadata.namespace_;
    seed_.uuid = config.uuid;
    seed_.hostname = machine_.spec.hostname.empty() ? config.name : machine_.spec.hostname;
    config.nics.push_back({kTapFd, seed_.link.mac, seed_.link.mtu});
    NESTOR_CO_TRY(config.drives, co_await prepare_disks());
    for (const auto& volume : machine_.spec.volumes) {
      if (!volume.containerDisk || config.boot) continue;
      config.boot = find_direct_boot(fs::path(kDisksFolder) / volume.name);
    }
    log::info(kLauncherComponent, "machine {}: {} CPUs, {} MiB, address {}, {}", config.name,
              config.cpu.total(), config.memory_bytes / kMiB, seed_.link.addresses.front(),
              config.boot ? "kernel from its image" : "boot loader from its disk");
    co_return config;
  }

  /// Before the guest can send anything. What it may reach is then followed.
  Task<> put_up_own_fence() {
    const std::string text = environment(kFenceVariable);
    if (text.empty()) {
      log::warn(kLauncherComponent,
                "no fence was asked for: the guest reaches what its pod reaches");
      co_return Result<>{};
    }
    NESTOR_CO_TRY(const Json json, parse_json(text));
    NESTOR_CO_TRY(const FenceOptions options, from_json<FenceOptions>(json));
    NESTOR_CO_TRY(Fence fence,
                  make_fence(options, seed_.link, seed_.dns, environment(kHostAddressVariable),
                             environment("KUBERNETES_SERVICE_HOST")));
    NESTOR_CO_TRY_VOID(co_await put_up_fence(*processes_, std::move(fence)));
    const fs::path folder(kFenceFolder);
    tasks_.spawn("fence", follow_fence(io_.get_executor(), *processes_, folder));
    co_return Result<>{};
  }

  Task<std::vector<Drive>> prepare_disks() {
    NESTOR_CO_TRY(const std::vector<DiskPlan> plans, plan_disks(machine_));
    std::vector<Drive> drives;
    for (const DiskPlan& plan : plans) {
      const fs::path state(kStateFolder);
      NESTOR_CO_TRY(Drive drive, co_await prepare_disk(*processes_, plan, seed_, state));
      NESTOR_CO_TRY_VOID(give_to_qemu(drive.path));
      drives.push_back(std::move(drive));
    }
    co_return drives;
  }

  /// One run of QEMU from start to end.
  Task<Lifecycle::End> run_qemu(QemuConfig config) {
    log::info(kLauncherComponent, "starting QEMU with {}",
              config.accelerator == Accelerator::kKvm ? "KVM" : "emulation (TCG)");
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      co_return fail(Code::kInternal, "socketpair failed");
    }
    UniqueFd ours(pair[0]);
    UniqueFd theirs(pair[1]);
    ended_.reset();
    stopped_ = false;
    const std::vector<std::string> command = as_qemu_user(qemu_command(config));
    NESTOR_CO_TRY(UniqueFd tap, open_tap(kTap));
    share_output();
    QmpClient qmp(io_.get_executor(), ours.release(),
                  [this](QmpEvent event) { take(std::move(event)); });
    auto child = ChildProcess::start(io_.get_executor(), command,
                                     {{theirs.get(), kQmpFd}, {tap.get(), kTapFd}});
    theirs.reset();
    tap.reset();
    if (!child) co_return std::unexpected(std::move(child).error());
    Lifecycle life(config.accelerator, clock_.steady_now(), grace_);
    TaskGroup tasks(io_.get_executor());
    tasks.spawn("QEMU", watch_child(**child));
    tasks.spawn("QMP", qmp.run());
    tasks.spawn("QMP start", negotiate(qmp));
    co_await supervise(qmp, **child, life);
    hotplug_.disconnect();
    co_await tasks.close();
    co_await hotplug_.idle();
    co_return life.exited(*ended_, clock_.steady_now());
  }

  /// QEMU that ends before it answers is told of by its exit code.
  Task<> negotiate(QmpClient& qmp) {
    auto done = co_await qmp.negotiate();
    if (!done) {
      log::debug(kLauncherComponent, "{}", done.error().message);
      co_return Result<>{};
    }
    auto plugged = co_await hotplug_.connect(qmp);
    if (!plugged) log::warn(kLauncherComponent, "{}", plugged.error().message);
    co_return Result<>{};
  }

  /// Drives the shutdown until QEMU has ended.
  asio::awaitable<void> supervise(QmpClient& qmp, ChildProcess& child, Lifecycle& life) {
    while (!ended_) {
      const SteadyTime now = clock_.steady_now();
      if (terminate_) life.terminate(now);
      Lifecycle::Step step = Lifecycle::Step::kNothing;
      if (std::exchange(stopped_, false)) {
        auto reply = co_await qmp.execute("query-status");
        const auto status = reply ? find_string(*reply, {"status"}) : std::string_view();
        if (status == "internal-error") step = life.broke(now);
        if (status == "io-error") life.held(now);
      }
      if (step == Lifecycle::Step::kNothing) step = life.due(now);
      co_await act(qmp, child, step);
      if (ended_ || stopped_ || (terminate_ && !life.terminating())) continue;
      wake_.expires_at(std::min(life.next_due(), now + std::chrono::hours(24)));
      co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  asio::awaitable<void> act(QmpClient& qmp, ChildProcess& child, Lifecycle::Step step) {
    if (step == Lifecycle::Step::kKill) child.kill(SIGKILL);
    std::string command;
    if (step == Lifecycle::Step::kPressPower) command = "system_powerdown";
    if (step == Lifecycle::Step::kQuit) command = "quit";
    if (step == Lifecycle::Step::kResume) command = "cont";
    if (command.empty()) co_return;
    auto done = co_await qmp.execute(command);
    if (!done && !ended_) log::warn(kLauncherComponent, "{}", done.error().message);
  }

  void take(QmpEvent event) {
    log::debug(kLauncherComponent, "QEMU event {}", event.name);
    hotplug_.take(event);
    if (event.name == "BLOCK_IO_ERROR") {
      log::warn(kLauncherComponent, "disk {}: {} failed: {}",
                find_string(event.data, {"node-name"}), find_string(event.data, {"operation"}),
                find_string(event.data, {"reason"}));
    }
    if (event.name != "STOP") return;
    stopped_ = true;
    wake_.cancel();
  }

  Task<> watch_child(ChildProcess& child) {
    auto code = co_await child.wait();
    if (!code && code.error().code == Code::kCancelled) co_return Result<>{};
    ended_ = code ? *code : 1;
    log::info(kLauncherComponent, "QEMU ended with exit code {}", *ended_);
    wake_.cancel();
    co_return Result<>{};
  }

  Task<> watch_signals() {
    const auto [error, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return Result<>{};
    log::info(kLauncherComponent, "asked to end: the guest has {} s to shut down",
              std::chrono::duration_cast<std::chrono::seconds>(grace_).count());
    terminate_ = true;
    wake_.cancel();
    co_return Result<>{};
  }

  asio::io_context& io_;
  VirtualMachineInstance machine_;
  SystemClock clock_;
  std::unique_ptr<ProcessRunner> processes_;
  HotplugDisks hotplug_;
  HotplugServer hotplug_server_;
  Duration grace_ = kDefaultGrace;
  SeedInput seed_;
  bool terminate_ = false;
  /// QEMU said STOP, and nobody has asked yet why.
  bool stopped_ = false;
  std::optional<int> ended_;
  asio::steady_timer wake_;
  asio::signal_set signals_;
  TaskGroup tasks_;
};

int report(const Result<>& result) {
  if (result) return 0;
  log::error(kLauncherComponent, "{}", result.error().message);
  std::ofstream("/dev/termination-log") << result.error().message;
  return 1;
}

}  // namespace

int launcher_main() {
  auto machine = read_machine();
  if (!machine) return report(std::unexpected(std::move(machine).error()));
  asio::io_context io(1);
  Launcher launcher(io, std::move(*machine));
  return report(run_to_end(io, launcher.run()));
}

}  // namespace nestor::vm
