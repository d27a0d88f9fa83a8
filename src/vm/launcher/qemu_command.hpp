#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vm/size.hpp"

namespace nestor::vm {

enum class Accelerator { kKvm, kTcg };

/// A disk of the guest that exists as a file.
struct Drive {
  std::string name;
  std::string path;
  /// "qcow2" or "raw".
  std::string format;
  /// "virtio", "scsi" or "sata".
  std::string bus = "virtio";
  std::string serial = {};
  bool read_only = false;
  /// Content that dies with the pod: flushes need not reach the disk.
  bool ephemeral = false;
  std::optional<std::int64_t> boot_order = {};
};

/// A network card on a tap device.
struct Nic {
  /// Number, in the child, of the open device.
  int tap_fd = 4;
  std::string mac;
  int mtu = 1500;
};

struct DirectBoot {
  std::string kernel;
  std::string initrd = {};
  std::string command_line = {};
};

/// All that QEMU is told about one machine.
struct QemuConfig {
  std::string name;
  std::string uuid;
  Accelerator accelerator = Accelerator::kTcg;
  CpuTopology cpu = {};
  /// As in the API; "" for the default.
  std::string cpu_model = {};
  std::int64_t memory_bytes = 0;
  std::vector<Drive> drives = {};
  std::vector<Nic> nics = {};
  std::optional<DirectBoot> boot = {};
  /// Number, in the child, of a connected socket for QMP.
  int qmp_fd = 3;
  std::string console_socket;
};

/// The command that runs the machine, program first. A virtio-scsi controller is always there, for
/// disks that come later. The serial console is a socket, copied to standard output.
std::vector<std::string> qemu_command(const QemuConfig& config);

/// The machine's stable UUID: a name-based one (RFC 4122, version 5) of "ns/name".
std::string machine_uuid(const std::string& ns, const std::string& name);

}  // namespace nestor::vm
