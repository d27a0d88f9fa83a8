#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "storage/csi/node_host.hpp"

namespace nestor::storage::testing {

/// A node in memory: its disks, what is on them, and what is mounted where. Targets of mounts are
/// real folders.
class FakeNodeHost final : public NodeHost {
 public:
  struct Disk {
    std::int64_t size = 1LL << 30;
    std::string fs_type = {};
    std::int64_t fs_size = 0;
    /// Reads fail.
    bool unreadable = false;
  };
  /// By serial; its device is "/dev/fake-<serial>".
  std::map<std::string, Disk> disks;
  /// Disks that nobody declared are there too, blank, and have all the room that is asked for.
  bool any_disk = false;
  struct Mount {
    std::string device;
    std::string fs_type;
    bool read_only = false;
    std::vector<std::string> options;
  };
  std::map<std::string, Mount> mounts;
  int formats = 0;

  static std::string device_name(const std::string& serial) { return "/dev/fake-" + serial; }
  Disk& disk_of(const std::string& device) {
    return disks.at(device.substr(std::string_view("/dev/fake-").size()));
  }

  /// Disks that have got another device.
  std::map<std::string, std::string> moved;
  std::optional<std::string> find_disk(std::string serial) override {
    if (const auto now = moved.find(serial); now != moved.end()) return now->second;
    if (any_disk) disks.try_emplace(serial, Disk{.size = 1LL << 40});
    if (!disks.contains(serial)) return std::nullopt;
    return device_name(serial);
  }
  /// Called once a disk's file system was looked for.
  std::function<void()> after_probe;
  Task<std::string> file_system(std::string device) override {
    const Disk disk = disk_of(device);
    if (after_probe) after_probe();
    if (disk.unreadable) co_return fail(Code::kInternal, device + ": Input/output error");
    co_return disk.fs_type;
  }
  Task<> format(std::string device, std::string fs_type) override {
    ++formats;
    disk_of(device).fs_type = fs_type;
    disk_of(device).fs_size = disk_of(device).size;
    co_return Result<>{};
  }
  Task<> mount(std::string device, std::string target, std::string fs_type,
               std::vector<std::string> options) override {
    std::filesystem::create_directories(target);
    mounts[target] = {device, fs_type, false, options};
    co_return Result<>{};
  }
  Task<> bind(std::string source, std::string target, bool is_file, bool read_only) override {
    const auto from = mounts.find(source);
    Mount made = from != mounts.end() ? from->second : Mount{source, "devtmpfs", false, {}};
    made.read_only = read_only;
    std::filesystem::create_directories(is_file ? std::filesystem::path(target).parent_path()
                                                : std::filesystem::path(target));
    mounts[target] = made;
    co_return Result<>{};
  }
  Task<> unmount(std::string target) override {
    mounts.erase(target);
    std::error_code error;
    std::filesystem::remove(target, error);
    co_return Result<>{};
  }
  Result<std::optional<MountInfo>> mounted(std::string path) override {
    const auto found = mounts.find(path);
    if (found == mounts.end()) return std::optional<MountInfo>();
    return std::optional(MountInfo{found->second.device, found->second.fs_type});
  }
  bool exists(std::string path) override {
    std::error_code error;
    return mounts.contains(path) || std::filesystem::exists(path, error);
  }
  Result<std::string> device_of(std::string path) override {
    const auto found = mounts.find(path);
    if (found == mounts.end()) return fail(Code::kNotFound, path);
    return found->second.device;
  }
  bool is_device(std::string path) override {
    const auto found = mounts.find(path);
    return found != mounts.end() && found->second.fs_type == "devtmpfs";
  }
  Result<std::int64_t> device_size(std::string device) override {
    const auto found = mounts.find(device);
    return disk_of(found != mounts.end() ? found->second.device : device).size;
  }
  Task<> grow(std::string device, std::string, std::string) override {
    disk_of(device).fs_size = disk_of(device).size;
    co_return Result<>{};
  }
  Result<FileSystemUse> use_of(std::string path) override {
    FileSystemUse out;
    out.total_bytes = disk_of(mounts.at(path).device).fs_size;
    out.free_bytes = out.total_bytes;
    return out;
  }
};

}  // namespace nestor::storage::testing
