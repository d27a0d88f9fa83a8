#include "vm/launcher/unprivileged.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace nestor::vm {
namespace {

std::unexpected<Error> system_failure(const std::string& what) {
  return fail(Code::kInternal, what + ": " + std::generic_category().message(errno));
}

}  // namespace

std::vector<std::string> as_qemu_user(const std::vector<std::string>& command) {
  std::vector<std::string> out{"setpriv",
                               fmt::format("--reuid={}", kQemuUser),
                               fmt::format("--regid={}", kQemuUser),
                               "--clear-groups",
                               "--no-new-privs",
                               "--"};
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

Result<> give_to_qemu(const std::string& path) {
  if (::chown(path.c_str(), static_cast<uid_t>(-1), kQemuUser) != 0 ||
      ::chmod(path.c_str(), 0660) != 0) {
    return system_failure("giving " + path + " to QEMU");
  }
  return {};
}

void share_output() {
  // A pipe from the container runtime, which belongs to our user. If it is anything else, QEMU says
  // that it cannot open it.
  (void)::fchmod(STDOUT_FILENO, 0622);
}

Result<UniqueFd> open_tap(std::string_view name) {
  const UniqueFd opened(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!opened) return system_failure("opening /dev/net/tun");
  // above the numbers that files get in the child
  UniqueFd fd(::fcntl(opened.get(), F_DUPFD_CLOEXEC, 10));
  if (!fd) return system_failure("duplicating a descriptor");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return system_failure("opening " + std::string(name));
  }
  return fd;
}

}  // namespace nestor::vm
