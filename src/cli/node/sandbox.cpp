#include "cli/node/sandbox.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cli/node/config_files.hpp"
#include "cli/node/kvm.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

namespace fs = std::filesystem;

Result<> mount_at(const char* source, const std::string& target, const char* type,
                  unsigned long flags, const char* data = nullptr) {
  if (::mount(source, target.c_str(), type, flags, data) != 0) {
    return system_failure("mounting " + target);
  }
  return {};
}

Result<> bind_mount(const std::string& from, const std::string& to) {
  NESTOR_TRY_VOID(make_directory(from));
  NESTOR_TRY_VOID(make_directory(to));
  return mount_at(from.c_str(), to, nullptr, MS_BIND | MS_REC);
}

/// Values that kubelet insists on and would otherwise set for the whole machine: it finds them
/// already there, in files that only the sandbox sees.
struct KernelValue {
  const char* name;
  const char* value;
};
constexpr KernelValue kWantedByKubelet[] = {
    {"vm/overcommit_memory", "1"},
    {"vm/panic_on_oom", "0"},
    {"kernel/panic", "10"},
    {"kernel/panic_on_oops", "1"},
    {"kernel/keys/root_maxkeys", "1000000"},
    {"kernel/keys/root_maxbytes", "25000000"},
};

Result<> make_proc() {
  NESTOR_TRY_VOID(mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  NESTOR_TRY_VOID(make_directory("/run/nestor/sysctl"));
  for (const auto& [name, value] : kWantedByKubelet) {
    const std::string target = std::string("/proc/sys/") + name;
    if (!exists(target)) continue;
    const std::string file = "/run/nestor/sysctl/" + fs::path(name).filename().string();
    NESTOR_TRY_VOID(write_text(file, std::string(value) + "\n"));
    NESTOR_TRY_VOID(mount_at(file.c_str(), target, nullptr, MS_BIND));
  }
  // The kernel lets a container in a user namespace mount /proc only where a /proc without
  // such covers is in sight.
  NESTOR_TRY_VOID(make_directory("/run/nestor/proc", 0700));
  return mount_at("proc", "/run/nestor/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Result<> make_sys() {
  // A new sysfs shows the new network namespace; what is mounted below the old one (control
  // groups above all) is carried over.
  const std::string groups = "/run/nestor/cgroup";
  NESTOR_TRY_VOID(make_directory(groups));
  NESTOR_TRY_VOID(mount_at("/sys/fs/cgroup", groups, nullptr, MS_BIND | MS_REC));
  NESTOR_TRY_VOID(mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  NESTOR_TRY_VOID(mount_at(groups.c_str(), "/sys/fs/cgroup", nullptr, MS_BIND | MS_REC));
  if (::umount2(groups.c_str(), MNT_DETACH) != 0) return system_failure("unmounting " + groups);
  return {};
}

/// A directory held open, so that it can be mounted again where it was once something covers it.
struct Kept {
  std::string path;
  UniqueFd fd;
};

Result<Kept> keep(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_failure("opening " + path);
  return Kept{path, std::move(fd)};
}

bool below(const std::string& path, const std::string& directory) {
  return path.starts_with(directory + "/");
}

Result<> bring_back(const Kept& kept) {
  if (!below(kept.path, "/var/lib") && !below(kept.path, "/run") && !below(kept.path, "/etc") &&
      !below(kept.path, "/opt")) {
    return {};
  }
  NESTOR_TRY_VOID(make_directory(kept.path));
  const std::string from = "/proc/self/fd/" + std::to_string(kept.fd.get());
  return mount_at(from.c_str(), kept.path, nullptr, MS_BIND | MS_REC);
}

/// Writes below `path` go to the state directory; what was there is seen through.
Result<> overlay(const Layout& layout, const std::string& path, const std::string& name) {
  if (!exists(path)) return {};
  const std::string upper = layout.root() + "/" + name;
  const std::string work = layout.root() + "/." + name + ".work";
  NESTOR_TRY_VOID(make_directory(upper));
  NESTOR_TRY_VOID(make_directory(work));
  const std::string data = fmt::format("lowerdir={},upperdir={},workdir={}", path, upper, work);
  return mount_at("overlay", path, "overlay", 0, data.c_str());
}

}  // namespace

Result<> make_mounts(const Layout& layout, const Config& config) {
  // Slaves, so that nothing made here reaches the host.
  NESTOR_TRY_VOID(mount_at(nullptr, "/", nullptr, MS_SLAVE | MS_REC));
  NESTOR_TRY(const Kept state, keep(layout.state_dir));
  NESTOR_TRY(const Kept assets, keep(config.assets));
  NESTOR_TRY_VOID(overlay(layout, "/etc", "etc"));
  NESTOR_TRY_VOID(overlay(layout, "/opt", "opt"));
  NESTOR_TRY_VOID(bind_mount(layout.kubernetes(), "/etc/kubernetes"));
  NESTOR_TRY_VOID(bind_mount(layout.cni(), "/etc/cni"));
  NESTOR_TRY_VOID(bind_mount(layout.root() + "/var-log", "/var/log"));
  NESTOR_TRY_VOID(bind_mount(layout.var_lib(), "/var/lib"));
  NESTOR_TRY_VOID(mount_at("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
  NESTOR_TRY_VOID(bring_back(state));
  NESTOR_TRY_VOID(bring_back(assets));
  NESTOR_TRY_VOID(make_proc());
  NESTOR_TRY_VOID(make_sys());
  // Shared among ourselves, so that pods can ask for mounts to be passed on. Last: the mounts
  // above would otherwise undo each other.
  return mount_at(nullptr, "/", nullptr, MS_SHARED | MS_REC);
}

Result<> make_network() {
  NESTOR_TRY_VOID(run_checked({.argv = {"ip", "-batch", "-"}, .input = network_commands()}));
  NESTOR_TRY_VOID(write_kernel("/proc/sys/net/ipv4/ip_forward", "1"));
  for (const char* name : {"bridge-nf-call-iptables", "bridge-nf-call-ip6tables"}) {
    const std::string path = std::string("/proc/sys/net/bridge/") + name;
    if (exists(path)) NESTOR_TRY_VOID(write_kernel(path, "1"));
  }
  return {};
}

Result<> make_files(const Config& config) {
  if (::sethostname(kNodeName, std::string_view(kNodeName).size()) != 0) {
    return system_failure("setting the host name");
  }
  NESTOR_TRY_VOID(write_text("/etc/hostname", std::string(kNodeName) + "\n"));
  NESTOR_TRY_VOID(write_text("/etc/hosts",
                             fmt::format("127.0.0.1 localhost\n{} {}\n", kNodeAddress, kNodeName)));
  // Nothing listens there, so a lookup fails at once. Not an address of 127.0.0.0/8: CoreDNS
  // inherits this file, would ask itself and give up with "loop detected".
  NESTOR_TRY_VOID(write_text("/etc/resolv.conf", fmt::format("nameserver {}\noptions timeout:1 "
                                                             "attempts:1\n",
                                                             kNodeAddress)));
  NESTOR_TRY_VOID(make_directory("/etc/cni/net.d", 0700));
  NESTOR_TRY_VOID(write_text("/etc/cni/net.d/10-nestor.conflist", cni_config()));
  NESTOR_TRY_VOID(make_directory("/var/lib/nestor-node"));
  NESTOR_TRY_VOID(make_directory("/var/lib/kubelet", 0750));
  NESTOR_TRY_VOID(make_directory("/run/nestor"));
  NESTOR_TRY_VOID(make_kvm_spec(config));
  const std::string kvm = exists(kKvmSpec) ? kvm_runtime_config(config) : "";
  NESTOR_TRY_VOID(write_text("/run/nestor/containerd.toml", containerd_config(config) + kvm));
  return write_text("/run/nestor/kubeadm.yaml", kubeadm_config(config), 0600);
}

}  // namespace nestor::node
