#include "cli/node/preflight.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <vector>

#include "base/file.hpp"
#include "cli/node/proxy.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

constexpr const char* kPrograms[] = {
    "containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubeadm", "kubectl",
    "helm"};
constexpr const char* kPlugins[] = {"bridge", "host-local", "loopback", "portmap"};
/// From util-linux, iproute2: part of every ordinary installation.
constexpr const char* kTools[] = {"nsenter", "ip"};
constexpr std::uint64_t kLeastDisk = 6ULL << 30U;

Result<> check_programs(const Config& config) {
  std::vector<std::string> missing;
  for (const char* name : kPrograms) {
    if (::access(config.program(name).c_str(), X_OK) != 0) missing.push_back(config.program(name));
  }
  for (const char* name : kPlugins) {
    const std::string path = config.assets + "/cni/" + name;
    if (::access(path.c_str(), X_OK) != 0) missing.push_back(path);
  }
  if (!missing.empty()) {
    return fail(Code::kNotFound, fmt::format("programs are missing: {}; build the assets or name "
                                             "another directory with --assets",
                                             fmt::join(missing, ", ")));
  }
  for (const char* name : kTools) {
    if (in_path(name)) continue;
    return fail(Code::kNotFound, fmt::format("`{}` is not installed; install the packages "
                                             "util-linux and iproute2",
                                             name));
  }
  return {};
}

Result<> check_port(std::uint16_t port, const char* option) {
  const auto socket = listen_on_loopback(port);
  if (socket) return {};
  return fail(socket.error().code,
              fmt::format("{}; choose another port with {}", socket.error().message, option));
}

/// The module begins with this machine's own bridges, whose guests its packet filter may not let
/// through. It is for the sandbox, which has switches of its own.
Result<> spare_own_bridges() {
  for (const char* name : {"iptables", "ip6tables", "arptables"}) {
    const std::string path = std::string("/proc/sys/net/bridge/bridge-nf-call-") + name;
    if (exists(path)) NESTOR_TRY_VOID(write_kernel(path, "0"));
  }
  return {};
}

Result<> check_kernel() {
  NESTOR_TRY(const std::string types, read_file("/proc/filesystems"));
  // Modules that are not there yet load on demand, these two do not.
  for (const char* module : {"overlay", "br_netfilter"}) {
    const bool there = std::string(module) == "overlay" ? types.find("\toverlay\n") != types.npos
                                                        : exists("/proc/sys/net/bridge");
    if (there) continue;
    const auto loaded = run_checked({.argv = {"modprobe", module}});
    if (!loaded) {
      return fail(Code::kFailedPrecondition,
                  fmt::format("the kernel offers no {}: {}", module, loaded.error().message));
    }
    if (std::string(module) == "br_netfilter") NESTOR_TRY_VOID(spare_own_bridges());
  }
  NESTOR_TRY(const std::string mounts, read_file("/proc/self/mounts"));
  if (mounts.find(" cgroup") == std::string::npos) {
    return fail(Code::kFailedPrecondition, "no control groups are mounted below /sys/fs/cgroup");
  }
  return {};
}

Result<> check_disk(const Layout& layout) {
  struct statvfs status{};
  if (::statvfs(layout.state_dir.c_str(), &status) != 0) {
    return system_failure("looking at " + layout.state_dir);
  }
  const std::uint64_t free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  if (free >= kLeastDisk) return {};
  return fail(Code::kResourceExhausted,
              fmt::format("{} has {} MiB free, {} are needed; choose another disk with --state-dir",
                          layout.state_dir, free >> 20U, kLeastDisk >> 20U));
}

}  // namespace

Result<> preflight(const Layout& layout, const Config& config, bool running) {
  NESTOR_TRY_VOID(check_programs(config));
  NESTOR_TRY_VOID(check_kernel());
  if (running) return {};
  NESTOR_TRY_VOID(check_disk(layout));
  NESTOR_TRY_VOID(check_port(config.port, "--port"));
  return check_port(config.proxy_port, "--proxy-port");
}

}  // namespace nestor::node
