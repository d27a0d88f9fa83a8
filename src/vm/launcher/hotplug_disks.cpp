#include "vm/launcher/hotplug_disks.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include "base/log.hpp"
#include "base/race.hpp"

namespace nestor::vm {
namespace {

/// A disk on virtio-scsi goes without the guest's consent, so this is long.
constexpr Duration kDeletedTimeout = std::chrono::seconds(20);

/// QEMU said so itself; after other errors it may carry the command out later.
bool is_answer(const Error& error) {
  return error.code != Code::kDeadlineExceeded && error.code != Code::kUnavailable &&
         error.code != Code::kCancelled;
}

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
    // One that waits for its first time is plugged in by its attach, which tells of errors.
    if (!held->attached) continue;
    auto plugged = co_await plug(*held);
    if (!plugged && first) first = with_context(std::move(plugged).error(), "volume " + name);
  }
  co_return first;
}

void HotplugDisks::disconnect() {
  qmp_ = nullptr;
  for (auto& [name, held] : disks_) held->state = State::kOut;
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
      if (held->state == State::kOut || node_name(held->number) != node) continue;
      held->trouble =
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
    if (found != disks_.end() && !found->second->trouble.empty()) {
      co_return fail(Code::kInternal, found->second->trouble);
    }
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
}

void HotplugDisks::forget_error(const std::string& name) {
  const auto found = disks_.find(name);
  if (found != disks_.end()) found->second->trouble.clear();
}

Task<Json> HotplugDisks::execute(std::string command, JsonObject arguments) {
  if (qmp_ == nullptr) co_return fail(Code::kUnavailable, "QEMU does not run");
  co_return co_await qmp_->execute(std::move(command), std::move(arguments));
}

Task<> HotplugDisks::add(const Held& held) {
  if (qmp_ == nullptr) co_return fail(Code::kUnavailable, "QEMU does not run");
  const int number = held.number;
  NESTOR_CO_TRY_VOID(
      co_await qmp_->execute_with_fd("add-fd", {{"fdset-id", number}}, held.disk.file.get()));
  NESTOR_CO_TRY_VOID(co_await execute("blockdev-add", block_node(held.disk, number)));
  NESTOR_CO_TRY_VOID(co_await execute("device_add", scsi_disk(held.disk, number)));
  co_return Result<>{};
}

Task<> HotplugDisks::plug(Held& held) {
  held.number = ++last_number_;
  held.state = State::kInDoubt;
  auto done = co_await add(held);
  if (qmp_ == nullptr) {
    held.state = State::kOut;
    co_return fail(Code::kUnavailable, "QEMU ended");
  }
  if (done) {
    held.state = State::kIn;
    held.attached = true;
  } else if (is_answer(done.error())) {
    // The device was not made; if the rest cannot be taken away, the disk stays in doubt.
    (void)co_await remove_node(held);
  }
  co_return done;
}

Task<> HotplugDisks::enter_with_qemu(HeldPtr held) {
  for (;;) {
    NESTOR_CO_TRY_VOID(co_await enter());
    const auto found = disks_.find(held->disk.name);
    if (found == disks_.end() || found->second != held) {
      co_return fail(Code::kAborted, "volume " + held->disk.name + " was taken out meanwhile");
    }
    if (qmp_ != nullptr) co_return Result<>{};
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
}

Task<> HotplugDisks::attach(HotDisk disk) {
  const std::string name = disk.name;
  // It is known from here on: a detach must find it, whatever this waits for.
  HeldPtr& place = disks_[name];
  if (!place) place = std::make_shared<Held>(Held{.disk = {.name = name}});
  const HeldPtr held = place;
  NESTOR_CO_TRY_VOID(co_await enter_with_qemu(held));
  const Lock lock(*this);
  if (held->state == State::kInDoubt) {
    NESTOR_CO_TRY_VOID(co_await unplug(*held));
    held->attached = false;
  }
  if (held->attached && !same_file(held->disk.file.get(), disk.file.get())) {
    co_return fail(Code::kAlreadyExists, "another file is attached as volume " + name);
  }
  if (held->state == State::kIn) co_return Result<>{};
  held->disk = std::move(disk);
  auto plugged = co_await plug(*held);
  if (plugged) log::info(kHotplugComponent, "volume {} is plugged in", name);
  if (!plugged && held->state == State::kOut && !held->attached) disks_.erase(name);
  co_return plugged;
}

Task<> HotplugDisks::resize(std::string name, std::int64_t size) {
  NESTOR_CO_TRY_VOID(co_await enter());
  const Lock lock(*this);
  const auto found = disks_.find(name);
  if (found == disks_.end() || found->second->state != State::kIn) {
    co_return fail(Code::kNotFound, "volume " + name + " is not attached");
  }
  JsonObject arguments{{"node-name", node_name(found->second->number)}, {"size", size}};
  NESTOR_CO_TRY_VOID(co_await execute("block_resize", std::move(arguments)));
  log::info(kHotplugComponent, "volume {} has {} bytes now", name, size);
  co_return Result<>{};
}

Task<> HotplugDisks::detach(std::string name) {
  NESTOR_CO_TRY_VOID(co_await enter());
  const Lock lock(*this);
  const auto found = disks_.find(name);
  if (found == disks_.end()) co_return Result<>{};
  const HeldPtr held = found->second;
  // Without QEMU nobody but us has the file open.
  if (qmp_ != nullptr && held->state != State::kOut) {
    auto done = co_await unplug(*held);
    // QEMU that ended meanwhile has closed it too
    if (!done && qmp_ != nullptr) co_return done;
  }
  disks_.erase(name);
  log::info(kHotplugComponent, "volume {} is taken out", name);
  co_return Result<>{};
}

Task<> HotplugDisks::unplug(Held& held) {
  held.state = State::kInDoubt;
  NESTOR_CO_TRY_VOID(co_await remove_device(held.number));
  NESTOR_CO_TRY_VOID(co_await remove_node(held));
  co_return Result<>{};
}

/// The block node and the file. QEMU carries commands out in their order: an answer to one of
/// these also says that no earlier one will come late.
Task<> HotplugDisks::remove_node(Held& held) {
  auto removed = co_await execute("blockdev-del", {{"node-name", node_name(held.number)}});
  // An earlier try may have come this far already.
  const bool gone =
      !removed && removed.error().message.find("Failed to find node") != std::string::npos;
  if (!removed && !gone) co_return std::unexpected(std::move(removed).error());
  auto closed = co_await execute("remove-fd", {{"fdset-id", held.number}});
  if (!closed && !is_answer(closed.error())) co_return std::unexpected(std::move(closed).error());
  held.state = State::kOut;
  co_return Result<>{};
}

Task<> HotplugDisks::remove_device(int number) {
  const std::string id = device_name(number);
  auto asked = co_await execute("device_del", {{"id", id}});
  if (!asked && asked.error().code == Code::kNotFound) {
    deleted_.erase(id);
    co_return Result<>{};
  }
  const bool pending =
      !asked && asked.error().message.find("in the process of unplug") != std::string::npos;
  if (!asked && !pending) co_return std::unexpected(std::move(asked).error());
  const SteadyTime deadline = clock_.steady_now() + kDeletedTimeout;
  auto waited = co_await before(clock_, deadline, wait_deleted(id));
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
