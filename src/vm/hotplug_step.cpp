#include "vm/hotplug_step.hpp"

#include <algorithm>

#include "vm/launcher_pod.hpp"

namespace nestor::vm {
namespace {

using api::core::PersistentVolumeClaim;
using api::core::Pod;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::VolumeStatus;

constexpr const char* kClaimIndex = "hotplug-claim";
constexpr const char* kInstanceIndex = "instance";

kube::Scope attachment_pods() {
  kube::Scope scope;
  scope.label_selector =
      std::string(api::kubevirt::kLabelKind) + "=" + std::string(kAttachmentKind);
  return scope;
}

bool launcher_runs(const Pod& pod) {
  if (api::core::finished(pod)) return false;
  return std::ranges::any_of(pod.status.containerStatuses, [](const auto& container) {
    return container.name == kComputeContainer && find(container.state, {"running"}) != nullptr;
  });
}

/// The volumes of the spec, and those that the status still tells of, as they are attached.
std::vector<HotplugVolume> all_volumes(const VirtualMachineInstance& instance) {
  std::vector<HotplugVolume> out = hotplug_volumes(instance.spec);
  for (const VolumeStatus& status : instance.status.volumeStatus) {
    if (!status.hotplugVolume) continue;
    if (std::ranges::count(out, status.name, &HotplugVolume::name) > 0) continue;
    const auto& info = status.persistentVolumeClaimInfo;
    out.push_back({status.name, info ? info->claimName : std::string(), "", false});
  }
  return out;
}

bool is_wanted(const api::kubevirt::VirtualMachineInstanceSpec& spec, const std::string& name) {
  return std::ranges::count(hotplug_volumes(spec), name, &HotplugVolume::name) > 0;
}

/// Whether a pod of it has been there before, which may have handed the disk over.
bool volume_had_pod(const VirtualMachineInstance& instance, const std::string& name) {
  for (const VolumeStatus& status : instance.status.volumeStatus) {
    if (status.name == name && status.hotplugVolume) {
      return !status.hotplugVolume->attachPodUID.empty();
    }
  }
  return false;
}

const VolumeStatus* status_of(const VirtualMachineInstance& instance, const std::string& name) {
  const auto& all = instance.status.volumeStatus;
  const auto found = std::ranges::find(all, name, &VolumeStatus::name);
  return found != all.end() ? &*found : nullptr;
}

}  // namespace

HotplugSteps::HotplugSteps(kube::Runtime& runtime, const Options& options)
    : runtime_(runtime),
      options_(options),
      pods_(runtime.informers().of<Pod>(attachment_pods())),
      claims_(runtime.informers().of<PersistentVolumeClaim>()) {
  pods_.add_index(kInstanceIndex, [](const Pod& pod) {
    return std::vector<std::string>{
        std::string(pod.metadata.label(api::kubevirt::kLabelCreatedBy))};
  });
}

std::vector<HotplugSteps::PodPtr> HotplugSteps::pods_of(
    const VirtualMachineInstance& instance) const {
  return pods_.by_index(kInstanceIndex, instance.metadata.uid);
}

bool HotplugSteps::any_pod(const VirtualMachineInstance& instance) const {
  return !pods_of(instance).empty();
}

Task<HotplugSteps::Outcome> HotplugSteps::run(InstancePtr instance, PodPtr launcher) {
  const bool running = launcher != nullptr && launcher_runs(*launcher);
  const bool ending = instance->metadata.deleting() || launcher == nullptr ||
                      launcher->metadata.deleting() || api::core::finished(*launcher);
  // A guest that starts or shuts down is left alone; it still needs its disks.
  if (ending == running) co_return Outcome{instance->status.volumeStatus, {}};
  // Those of the spec are the first of them.
  std::vector<HotplugVolume> volumes = all_volumes(*instance);
  for (const PodPtr& pod : pods_of(*instance)) {
    std::string name(pod->metadata.annotation(kVolumeNameAnnotation));
    if (std::ranges::count(volumes, name, &HotplugVolume::name) > 0) continue;
    volumes.push_back({std::move(name), "", "", false});
  }
  // What goes comes first: it may make room, in a quota of pods, for what is to come.
  const auto wanted = static_cast<std::ptrdiff_t>(hotplug_volumes(instance->spec).size());
  std::ranges::rotate(volumes, volumes.begin() + wanted);
  Outcome out;
  for (const HotplugVolume& volume : volumes) {
    std::optional<VolumeStatus> status;
    auto done = co_await run_one(instance, launcher, volume, ending, status);
    if (!done && done.error().code == Code::kCancelled) {
      co_return std::unexpected(std::move(done).error());
    }
    if (status) out.statuses.push_back(std::move(*status));
    if (!done && out.result) out.result = std::move(done);
  }
  co_return out;
}

Task<> HotplugSteps::run_one(InstancePtr instance, PodPtr launcher, HotplugVolume volume,
                             bool ending, std::optional<VolumeStatus>& out) {
  const kube::ObjectKey pod_key{instance->metadata.namespace_,
                                attachment_pod_name(instance->metadata, volume.name)};
  const VolumeStatus* before = status_of(*instance, volume.name);
  const auto& info = before ? before->persistentVolumeClaimInfo : std::nullopt;
  const bool other_claim = info && !info->claimName.empty() && info->claimName != volume.claim;
  if (other_claim) volume.claim = info->claimName;
  const auto claim = claims_.get({pod_key.ns, volume.claim});
  const PodPtr pod = pods_.get(pod_key);
  HotplugView view;
  view.running = !ending;
  view.wanted = !ending && !other_claim && is_wanted(instance->spec, volume.name) &&
                (!claim || may_have(instance->metadata.name, *claim));
  view.known = before && before->hotplugVolume && !before->hotplugVolume->attachPodName.empty();
  view.claim = claim.get();
  view.pod = pod.get();
  const HotplugStep step = hotplug_step(view);
  // The status names the pod before it is made, so that no disk is ever handed over unknown.
  const bool announce = step == HotplugStep::kCreate && !view.known;
  Result<> done;
  if (!announce) done = co_await act(instance, launcher, volume, view, step);
  const bool forgotten =
      step == HotplugStep::kForget || (!view.wanted && view.pod == nullptr && !view.known);
  if (done && forgotten) co_return done;
  VolumeStatus status = volume_status(volume, view);
  if (view.pod == nullptr && view.known) status.hotplugVolume = before->hotplugVolume;
  if (announce) status.hotplugVolume->attachPodName = pod_key.name;
  if (!done) {
    const bool create = step == HotplugStep::kCreate || step == HotplugStep::kCreateDetacher;
    status.reason = create ? "FailedCreate" : "FailedUpdate";
    status.message = done.error().message;
  }
  out = std::move(status);
  co_return done;
}

Task<> HotplugSteps::act(InstancePtr instance, PodPtr launcher, HotplugVolume volume,
                         HotplugView view, HotplugStep step) {
  if (step == HotplugStep::kCreate || step == HotplugStep::kCreateDetacher) {
    const auto* claim = step == HotplugStep::kCreate ? view.claim : nullptr;
    if (claim != nullptr) {
      // Asked live: another machine may have been given the disk since.
      auto now =
          co_await kube::get<PersistentVolumeClaim>(runtime_.client(), claim->metadata.key());
      if (!now) co_return std::unexpected(std::move(now).error());
      if (!may_have(instance->metadata.name, *now)) co_return Result<>{};
    }
    AttachmentPodInput input{*instance, *launcher, volume, claim,
                             volume_had_pod(*instance, volume.name)};
    NESTOR_CO_TRY(Json pod, attachment_pod(input, options_));
    auto created = co_await runtime_.client().create(Pod::kType, instance->metadata.namespace_,
                                                     std::move(pod));
    if (created) {
      runtime_.events().normal(*instance, "SuccessfulCreate",
                               "Created attachment pod of volume " + volume.name);
    } else if (created.error().code != Code::kAlreadyExists) {
      runtime_.events().warning(*instance, "FailedCreate", created.error().message);
      co_return with_context(std::move(created).error(), "attachment pod of " + volume.name);
    }
    co_return Result<>{};
  }
  if (view.pod == nullptr) co_return Result<>{};
  if (step == HotplugStep::kAskDetach)
    co_return co_await annotate(*view.pod, kDetachAnnotation, "true");
  if (step == HotplugStep::kResize) {
    NESTOR_CO_TRY(const std::int64_t size, claim_size(*view.claim));
    co_return co_await annotate(*view.pod, kVolumeSizeAnnotation, std::to_string(size));
  }
  if (step == HotplugStep::kDelete || step == HotplugStep::kForget) {
    if (view.pod->metadata.deleting()) co_return Result<>{};
    kube::DeleteOptions options;
    options.uid = view.pod->metadata.uid;
    co_return co_await kube::ensure_deleted(runtime_.client(), Pod::kType, view.pod->metadata.key(),
                                            options);
  }
  co_return Result<>{};
}

Task<> HotplugSteps::annotate(const Pod& pod, std::string_view annotation, std::string value) {
  JsonObject annotations{{annotation, value}};
  JsonObject metadata{{"uid", pod.metadata.uid}, {"annotations", std::move(annotations)}};
  Json body = JsonObject{{"metadata", std::move(metadata)}};
  auto done = co_await runtime_.client().patch(Pod::kType, pod.metadata.key(),
                                               kube::PatchType::kMerge, std::move(body));
  if (!done && done.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(done).error());
  }
  co_return Result<>{};
}

void HotplugSteps::watch(kube::Controller& controller) {
  auto instances = runtime_.informers().of<VirtualMachineInstance>();
  instances.add_index(kClaimIndex, [](const VirtualMachineInstance& instance) {
    std::vector<std::string> out;
    for (const HotplugVolume& volume : all_volumes(instance)) {
      out.push_back(instance.metadata.namespace_ + "/" + volume.claim);
    }
    return out;
  });
  controller.watch_owned(pods_, VirtualMachineInstance::kType);
  controller.watch_mapped<PersistentVolumeClaim>(
      claims_, [instances](const PersistentVolumeClaim& claim) {
        std::vector<kube::ObjectKey> keys;
        const std::string value = claim.metadata.namespace_ + "/" + claim.metadata.name;
        for (const auto& one : instances.by_index(kClaimIndex, value)) {
          keys.push_back(one->metadata.key());
        }
        return keys;
      });
}

}  // namespace nestor::vm
