#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/signal.hpp"
#include "vm/launcher/fd_socket.hpp"
#include "vm/launcher/qmp.hpp"
#include "vm/launcher/qmp_client.hpp"

namespace nestor::vm {

/// In the log.
inline constexpr std::string_view kHotplugComponent = "vm.hotplug";

/// A disk that was handed over as an open file.
struct HotDisk {
  std::string name;
  /// Whole, up to 36 characters; the guest finds the disk by it.
  std::string serial = {};
  bool read_only = false;
  bool block_device = false;
  UniqueFd file = UniqueFd();
};

/// The disks that come and go while the machine runs, on its virtio-scsi controller. They are held
/// over a new start of QEMU. One change at a time. Thread: event loop.
class HotplugDisks {
 public:
  explicit HotplugDisks(Clock& clock) : clock_(clock) {}

  /// QEMU answers: plugs in all that is held. Errors: as of the first that failed.
  Task<> connect(QmpChannel& qmp);
  /// QEMU is ending; no command is sent any more. Then wait for idle() before `qmp` goes.
  void disconnect();
  asio::awaitable<void> idle();
  void take(const QmpEvent& event);

  /// Waits for QEMU, then plugs the disk in. The same file under the same name again is a success.
  /// Errors: kAlreadyExists (another file has that name), kInternal (QEMU's words), kAborted (a
  /// detach came first). After others QEMU may have the disk yet: attach again, or detach.
  Task<> attach(HotDisk disk);
  /// Tells the guest the new size. Bytes; a raw image grows to it. Errors: kNotFound.
  Task<> resize(std::string name, std::int64_t size);
  /// Returns once QEMU has closed the file. A disk that is not there is a success.
  /// Errors: kDeadlineExceeded, kInternal.
  Task<> detach(std::string name);
  /// Whether QEMU has that disk, may have it, or will be given it.
  bool holds(const std::string& name) const { return disks_.contains(name); }
  /// Waits until a read or write of that volume has failed. Never returns a success; errors:
  /// kInternal (why; again until forget_error), kCancelled.
  Task<> until_error(std::string name);
  /// Somebody has been told of all that has failed so far.
  void forget_error(const std::string& name);

 private:
  enum class State {
    kOut,
    kIn,
    /// Under way, or QEMU has not said how a command ended and may still carry it out.
    kInDoubt
  };
  struct Held {
    HotDisk disk;
    /// An attach has succeeded: a new QEMU gets it too.
    bool attached = false;
    State state = State::kOut;
    /// Names its file set, block node and device in QEMU, unless it is out.
    int number = 0;
    /// What failed and nobody has been told of; empty: nothing.
    std::string trouble = {};
  };
  using HeldPtr = std::shared_ptr<Held>;
  class Lock;
  Task<> enter();
  /// Waits until QEMU answers and nothing else is changed. Errors: kAborted (it was taken out).
  Task<> enter_with_qemu(HeldPtr held);
  Task<> plug(Held& held);
  Task<> add(const Held& held);
  /// Tolerates what is missing. Until it has succeeded the disk is in doubt.
  Task<> unplug(Held& held);
  Task<> remove_device(int number);
  Task<> remove_node(Held& held);
  Task<> wait_deleted(std::string id);
  Task<Json> execute(std::string command, JsonObject arguments);

  Clock& clock_;
  QmpChannel* qmp_ = nullptr;
  std::map<std::string, HeldPtr> disks_;
  std::set<std::string> deleted_;
  int last_number_ = 0;
  bool busy_ = false;
  Signal changed_;
};

}  // namespace nestor::vm
