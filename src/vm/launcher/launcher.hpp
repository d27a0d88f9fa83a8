#pragma once

#include <string_view>

/// The program inside a machine's pod: readies network and disks, runs QEMU, ends with it.
namespace nestor::vm {

/// Holds the VirtualMachineInstance as JSON.
inline constexpr std::string_view kMachineVariable = "NESTOR_MACHINE";
/// One folder a containerDisk volume: the image's files.
inline constexpr std::string_view kDisksFolder = "/run/nestor/disks";
/// One folder a cloud-init volume: the keys of its Secret.
inline constexpr std::string_view kCloudInitFolder = "/run/nestor/cloudinit";
/// Writable, as old as the pod: overlays, seed, sockets.
inline constexpr std::string_view kStateFolder = "/var/lib/nestor";
/// The serial console, as a UNIX socket inside the pod.
inline constexpr std::string_view kConsoleSocket = "/var/lib/nestor/console.sock";

/// Runs the machine to its end. Returns the exit code: 0 when the guest shut down or was asked to,
/// 1 when something failed (why is in the log and in /dev/termination-log).
int launcher_main();

}  // namespace nestor::vm
