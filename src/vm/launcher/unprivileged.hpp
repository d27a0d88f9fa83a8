#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

/// QEMU runs as a plain user of the pod, without any capability: a guest that breaks out of it can
/// change neither the fence nor the launcher.
namespace nestor::vm {

/// User and group of QEMU, by KubeVirt's convention; container disks belong to them.
inline constexpr int kQemuUser = 107;

/// The command that runs `command` as that user. The launcher needs CAP_SETUID and CAP_SETGID, and
/// CAP_KILL to end it.
std::vector<std::string> as_qemu_user(const std::vector<std::string>& command);

/// Lets QEMU's group write a file or device node of ours. Needs no capability: the pod's
/// supplemental groups name that group. Errors: kInternal.
Result<> give_to_qemu(const std::string& path);

/// Lets QEMU open our standard output anew, as it does for the console's log.
void share_output();

/// An open queue of the tap device, close-on-exec, numbered 10 or more: QEMU may not open
/// /dev/net/tun itself. Errors: kInternal.
Result<UniqueFd> open_tap(std::string_view name);

}  // namespace nestor::vm
