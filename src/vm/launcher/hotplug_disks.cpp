#include "vm/launcher/hotplug_disks.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include "base/log.hpp"
#include "kube/deadline.hpp"

namespace nestor::vm {
namespace {

/// A disk on virtio-scsi goes without the guest's consent, so this is long.
constexpr Duration kDeletedTimeout = std::chrono::seconds(20);

std::string node_name(int number) { return fmt::format("hot{}", number); }
std::string device_name(int number) { return fmt::format("hotdisk{}", number); }

bool same_file(int a, int b) {
  struct stat left{};
  struct stat right{};
  if (::fstat(a, &left) != 0 || ::fstat(b, &right) != 0) return false;
  if (S_ISBLK(left.st_mode) && S_ISBLK(right.st_mode)) return left.st_rdev == right.st_rdev;
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

JsonObject block_node(const HotDisk& disk, int number) {
  JsonObject file{{"driver", disk.block_device ? "host_device" : "file"},
                  {"filename", fmt::format("/dev/fdset/{}", number)},
                  {"read-only", disk.read_only}};
  if (!disk.read_only) file["discard"] = "unmap";
  return {{"driver", "raw"},
          {"node-name", node_name(number)},
          {"read-only", disk.read_only},
          {"discard", "unmap"},
          {"file", std::move(file)}};
}

JsonObject scsi_disk(const HotDisk& disk, int number) {
  // An error of one disk is the guest's to handle, and must not stop the whole machine. Linux tells
  // programs of a lack of room (ENOSPC) as what it is.
  JsonObject device{{"driver", "scsi-hd"},        {"id", device_name(number)}, {"bus", "scsi0.0"},
                    {"drive", node_name(number)}, {"share-rw", false},         {"rerror", "report"},
                    {"werror", "report"}};
  if (!disk.serial.empty()) {
    device["serial"] = disk.serial;
    // Otherwise QEMU takes 20 characters of the serial for the name under /dev/disk/by-id.
    device["device_id"] = disk.serial;
  }
  return device;
}

}  // namespace

/// Holds the right to change something, and gives it back.
class HotplugDisks::Lock {
 public:
  explicit Lock(HotplugDisks& disks) : disks_(disks) { disks_.busy_ = true; }
  ~Lock() {
    disks_.busy_ = false;
    disks_.changed_.notify();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  HotplugDisks& disks_;
};

Task<> HotplugDisks::enter() {
  while (busy_) NESTOR_CO_TRY_VOID(co_await changed_.wait());
  co_return Result<>{};
}

Task<> HotplugDisks::connect(QmpChannel& qmp) {
  NESTOR_CO_TRY_VOID(co_await enter());
  const Lock lock(*this);
  qmp_ = &qmp;
  Result<> first;
  for (auto& [name, held] : disks_) {
    held.number = 0;
    auto plugged = co_await plug(held);
    if (!plugged && first) first = with_context(std::move(plugged).error(), "volume " + name);
  }
  co_return first;
}

void HotplugDisks::disconnect() {
  qmp_ = nullptr;
  for (auto& [name, held] : disks_) held.number = 0;
  changed_.notify();
}

asio::awaitable<void> HotplugDisks::idle() {
  while (busy_) (void)co_await changed_.wait();
}

void HotplugDisks::take(const QmpEvent& event) {
  if (event.name == "DEVICE_DELETED") {
    deleted_.insert(std::string(find_string(event.data, {"device"})));
  } else if (event.name == "BLOCK_IO_ERROR") {
    const std::string_view node = find_string(event.data, {"node-name"});
    for (auto& [name, held] : disks_) {
      if (held.number == 0 || node_name(held.number) != node) continue;
      held.trouble =
          fmt::format("a {} of volume {} failed: {}", find_string(event.data, {"operation"}), name,
                      find_string(event.data, {"reason"}));
    }
  } else {
    return;
  }
  changed_.notify();
}

Task<> HotplugDisks::until_error(std::string name) {
  for (;;) {
    const auto found = disks_.find(name);
    if (found != disks_.end() && !found->second.trouble.empty()) {
      co_return fail(Code::kInternal, found->second.trouble);
    }
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
}

void HotplugDisks::forget_error(const std::string& name) {
  const auto found = disks_.find(name);
  if (found != disks_.end()) found->second.trouble.clear();
}

Task<Json> HotplugDisks::execute(std::string command, JsonObject arguments) {
  if (qmp_ == nullptr) co_return fail(Code::kUnavailable, "QEMU does not run");
  co_return co_await qmp_->execute(std::move(command), std::move(arguments));
}

Task<> HotplugDisks::plug(Held& held) {
  const int number = ++last_number_;
  JsonObject set{{"fdset-id", number}};
  if (qmp_ == nullptr) co_return fail(Code::kUnavailable, "QEMU does not run");
  NESTOR_CO_TRY_VOID(co_await qmp_->execute_with_fd("add-fd", set, held.disk.file.get()));
  auto done = co_await execute("blockdev-add", block_node(held.disk, number));
  if (done) {
    done = co_await execute("device_add", scsi_disk(held.disk, number));
    if (!done) (void)co_await execute("blockdev-del", {{"node-name", node_name(number)}});
  }
  if (!done) {
    (void)co_await execute("remove-fd", set);
    co_return std::unexpected(std::move(done).error());
  }
  held.number = number;
  co_return Result<>{};
}

Task<> HotplugDisks::attach(HotDisk disk) {
  for (;;) {
    NESTOR_CO_TRY_VOID(co_await enter());
    if (qmp_ != nullptr) break;
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
  const Lock lock(*this);
  const std::string name = disk.name;
  const auto found = disks_.find(name);
  if (found != disks_.end() && !same_file(found->second.disk.file.get(), disk.file.get())) {
    co_return fail(Code::kAlreadyExists, "another file is attached as volume " + name);
  }
  if (found != disks_.end() && found->second.number != 0) co_return Result<>{};
  Held held{.disk = std::move(disk)};
  NESTOR_CO_TRY_VOID(co_await plug(held));
  disks_.insert_or_assign(name, std::move(held));
  log::info(kHotplugComponent, "volume {} is plugged in", name);
  co_return Result<>{};
}

Task<> HotplugDisks::resize(std::string name, std::int64_t size) {
  NESTOR_CO_TRY_VOID(co_await enter());
  const Lock lock(*this);
  const auto found = disks_.find(name);
  if (found == disks_.end() || found->second.number == 0) {
    co_return fail(Code::kNotFound, "volume " + name + " is not attached");
  }
  JsonObject arguments{{"node-name", node_name(found->second.number)}, {"size", size}};
  NESTOR_CO_TRY_VOID(co_await execute("block_resize", std::move(arguments)));
  log::info(kHotplugComponent, "volume {} has {} bytes now", name, size);
  co_return Result<>{};
}

Task<> HotplugDisks::detach(std::string name) {
  NESTOR_CO_TRY_VOID(co_await enter());
  const Lock lock(*this);
  const auto found = disks_.find(name);
  if (found == disks_.end()) co_return Result<>{};
  // Without QEMU nobody but us has the file open.
  if (qmp_ != nullptr && found->second.number != 0) {
    auto done = co_await unplug(found->second);
    // QEMU that ended meanwhile has closed it too
    if (!done && qmp_ != nullptr) co_return done;
  }
  disks_.erase(name);
  log::info(kHotplugComponent, "volume {} is taken out", name);
  co_return Result<>{};
}

Task<> HotplugDisks::unplug(Held& held) {
  const int number = held.number;
  NESTOR_CO_TRY_VOID(co_await remove_device(number));
  auto removed = co_await execute("blockdev-del", {{"node-name", node_name(number)}});
  // An earlier try may have come this far already.
  const bool gone =
      !removed && removed.error().message.find("Failed to find node") != std::string::npos;
  if (!removed && !gone) co_return std::unexpected(std::move(removed).error());
  (void)co_await execute("remove-fd", {{"fdset-id", number}});
  held.number = 0;
  co_return Result<>{};
}

Task<> HotplugDisks::remove_device(int number) {
  const std::string id = device_name(number);
  auto asked = co_await execute("device_del", {{"id", id}});
  if (!asked && asked.error().code == Code::kNotFound) co_return Result<>{};
  const bool pending =
      !asked && asked.error().message.find("in the process of unplug") != std::string::npos;
  if (!asked && !pending) co_return std::unexpected(std::move(asked).error());
  const SteadyTime deadline = clock_.steady_now() + kDeletedTimeout;
  auto waited = co_await kube::before(clock_, deadline, wait_deleted(id));
  if (!waited) co_return with_context(std::move(waited).error(), "waiting for DEVICE_DELETED");
  deleted_.erase(id);
  co_return Result<>{};
}

Task<> HotplugDisks::wait_deleted(std::string id) {
  while (!deleted_.contains(id)) {
    if (qmp_ == nullptr) co_return fail(Code::kUnavailable, "QEMU ended");
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
  co_return Result<>{};
}

}  // namespace nestor::vm
