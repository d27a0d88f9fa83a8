#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "base/process.hpp"

/// What the node side of the driver needs of the machine that it runs on.
namespace nestor::storage {

struct FileSystemUse {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;
  std::int64_t used_bytes = 0;
  std::int64_t total_inodes = 0;
  std::int64_t free_inodes = 0;
  std::int64_t used_inodes = 0;
};

/// What is mounted at a path.
struct MountInfo {
  /// Of the mounted file system, e.g. "/dev/sda"; for a device that is bound to a file: "devtmpfs".
  std::string source;
  std::string fs_type;
};

/// Edge: tests use a fake. Paths are absolute.
class NodeHost {
 public:
  virtual ~NodeHost() = default;
  /// The device with that serial number, whole or (on virtio) its first 20 characters.
  virtual std::optional<std::string> find_disk(std::string serial) = 0;
  /// "ext4", "xfs", …; "" for a blank device: one that was read and holds nothing known.
  /// Errors: kInternal, also for a device that cannot be read.
  virtual Task<std::string> file_system(std::string device) = 0;
  virtual Task<> format(std::string device, std::string fs_type) = 0;
  /// Read-only when the device cannot be written to.
  virtual Task<> mount(std::string device, std::string target, std::string fs_type,
                       std::vector<std::string> options) = 0;
  /// Makes `target` show `source`, a folder or (`is_file`) a device; makes it if it is missing.
  virtual Task<> bind(std::string source, std::string target, bool is_file, bool read_only) = 0;
  /// Unmounts and removes `target`; nothing when it is not there.
  virtual Task<> unmount(std::string target) = 0;
  /// What is mounted exactly there.
  virtual Result<std::optional<MountInfo>> mounted(std::string path) = 0;
  virtual bool exists(std::string path) = 0;
  /// The block device that `path` is, or that its file system is on. Errors: kNotFound.
  virtual Result<std::string> device_of(std::string path) = 0;
  /// Whether `path` is a block device.
  virtual bool is_device(std::string path) = 0;
  /// Bytes.
  virtual Result<std::int64_t> device_size(std::string device) = 0;
  /// Lets the file system at `path` fill its device.
  virtual Task<> grow(std::string device, std::string path, std::string fs_type) = 0;
  virtual Result<FileSystemUse> use_of(std::string path) = 0;
};

std::unique_ptr<NodeHost> make_node_host(ProcessRunner& processes);

/// The last mount at `path` in the text of /proc/self/mountinfo. Source: proc(5).
std::optional<MountInfo> find_mount(std::string_view mountinfo, std::string_view path);

/// Mount options as mount(2) takes them: flags, and the rest as data.
struct MountOptions {
  unsigned long flags = 0;
  std::string data;
};
MountOptions read_mount_options(const std::vector<std::string>& options);
/// Whether mount(2) with `flags` that gave `error` may do better read-only. Source: what mount(8)
/// does.
bool may_mount_read_only(int error, unsigned long flags);

/// The file system that `blkid -o export` names; "unknown" when it found something else.
std::string file_system_in(const std::string& blkid_output);

/// Reads the first MiB and the last 64 KiB of a device or file past all caches: what begins there.
/// Errors: kInternal, also for fewer bytes than there should be, or none.
Result<std::string> read_ends(const std::string& path);
/// Whether a device that begins like this holds ext4 or xfs.
bool begins_with_file_system(std::string_view head);

/// Without the blanks and zero bytes that fill it up.
std::string_view trimmed(std::string_view text);
/// The serial number in page 0x80 of a SCSI disk's vital product data; "" without one.
std::string_view serial_in_vpd(std::string_view page);

/// Whether a device that reports `found` is the one with `serial`.
bool serial_matches(std::string_view found, std::string_view serial);

}  // namespace nestor::storage
