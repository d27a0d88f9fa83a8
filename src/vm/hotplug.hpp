#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/disk_claim.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/core/pod.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "vm/vm.hpp"

/// Volumes that come and go while a machine runs. A volume's claim is mounted by an attachment pod
/// of its own, which hands the open file to the launcher (docs/adr/0006-hotplug.md). Pure.
namespace nestor::vm {

/// The launcher pod's volume that holds its socket.
inline constexpr std::string_view kHotplugVolume = "hotplug";
/// Label "kubevirt.io" of attachment pods.
inline constexpr std::string_view kAttachmentKind = "hotplug-disk";
/// On an attachment pod: "true" asks it to take the disk out of the machine, and to end.
inline constexpr std::string_view kDetachAnnotation = "nestor.dev/detach";
/// On an attachment pod too: bytes of the disk.
using api::core::kVolumeSizeAnnotation;
/// On an attachment pod.
inline constexpr std::string_view kVolumeNameAnnotation = "nestor.dev/volume-name";
/// On an attachment pod: "true" when it is not the volume's first in this run of the machine.
inline constexpr std::string_view kAgainAnnotation = "nestor.dev/again";

/// A stable hash of `text` in `length` letters and digits that names may hold.
std::string hash_suffix(std::string_view text, int length);

/// One that the machine's spec asks for.
struct HotplugVolume {
  std::string name;
  std::string claim;
  std::string serial;
  bool read_only = false;
};
std::vector<HotplugVolume> hotplug_volumes(const api::kubevirt::VirtualMachineInstanceSpec& spec);

/// The one name that a volume's attachment pod in one run of a machine can have.
std::string attachment_pod_name(const kube::ObjectMeta& instance, const std::string& volume);

/// Whether the claim's disk may be given to that machine.
bool may_have(const std::string& machine, const api::core::PersistentVolumeClaim& claim);

/// Bytes. Errors: kInvalidArgument.
Result<std::int64_t> claim_size(const api::core::PersistentVolumeClaim& claim);

struct AttachmentPodInput {
  const api::kubevirt::VirtualMachineInstance& instance;
  const api::core::Pod& launcher;
  const HotplugVolume& volume;
  /// Without it the pod only takes the disk back: such a pod follows one that did not end well.
  const api::core::PersistentVolumeClaim* claim;
  /// An earlier pod may have handed the disk over already.
  bool again = false;
};
/// The pod that hands the volume to the launcher. Errors: kInvalidArgument.
Result<Json> attachment_pod(const AttachmentPodInput& input, const Options& options);

/// What is to be done about one volume.
enum class HotplugStep {
  kNothing,
  /// Make the attachment pod, or the one that only takes the volume back.
  kCreate,
  kCreateDetacher,
  /// Ask the pod to take the disk out.
  kAskDetach,
  /// Tell it the size.
  kResize,
  kDelete,
  /// The disk is out of the machine: the volume's status goes.
  kForget
};

/// What there is of one volume.
struct HotplugView {
  /// The spec asks for it (with the claim that is attached, if one is).
  bool wanted = false;
  /// The status tells of a pod that it had.
  bool known = false;
  const api::core::PersistentVolumeClaim* claim = nullptr;
  const api::core::Pod* pod = nullptr;
  /// The launcher's pod runs. Otherwise nobody has the disk.
  bool running = false;
};
HotplugStep hotplug_step(const HotplugView& view);

/// The volume's status after `view`.
api::kubevirt::VolumeStatus volume_status(const HotplugVolume& volume, const HotplugView& view);

/// The merge patch that gives a running instance the hot-plugged volumes and disks of its machine's
/// template, both as the API server holds them; none when it has them.
std::optional<Json> hotplug_patch(const Json& machine, const Json& instance);
/// Whether there is something to patch, from the caches.
bool hotplug_differs(const api::kubevirt::VirtualMachine& machine,
                     const api::kubevirt::VirtualMachineInstance& instance);

}  // namespace nestor::vm
