#include "cli/node/kvm.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/json.hpp"
#include "base/log.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

constexpr const char* kDevice = "/dev/kvm";
/// QEMU's group in the machines' pods.
constexpr int kQemuGroup = 107;
constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kCodeAt = 0x1000;

/// Memory that ends with its scope.
class Mapping {
 public:
  Mapping(std::size_t size, int flags, int fd)
      : size_(size), at_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0)) {}
  ~Mapping() {
    if (at_ != MAP_FAILED) ::munmap(at_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  explicit operator bool() const { return at_ != MAP_FAILED; }
  void* get() const { return at_; }

 private:
  std::size_t size_;
  void* at_;
};

/// Runs one instruction, HLT, in a virtual machine of one page.
bool runs_a_guest(int kvm) {
  const UniqueFd machine(::ioctl(kvm, KVM_CREATE_VM, 0));
  if (!machine) return false;
  const Mapping code(kPage, MAP_SHARED | MAP_ANONYMOUS, -1);
  if (!code) return false;
  *static_cast<unsigned char*>(code.get()) = 0xf4;
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = kCodeAt;
  region.memory_size = kPage;
  region.userspace_addr = reinterpret_cast<std::uint64_t>(code.get());
  if (::ioctl(machine.get(), KVM_SET_USER_MEMORY_REGION, &region) != 0) return false;
  const UniqueFd cpu(::ioctl(machine.get(), KVM_CREATE_VCPU, 0));
  const int size = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (!cpu || size < static_cast<int>(sizeof(kvm_run))) return false;
  const Mapping shared(static_cast<std::size_t>(size), MAP_SHARED, cpu.get());
  if (!shared) return false;
  kvm_sregs segments{};
  if (::ioctl(cpu.get(), KVM_GET_SREGS, &segments) != 0) return false;
  segments.cs.base = 0;
  segments.cs.selector = 0;
  kvm_regs registers{};
  registers.rip = kCodeAt;
  registers.rflags = 2;
  return ::ioctl(cpu.get(), KVM_SET_SREGS, &segments) == 0 &&
         ::ioctl(cpu.get(), KVM_SET_REGS, &registers) == 0 && ::ioctl(cpu.get(), KVM_RUN, 0) == 0 &&
         static_cast<const kvm_run*>(shared.get())->exit_reason == KVM_EXIT_HLT;
}

}  // namespace

bool kvm_works() {
  const UniqueFd kvm(::open(kDevice, O_RDWR | O_CLOEXEC));
  return kvm && ::ioctl(kvm.get(), KVM_GET_API_VERSION, 0) == KVM_API_VERSION &&
         runs_a_guest(kvm.get());
}

Result<std::string> kvm_spec(std::string_view default_spec, unsigned major, unsigned minor) {
  NESTOR_TRY(Json spec, parse_json(default_spec));
  const Json* rules = find(spec, {"linux", "resources", "devices"});
  if (rules == nullptr || !rules->is_array()) {
    return fail(Code::kInvalidArgument, "containerd's default specification has no device rules");
  }
  JsonObject& linux_part = spec.as_object()["linux"].as_object();
  linux_part["resources"].as_object()["devices"].as_array().push_back(JsonObject{
      {"allow", true}, {"type", "c"}, {"major", major}, {"minor", minor}, {"access", "rwm"}});
  Json& devices = linux_part["devices"];
  if (!devices.is_array()) devices = JsonArray{};
  devices.as_array().push_back(JsonObject{{"path", kDevice},
                                          {"type", "c"},
                                          {"major", major},
                                          {"minor", minor},
                                          {"fileMode", 0660},
                                          {"uid", 0},
                                          {"gid", kQemuGroup}});
  return to_pretty_text(spec);
}

Result<> make_kvm_spec(const Config& config) {
  struct stat device{};
  if (::stat(kDevice, &device) != 0 || !S_ISCHR(device.st_mode) || !kvm_works()) {
    log::info("node.init", "no KVM on this machine: virtual machines are emulated");
    return {};
  }
  NESTOR_TRY(const std::string text, run_checked({.argv = {config.program("ctr"), "oci", "spec"}}));
  NESTOR_TRY(const std::string spec, kvm_spec(text, major(device.st_rdev), minor(device.st_rdev)));
  return write_text(kKvmSpec, spec);
}

std::string kvm_runtime_config(const Config& config) {
  return fmt::format(R"(
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.{name}]
runtime_type = "io.containerd.runc.v2"
base_runtime_spec = "{spec}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.{name}.options]
BinaryName = "{assets}/bin/runc"
SystemdCgroup = false
)",
                     fmt::arg("name", kKvmRuntime), fmt::arg("spec", kKvmSpec),
                     fmt::arg("assets", config.assets));
}

std::string kvm_runtime_class() {
  return fmt::format(
      "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: {0}\nhandler: {0}\n",
      kKvmRuntime);
}

}  // namespace nestor::node
