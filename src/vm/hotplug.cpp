#include "vm/hotplug.hpp"

#include <algorithm>
#include <cstdint>

#include "base/hash.hpp"
#include "base/json_convert.hpp"
#include "base/quantity.hpp"

namespace nestor::vm {
namespace {

using api::core::PersistentVolumeClaim;
using api::core::Pod;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::VirtualMachineInstanceSpec;
using api::kubevirt::VolumeStatus;

bool container_runs(const Pod& pod) {
  return !pod.status.containerStatuses.empty() &&
         find(pod.status.containerStatuses.front().state, {"running"}) != nullptr;
}

/// Why the container waits or ended: {reason, message}.
std::pair<std::string, std::string> attachment_trouble(const Pod& pod) {
  for (const auto& container : pod.status.containerStatuses) {
    // What the program itself said is worth more than that it will be tried again.
    const std::string said(find_string(container.lastState, {"terminated", "message"}));
    for (const char* state : {"waiting", "terminated"}) {
      const std::string reason(find_string(container.state, {state, "reason"}));
      if (reason.empty() || reason == "ContainerCreating" || reason == "Completed") continue;
      const std::string message(find_string(container.state, {state, "message"}));
      return {reason, said.empty() ? message : said};
    }
  }
  for (const auto& condition : pod.status.conditions) {
    if (condition.type == "PodScheduled" && condition.status == "False") {
      return {condition.reason, condition.message};
    }
  }
  return {};
}

bool mounts_claim(const Pod& pod) {
  return std::ranges::any_of(pod.spec.volumes, [](const Json& volume) {
    return find(volume, {"persistentVolumeClaim"}) != nullptr;
  });
}

/// Whether nobody can have had the disk before this pod starts.
bool is_first(const Pod& pod) {
  return mounts_claim(pod) && pod.metadata.annotation(kAgainAnnotation) != "true";
}

/// The machine has the disk, or had it, unless the pod of it never started.
HotplugStep step_to_detach(const HotplugView& view) {
  if (!view.running) return view.pod != nullptr ? HotplugStep::kDelete : HotplugStep::kForget;
  if (view.pod == nullptr) {
    return view.known ? HotplugStep::kCreateDetacher : HotplugStep::kNothing;
  }
  if (view.pod->metadata.deleting()) return HotplugStep::kNothing;
  if (view.pod->status.phase == "Succeeded") return HotplugStep::kForget;
  // From here on a pod that starts late takes the disk out instead of handing it over.
  if (view.pod->metadata.annotation(kDetachAnnotation) != "true") return HotplugStep::kAskDetach;
  if (view.pod->spec.nodeName.empty() && is_first(*view.pod)) return HotplugStep::kForget;
  if (container_runs(*view.pod)) return HotplugStep::kNothing;
  // A pod that needs nothing but to start will; another one may wait for its claim forever.
  const bool failed = view.pod->status.phase == "Failed";
  return failed || mounts_claim(*view.pod) ? HotplugStep::kDelete : HotplugStep::kNothing;
}

HotplugStep step_to_attach(const HotplugView& view) {
  if (view.pod == nullptr) {
    return view.running && view.claim != nullptr ? HotplugStep::kCreate : HotplugStep::kNothing;
  }
  if (!view.running) return HotplugStep::kDelete;
  if (view.pod->metadata.deleting()) return HotplugStep::kNothing;
  // Evicted, or asked to take the disk out before it was wanted again: a new one.
  const bool detaching = view.pod->metadata.annotation(kDetachAnnotation) == "true";
  if (api::core::finished(*view.pod)) return HotplugStep::kDelete;
  if (detaching) return container_runs(*view.pod) ? HotplugStep::kNothing : HotplugStep::kDelete;
  if (view.claim == nullptr) return HotplugStep::kNothing;
  const auto size = claim_size(*view.claim);
  const auto told = parse_quantity(view.pod->metadata.annotation(kVolumeSizeAnnotation));
  return size && told && *size > *told ? HotplugStep::kResize : HotplugStep::kNothing;
}

void put_claim(const PersistentVolumeClaim& claim, VolumeStatus& out) {
  auto& info = out.persistentVolumeClaimInfo;
  info->accessModes = claim.spec.accessModes;
  info->volumeMode = claim.spec.volumeMode;
  const auto& capacity = claim.status.capacity;
  info->capacity = {capacity.begin(), capacity.end()};
  info->requests.clear();
  const auto request = find_string(claim.spec.resources, {"requests", "storage"});
  if (!request.empty()) info->requests["storage"] = std::string(request);
}

/// The members of spec.volumes that are hot-plugged, and the disks of their names.
struct RawHotplug {
  JsonArray volumes;
  JsonArray disks;
  friend bool operator==(const RawHotplug&, const RawHotplug&) = default;
};

bool raw_hotplugged(const Json& volume) {
  for (const char* source : {"persistentVolumeClaim", "dataVolume"}) {
    const Json* flag = find(volume, {source, "hotpluggable"});
    if (flag != nullptr && flag->is_bool() && flag->get_bool()) return true;
  }
  return false;
}

JsonArray array_at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : JsonArray{};
}

/// Splits a spec's volumes and disks into those that stay and those that are hot-plugged.
void split(const Json& spec, RawHotplug& fixed, RawHotplug& hot) {
  std::vector<std::string> names;
  for (const Json& volume : array_at(spec, {"volumes"})) {
    const bool hotplugged = raw_hotplugged(volume);
    if (hotplugged) names.emplace_back(find_string(volume, {"name"}));
    (hotplugged ? hot : fixed).volumes.push_back(volume);
  }
  for (const Json& disk : array_at(spec, {"domain", "devices", "disks"})) {
    const bool hotplugged = std::ranges::count(names, find_string(disk, {"name"})) > 0;
    (hotplugged ? hot : fixed).disks.push_back(disk);
  }
}

Json spec_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find(object, path);
  return found != nullptr ? *found : Json(JsonObject{});
}

}  // namespace

std::string hash_suffix(std::string_view text, int length) {
  std::uint64_t hash = fnv1a64(text);
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < length; ++i, hash /= kAlphabet.size()) {
    out += kAlphabet[hash % kAlphabet.size()];
  }
  return out;
}

std::vector<HotplugVolume> hotplug_volumes(const VirtualMachineInstanceSpec& spec) {
  std::vector<HotplugVolume> out;
  for (const auto& volume : spec.volumes) {
    if (!api::kubevirt::is_hotplugged(volume)) continue;
    const auto& disks = spec.domain.devices.disks;
    const auto disk = std::ranges::find(disks, volume.name, &api::kubevirt::Disk::name);
    if (disk == disks.end()) continue;
    HotplugVolume one{volume.name, api::kubevirt::claim_of(volume), disk->serial, false};
    one.read_only =
        (disk->disk && disk->disk->readonly.value_or(false)) ||
        (volume.persistentVolumeClaim && volume.persistentVolumeClaim->readOnly.value_or(false));
    out.push_back(std::move(one));
  }
  return out;
}

std::string attachment_pod_name(const kube::ObjectMeta& instance, const std::string& volume) {
  return "hp-volume-" + hash_suffix(instance.uid + "/" + volume, 12);
}

bool may_have(const std::string& machine, const PersistentVolumeClaim& claim) {
  const auto found = claim.metadata.annotations.find(std::string(api::core::kHolderAnnotation));
  return found == claim.metadata.annotations.end() || found->second == machine;
}

Result<std::int64_t> claim_size(const PersistentVolumeClaim& claim) {
  std::string_view text = claim.metadata.annotation(kVolumeSizeAnnotation);
  const auto capacity = claim.status.capacity.find("storage");
  if (text.empty() && capacity != claim.status.capacity.end()) text = capacity->second;
  if (text.empty()) text = find_string(claim.spec.resources, {"requests", "storage"});
  return parse_quantity(text);
}

HotplugStep hotplug_step(const HotplugView& view) {
  return view.wanted ? step_to_attach(view) : step_to_detach(view);
}

VolumeStatus volume_status(const HotplugVolume& volume, const HotplugView& view) {
  VolumeStatus out;
  out.name = volume.name;
  out.persistentVolumeClaimInfo = api::kubevirt::PersistentVolumeClaimInfo{};
  out.persistentVolumeClaimInfo->claimName = volume.claim;
  if (view.claim != nullptr) put_claim(*view.claim, out);
  out.hotplugVolume = api::kubevirt::HotplugVolumeStatus{};
  if (view.pod != nullptr) {
    out.hotplugVolume->attachPodName = view.pod->metadata.name;
    out.hotplugVolume->attachPodUID = view.pod->metadata.uid;
  }
  const bool bound = view.claim != nullptr && view.claim->status.phase == "Bound";
  if (!view.wanted) {
    out.phase = "Detaching";
  } else if (view.claim == nullptr) {
    out.phase = "Pending";
    out.reason = "FailedPvcNotFound";
    out.message = "PVC " + volume.claim + " not found";
  } else if (view.pod == nullptr || view.pod->status.phase.empty()) {
    out.phase = bound ? "Bound" : "Pending";
    out.reason = "PVCNotReady";
    out.message = bound ? "the attachment pod is not there yet" : "PVC is not bound yet";
  } else if (api::core::ready(*view.pod) && !view.pod->metadata.deleting()) {
    out.phase = "Ready";
    out.reason = "VolumeReady";
    out.message = "Successfully attach hotplugged volume " + volume.name + " to VM";
  } else if (container_runs(*view.pod)) {
    out.phase = "MountedToPod";
    out.reason = "VolumeMountedToPod";
    out.message = "Volume " + volume.name + " has been mounted in its attachment pod";
  } else {
    out.phase = bound ? "AttachedToNode" : "Pending";
    std::tie(out.reason, out.message) = attachment_trouble(*view.pod);
    if (out.reason.empty()) {
      out.reason = "SuccessfulCreate";
      out.message = "Created hotplug attachment pod " + view.pod->metadata.name;
    }
  }
  return out;
}

std::optional<Json> hotplug_patch(const Json& machine, const Json& instance) {
  RawHotplug ignored;
  RawHotplug wanted;
  RawHotplug fixed;
  RawHotplug there;
  split(spec_at(machine, {"spec", "template", "spec"}), ignored, wanted);
  split(spec_at(instance, {"spec"}), fixed, there);
  if (wanted == there) return std::nullopt;
  for (Json& volume : wanted.volumes) fixed.volumes.push_back(std::move(volume));
  for (Json& disk : wanted.disks) fixed.disks.push_back(std::move(disk));
  JsonObject devices{{"disks", std::move(fixed.disks)}};
  JsonObject domain{{"devices", std::move(devices)}};
  JsonObject spec{{"volumes", std::move(fixed.volumes)}, {"domain", std::move(domain)}};
  JsonObject metadata{{"resourceVersion", find_string(instance, {"metadata", "resourceVersion"})}};
  return JsonObject{{"metadata", std::move(metadata)}, {"spec", std::move(spec)}};
}

bool hotplug_differs(const VirtualMachine& machine, const VirtualMachineInstance& instance) {
  const auto hot = [](const VirtualMachineInstanceSpec& spec) {
    std::vector<std::pair<api::kubevirt::Volume, api::kubevirt::Disk>> out;
    for (const auto& volume : spec.volumes) {
      if (!api::kubevirt::is_hotplugged(volume)) continue;
      const auto& disks = spec.domain.devices.disks;
      const auto disk = std::ranges::find(disks, volume.name, &api::kubevirt::Disk::name);
      out.emplace_back(volume, disk != disks.end() ? *disk : api::kubevirt::Disk{});
    }
    return out;
  };
  return hot(machine.spec.template_.spec) != hot(instance.spec);
}

}  // namespace nestor::vm
