#include "storage/csi/node_host.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/blocking.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"

namespace nestor::storage {
namespace {

namespace fs = std::filesystem;

/// A file system of a large disk takes its time.
constexpr Duration kFormatTime = std::chrono::minutes(10);
/// blkid's exit code for a device with nothing on it; and for one that it could not open or read.
constexpr int kNothingFound = 2;
/// Addresses and lengths of direct reads. A multiple of every device's block.
constexpr std::size_t kAlignment = 4096;
constexpr std::int64_t kHead = 1 << 20;
constexpr std::int64_t kTail = 64 << 10;

std::unexpected<Error> failed(const std::string& what) {
  const Code code = errno == ENOENT ? Code::kNotFound : Code::kInternal;
  return fail(code, what + ": " + std::generic_category().message(errno));
}

std::string serial_of(const fs::path& block) {
  // virtio-blk has a file of its own; a SCSI disk has the page that its serial number came with.
  const std::string serial = read_file(block / "serial").value_or("");
  if (const auto own = trimmed(serial); !own.empty()) return std::string(own);
  return std::string(serial_in_vpd(read_file(block / "device/vpd_pg80").value_or("")));
}

Result<> make_target(const std::string& target, bool is_file) {
  std::error_code error;
  const fs::path folder = is_file ? fs::path(target).parent_path() : fs::path(target);
  fs::create_directories(folder, error);
  if (error) return fail(Code::kInternal, "making " + folder.string() + ": " + error.message());
  if (!is_file) return {};
  const UniqueFd file(::open(target.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0660));
  if (!file) return failed("making " + target);
  return {};
}

Result<> bind_now(const std::string& source, const std::string& target, bool is_file,
                  bool read_only) {
  NESTOR_TRY_VOID(make_target(target, is_file));
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return failed("binding " + source + " to " + target);
  }
  // A bind mount takes no other flags the first time.
  if (read_only &&
      ::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
    auto error = failed("making " + target + " read-only");
    ::umount2(target.c_str(), MNT_DETACH);
    return error;
  }
  return {};
}

Result<> mount_now(const std::string& device, const std::string& target, const std::string& fs_type,
                   const MountOptions& options) {
  const auto mounts = [&](unsigned long flags) {
    return ::mount(device.c_str(), target.c_str(), fs_type.c_str(), flags, options.data.c_str()) ==
           0;
  };
  if (mounts(options.flags)) return {};
  if (may_mount_read_only(errno, options.flags) && mounts(options.flags | MS_RDONLY)) return {};
  return failed("mounting " + device + " at " + target);
}

/// `size` bytes at `at`, a multiple of the alignment.
Result<std::string> read_direct(int fd, const std::string& path, std::int64_t at,
                                std::int64_t size) {
  const std::size_t wanted = static_cast<std::size_t>(size);
  const std::size_t room = (wanted + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<char, decltype(&std::free)> buffer(
      static_cast<char*>(std::aligned_alloc(kAlignment, room)), &std::free);
  const ssize_t count = ::pread(fd, buffer.get(), room, at);
  if (count < 0) return failed("reading " + path);
  // A file may have grown; what is missing is an error of the device's.
  if (static_cast<std::size_t>(count) < wanted) {
    return fail(Code::kInternal, "reading " + path + ": " + std::to_string(count) +
                                     " bytes came, " + std::to_string(size) + " should be there");
  }
  return std::string(buffer.get(), wanted);
}

Result<std::string> read_ends_of(int fd, const std::string& path) {
  const std::int64_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return failed("the size of " + path);
  if (size == 0) return fail(Code::kInternal, path + " has no bytes");
  NESTOR_TRY(std::string head, read_direct(fd, path, 0, std::min(size, kHead)));
  constexpr auto kBlock = static_cast<std::int64_t>(kAlignment);
  const std::int64_t tail = std::max<std::int64_t>(size - kTail, 0) / kBlock * kBlock;
  NESTOR_TRY_VOID(read_direct(fd, path, tail, size - tail));
  return head;
}

Result<> unmount_now(const std::string& target) {
  // One that was mounted twice is unmounted twice.
  while (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) {
  }
  if (errno != EINVAL && errno != ENOENT) return failed("unmounting " + target);
  std::error_code error;
  // Not recursively: if something is in it, it is not ours to delete.
  fs::remove(target, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(Code::kInternal, "removing " + target + ": " + error.message());
  }
  return {};
}

class SystemNodeHost final : public NodeHost {
 public:
  explicit SystemNodeHost(ProcessRunner& processes) : processes_(processes) {}

  std::optional<std::string> find_disk(std::string serial) override {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/sys/block", error)) {
      if (!serial_matches(serial_of(entry.path()), serial)) continue;
      return "/dev/" + entry.path().filename().string();
    }
    return std::nullopt;
  }

  Task<std::string> file_system(std::string device) override {
    NESTOR_CO_TRY(std::string found, co_await probe(device));
    if (!found.empty()) co_return found;
    // A disk that does not answer for a moment must not pass for a blank one, and be formatted.
    NESTOR_CO_TRY(const std::string head, co_await run_blocking([=] { return read_ends(device); }));
    NESTOR_CO_TRY(found, co_await probe(device));
    if (found.empty() && begins_with_file_system(head)) {
      co_return fail(Code::kInternal, device + " has a file system that blkid does not see");
    }
    co_return found;
  }

  Task<std::string> probe(std::string device) {
    ProcessSpec ask{{"blkid", "-p", "-o", "export", device}};
    NESTOR_CO_TRY(const ProcessOutput output, co_await processes_.run(ask));
    if (output.exit_code == kNothingFound) co_return std::string();
    if (output.exit_code != 0) {
      co_return fail(Code::kInternal, "blkid " + device + ": " + std::string(trimmed(output.err)));
    }
    co_return file_system_in(output.out);
  }

  Task<> format(std::string device, std::string fs_type) override {
    ProcessSpec spec{{"mkfs." + fs_type}};
    spec.timeout = kFormatTime;
    if (fs_type == "ext4") {
      // Nothing reserved for root, and the inode tables are written when the disk is idle.
      spec.argv.insert(spec.argv.end(), {"-q", "-F", "-m", "0", device});
    } else {
      // Without -f it looks for itself, and overwrites nothing that it knows.
      spec.argv.insert(spec.argv.end(), {"-q", device});
    }
    NESTOR_CO_TRY_VOID(co_await run_checked(processes_, spec));
    co_return Result<>{};
  }

  Task<> mount(std::string device, std::string target, std::string fs_type,
               std::vector<std::string> options) override {
    auto work = [=]() -> Result<> {
      NESTOR_TRY_VOID(make_target(target, false));
      return mount_now(device, target, fs_type, read_mount_options(options));
    };
    co_return co_await run_blocking(std::move(work));
  }

  Task<> bind(std::string source, std::string target, bool is_file, bool read_only) override {
    auto work = [=] { return bind_now(source, target, is_file, read_only); };
    co_return co_await run_blocking(std::move(work));
  }

  Task<> unmount(std::string target) override {
    auto work = [=] { return unmount_now(target); };
    co_return co_await run_blocking(std::move(work));
  }

  Result<std::optional<MountInfo>> mounted(std::string path) override {
    const std::string text = read_file("/proc/self/mountinfo").value_or("");
    if (text.empty()) return fail(Code::kInternal, "cannot read /proc/self/mountinfo");
    return find_mount(text, path);
  }

  bool exists(std::string path) override {
    std::error_code error;
    return fs::exists(path, error);
  }

  Result<std::string> device_of(std::string path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return failed(path);
    const dev_t device = S_ISBLK(info.st_mode) ? info.st_rdev : info.st_dev;
    const std::string link =
        "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
    std::error_code error;
    const fs::path block = fs::canonical(link, error);
    if (error) return fail(Code::kNotFound, path + " is not on a block device");
    return "/dev/" + block.filename().string();
  }

  bool is_device(std::string path) override {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode);
  }

  Result<std::int64_t> device_size(std::string device) override {
    const UniqueFd opened(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    std::uint64_t size = 0;
    if (!opened || ::ioctl(opened.get(), BLKGETSIZE64, &size) != 0) return failed(device);
    return static_cast<std::int64_t>(size);
  }

  Task<> grow(std::string device, std::string path, std::string fs_type) override {
    ProcessSpec spec;
    spec.argv = fs_type == "xfs" ? std::vector<std::string>{"xfs_growfs", path}
                                 : std::vector<std::string>{"resize2fs", device};
    spec.timeout = kFormatTime;
    NESTOR_CO_TRY_VOID(co_await run_checked(processes_, spec));
    co_return Result<>{};
  }

  Result<FileSystemUse> use_of(std::string path) override {
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) != 0) return failed(path);
    const auto bytes = [&](fsblkcnt_t blocks) {
      return static_cast<std::int64_t>(blocks * info.f_frsize);
    };
    FileSystemUse out;
    out.total_bytes = bytes(info.f_blocks);
    out.free_bytes = bytes(info.f_bavail);
    out.used_bytes = bytes(info.f_blocks - info.f_bfree);
    out.total_inodes = static_cast<std::int64_t>(info.f_files);
    out.free_inodes = static_cast<std::int64_t>(info.f_ffree);
    out.used_inodes = out.total_inodes - out.free_inodes;
    return out;
  }

 private:
  ProcessRunner& processes_;
};

}  // namespace

Result<std::string> read_ends(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  if (!file) return failed("opening " + path);
  return read_ends_of(file.get(), path);
}

std::unique_ptr<NodeHost> make_node_host(ProcessRunner& processes) {
  return std::make_unique<SystemNodeHost>(processes);
}

}  // namespace nestor::storage
