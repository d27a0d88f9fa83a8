#include "storage/volumes.hpp"

#include <algorithm>
#include <array>

#include "api/kubevirt/virtual_machine.hpp"
#include "base/json_convert.hpp"
#include "base/quantity.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolumeClaim;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using api::storage::StorageClass;

std::unexpected<Error> no_volume(const std::string& id) {
  return fail(Code::kNotFound, "there is no volume " + id);
}

bool is_block(const PersistentVolumeClaim& claim) { return claim.spec.volumeMode == "Block"; }
Result<> check_size(std::int64_t size) {
  if (size <= kMaxVolumeSize) return {};
  return fail(Code::kOutOfRange, "a volume has at most " + format_bytes(kMaxVolumeSize) + ", not " +
                                     std::to_string(size) + " bytes");
}

bool is_bound(const PersistentVolumeClaim& claim) { return claim.status.phase == "Bound"; }

/// Whether the instance's spec or status tells of the volume. What one that has ended was to have
/// nobody will give it any more.
bool has_volume(const VirtualMachineInstance& instance, const std::string& id) {
  const bool ended = api::kubevirt::is_final(instance.status.phase);
  return (!ended && std::ranges::any_of(instance.spec.volumes,
                                        [&](const auto& v) { return v.name == id; })) ||
         std::ranges::any_of(instance.status.volumeStatus,
                             [&](const auto& v) { return v.name == id; });
}

Progress plug_progress(const VirtualMachineInstance& instance, const std::string& id) {
  for (const auto& volume : instance.status.volumeStatus) {
    if (volume.name != id) continue;
    if (volume.phase == "Ready") return {.done = true};
    std::string text = "volume is " + volume.phase;
    if (!volume.message.empty()) text += ": " + volume.message;
    return {.done = false, .waiting = std::move(text), .trouble = !is_routine(volume.reason)};
  }
  return {.done = false, .waiting = "the machine has not got the volume yet"};
}

}  // namespace

bool is_routine(std::string_view reason) {
  constexpr std::array<std::string_view, 7> kRoutine{"",
                                                     "PVCNotReady",
                                                     "SuccessfulCreate",
                                                     "VolumeMountedToPod",
                                                     "VolumeReady",
                                                     "PodInitializing",
                                                     "ContainerCreating"};
  return std::ranges::find(kRoutine, reason) != kRoutine.end();
}

kube::Scope our_claims() {
  kube::Scope scope;
  scope.label_selector = std::string(kDriverLabel) + "=" + std::string(kDriver);
  return scope;
}

Task<Json> Volumes::get_or_null(kube::ResourceType type, kube::ObjectKey key) {
  auto found = co_await client_.get(type, std::move(key));
  if (!found && found.error().code == Code::kNotFound) co_return Json(nullptr);
  co_return found;
}

Task<Volumes::Claim> Volumes::owned_claim(Owner owner, std::string id) {
  // Names that no volume has are not even looked up.
  if (!id.starts_with(kVolumePrefix) || id.find('/') != std::string::npos) co_return no_volume(id);
  auto claim = co_await kube::get<Claim>(client_, {owner.cluster.ns, id});
  if (!claim && claim.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(claim).error());
  }
  if (!claim || !owns(owner, claim->metadata)) co_return no_volume(id);
  co_return std::move(*claim);
}

Task<Json> Volumes::owned_machine(Owner owner, std::string name) {
  if (name.empty() || name.find('/') != std::string::npos) co_return Json(nullptr);
  kube::ObjectKey key{owner.cluster.ns, name};
  NESTOR_CO_TRY(Json machine, co_await get_or_null(VirtualMachine::kType, key));
  if (machine.is_null()) co_return machine;
  const auto label = nestor::find(machine, {"metadata", "labels", kClusterNameLabel});
  if (label == nullptr || !label->is_string() || label->get_string() != owner.cluster.name) {
    co_return Json(nullptr);
  }
  co_return machine;
}

Task<> Volumes::check_class(std::string name) {
  if (name.empty()) co_return Result<>{};
  if (!allowed_classes_.empty() && !allowed_classes_.contains(name)) {
    co_return fail(Code::kPermissionDenied, "infraStorageClassName " + name + " is not allowed");
  }
  auto found = co_await client_.get(StorageClass::kType, {"", name});
  if (found) co_return Result<>{};
  if (found.error().code != Code::kNotFound) co_return std::unexpected(std::move(found).error());
  co_return fail(
      Code::kFailedPrecondition,
      "infraStorageClassName " + name + ": the management cluster has no such StorageClass");
}

Task<Volume> Volumes::ensure(Owner owner, VolumeSpec spec) {
  NESTOR_CO_TRY_VOID(check_size(spec.size));
  auto claim = co_await owned_claim(owner, spec.id);
  if (!claim && claim.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(claim).error());
  }
  if (!claim) {
    NESTOR_CO_TRY_VOID(co_await check_class(spec.infra_class));
    Json object = infra_claim(owner, spec);
    auto made = co_await client_.create(Claim::kType, owner.cluster.ns, std::move(object));
    if (!made && made.error().code != Code::kAlreadyExists) {
      co_return std::unexpected(std::move(made).error());
    }
    // Somebody was faster, or the name is another owner's.
    claim = co_await owned_claim(owner, spec.id);
    if (!claim && claim.error().code == Code::kNotFound) {
      co_return fail(Code::kAlreadyExists, "the name " + spec.id + " is taken");
    }
    if (!claim) co_return std::unexpected(std::move(claim).error());
  }
  NESTOR_CO_TRY(const std::int64_t size, volume_size(*claim));
  if (size != spec.size || is_shared(claim->spec.accessModes) != spec.shared) {
    co_return fail(Code::kAlreadyExists,
                   "volume " + spec.id + " is there already, with another size or access mode");
  }
  if (claim->metadata.deleting()) {
    co_return fail(Code::kAborted, "volume " + spec.id + " is being deleted");
  }
  co_return Volume{spec.id, claim->metadata.uid, size, is_provisioned(*claim)};
}

Task<Volume> Volumes::find(Owner owner, std::string id) {
  NESTOR_CO_TRY(const Claim claim, co_await owned_claim(std::move(owner), id));
  NESTOR_CO_TRY(const std::int64_t size, promised_size(claim));
  co_return Volume{std::move(id), claim.metadata.uid, size, is_provisioned(claim)};
}

Task<> Volumes::mark_provisioned(Owner owner, std::string id) {
  auto claim = co_await owned_claim(std::move(owner), std::move(id));
  if (!claim && claim.error().code == Code::kNotFound) co_return Result<>{};
  if (!claim) co_return std::unexpected(std::move(claim).error());
  if (is_provisioned(*claim)) co_return Result<>{};
  // Without the resourceVersion: the mark is never taken back, and nothing else depends on it.
  JsonObject metadata{{"uid", claim->metadata.uid},
                      {"annotations", JsonObject{{kProvisionedAnnotation, "true"}}}};
  Json body = JsonObject{{"metadata", std::move(metadata)}};
  auto done = co_await client_.patch(Claim::kType, claim->metadata.key(), kube::PatchType::kMerge,
                                     std::move(body));
  if (!done)
    co_return with_context(std::move(done).error(), "marking volume " + claim->metadata.name);
  co_return Result<>{};
}

Task<Progress> Volumes::remove(Owner owner, std::string id) {
  auto claim = co_await owned_claim(owner, id);
  if (!claim && claim.error().code == Code::kNotFound) co_return Progress{.done = true};
  if (!claim) co_return std::unexpected(std::move(claim).error());
  const std::string holder(claim->metadata.annotation(kHolderAnnotation));
  if (!holder.empty()) {
    NESTOR_CO_TRY(const bool free, co_await is_free_of(owner, id, holder));
    if (!free) {
      co_return fail(Code::kFailedPrecondition, "volume " + id + " is attached to " + holder);
    }
  }
  if (!claim->metadata.deleting()) {
    kube::DeleteOptions options;
    options.uid = claim->metadata.uid;
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(client_, Claim::kType, claim->metadata.key(), options));
    kube::ObjectKey key = claim->metadata.key();
    NESTOR_CO_TRY(const Json left, co_await get_or_null(Claim::kType, key));
    if (left.is_null()) co_return Progress{.done = true};
  }
  co_return Progress{.done = false, .waiting = "its claim is being deleted"};
}

Task<> Volumes::check_growth(std::string class_name) {
  // A claim without one may be given the default later.
  if (class_name.empty()) co_return Result<>{};
  NESTOR_CO_TRY(const auto type, co_await kube::get<StorageClass>(client_, {"", class_name}));
  if (type.allowVolumeExpansion.value_or(false)) co_return Result<>{};
  co_return fail(Code::kPermissionDenied, "StorageClass " + class_name +
                                              " of the management cluster has no "
                                              "allowVolumeExpansion");
}

Task<bool> Volumes::promise(Owner owner, std::string id, std::int64_t size) {
  NESTOR_CO_TRY_VOID(check_size(size));
  NESTOR_CO_TRY(const Claim claim, co_await owned_claim(std::move(owner), std::move(id)));
  if (is_bound(claim)) co_return false;
  NESTOR_CO_TRY(const std::int64_t promised, promised_size(claim));
  if (promised < size) {
    NESTOR_CO_TRY_VOID(co_await check_growth(claim.spec.storageClassName.value_or("")));
    NESTOR_CO_TRY_VOID(
        co_await annotate(claim, kRequestedSizeAnnotation, Json(std::to_string(size))));
  }
  co_return true;
}

Task<Progress> Volumes::expand(Owner owner, std::string id, std::int64_t size) {
  NESTOR_CO_TRY_VOID(check_size(size));
  NESTOR_CO_TRY(const Claim claim, co_await owned_claim(std::move(owner), std::move(id)));
  NESTOR_CO_TRY(const std::int64_t now, volume_size(claim));
  if (now < size && !is_bound(claim)) {
    co_return Progress{.done = false, .waiting = "no pod has had the volume yet"};
  }
  co_return co_await grow(claim, size);
}

Task<Progress> Volumes::grow(Claim claim, std::int64_t size) {
  NESTOR_CO_TRY(const std::int64_t now, volume_size(claim));
  if (now >= size) co_return Progress{.done = true};
  const std::int64_t wanted = infra_size(size, is_block(claim));
  NESTOR_CO_TRY(const std::int64_t asked, requested_size(claim));
  if (asked < wanted) {
    JsonObject requests{{"storage", std::to_string(wanted)}};
    JsonObject spec{{"resources", JsonObject{{"requests", std::move(requests)}}}};
    JsonObject metadata{{"resourceVersion", claim.metadata.resourceVersion}};
    Json body = JsonObject{{"metadata", std::move(metadata)}, {"spec", std::move(spec)}};
    auto done = co_await client_.patch(Claim::kType, claim.metadata.key(), kube::PatchType::kMerge,
                                       std::move(body));
    if (!done)
      co_return with_context(std::move(done).error(), "growing volume " + claim.metadata.name);
    co_return Progress{.done = false, .waiting = "the management cluster grows the volume"};
  }
  const auto capacity = claim.status.capacity.find("storage");
  if (capacity != claim.status.capacity.end()) {
    NESTOR_CO_TRY(const std::int64_t there, parse_quantity(capacity->second));
    if (there < wanted) {
      co_return Progress{.done = false, .waiting = "the management cluster grows the volume"};
    }
  }
  // Only now the disk: the attachment pod and QEMU follow this.
  NESTOR_CO_TRY_VOID(co_await annotate(claim, kVolumeSizeAnnotation, Json(std::to_string(size))));
  co_return Progress{.done = true};
}

Task<> Volumes::annotate(const Claim& claim, std::string_view annotation, Json value) {
  JsonObject metadata{{"resourceVersion", claim.metadata.resourceVersion},
                      {"annotations", JsonObject{{annotation, std::move(value)}}}};
  Json body = JsonObject{{"metadata", std::move(metadata)}};
  auto done = co_await client_.patch(Claim::kType, claim.metadata.key(), kube::PatchType::kMerge,
                                     std::move(body));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Result<>{};
}

Task<bool> Volumes::is_free_of(Owner owner, std::string id, std::string machine) {
  kube::ObjectKey key{owner.cluster.ns, std::move(machine)};
  // Asked live, and in this order: an instance goes before its machine does.
  NESTOR_CO_TRY(const Json vm, co_await get_or_null(VirtualMachine::kType, key));
  if (!vm.is_null() && remove_volume_patch(vm, id)) co_return false;
  NESTOR_CO_TRY(const Json vmi, co_await get_or_null(VirtualMachineInstance::kType, key));
  if (vmi.is_null()) co_return true;
  NESTOR_CO_TRY(const auto instance, from_json<VirtualMachineInstance>(vmi));
  co_return !has_volume(instance, id);
}

Task<> Volumes::take_hold(Owner owner, Claim claim, std::string machine) {
  const std::string holder(claim.metadata.annotation(kHolderAnnotation));
  if (holder == machine) co_return Result<>{};
  if (!holder.empty()) {
    NESTOR_CO_TRY(const bool free, co_await is_free_of(owner, claim.metadata.name, holder));
    if (!free) {
      co_return fail(Code::kFailedPrecondition, "the volume is attached to node " + holder);
    }
  }
  // The claim's resourceVersion makes this the one place where two machines cannot both win.
  co_return co_await annotate(claim, kHolderAnnotation, Json(machine));
}

Task<Progress> Volumes::attach(Owner owner, Attach what) {
  NESTOR_CO_TRY(const Claim claim, co_await owned_claim(owner, what.id));
  if (claim.metadata.deleting()) {
    co_return fail(Code::kFailedPrecondition, "volume " + what.id + " is being deleted");
  }
  NESTOR_CO_TRY(const Json machine, co_await owned_machine(owner, what.machine));
  if (machine.is_null()) {
    co_return fail(Code::kNotFound, "there is no machine for node " + what.machine);
  }
  if (!find_string(machine, {"metadata", "deletionTimestamp"}).empty()) {
    co_return fail(Code::kFailedPrecondition, "the machine of the node is being deleted");
  }
  if (!what.shared) NESTOR_CO_TRY_VOID(co_await take_hold(owner, claim, what.machine));
  kube::ObjectKey key{owner.cluster.ns, what.machine};
  auto patch = add_volume_patch(machine, what.id, claim.metadata.uid, what.bus, what.read_only);
  if (patch) {
    auto done = co_await client_.patch(VirtualMachine::kType, key, kube::PatchType::kMerge,
                                       std::move(*patch));
    if (!done) co_return with_context(std::move(done).error(), "adding the volume to the machine");
    co_return Progress{.done = false, .waiting = "the volume was added to the machine"};
  }
  NESTOR_CO_TRY(const Json vmi, co_await get_or_null(VirtualMachineInstance::kType, key));
  if (vmi.is_null()) co_return Progress{.done = false, .waiting = "the machine does not run"};
  NESTOR_CO_TRY(const auto instance, from_json<VirtualMachineInstance>(vmi));
  const Progress plugged = plug_progress(instance, what.id);
  if (!plugged.done) co_return plugged;
  // Read again: what is asked for may have changed until its claim was bound, and not after.
  NESTOR_CO_TRY(const Claim bound, co_await owned_claim(std::move(owner), what.id));
  NESTOR_CO_TRY(const std::int64_t promised, promised_size(bound));
  co_return co_await grow(bound, promised);
}

Task<Progress> Volumes::detach(Owner owner, std::string id, std::string machine) {
  kube::ObjectKey key{owner.cluster.ns, machine};
  NESTOR_CO_TRY(const Json vm, co_await owned_machine(owner, machine));
  if (!vm.is_null()) {
    if (auto patch = remove_volume_patch(vm, id); patch && id.starts_with(kVolumePrefix)) {
      auto done = co_await client_.patch(VirtualMachine::kType, key, kube::PatchType::kMerge,
                                         std::move(*patch));
      if (!done) {
        co_return with_context(std::move(done).error(), "taking the volume from the machine");
      }
      co_return Progress{.done = false, .waiting = "the volume was taken from the machine"};
    }
  }
  NESTOR_CO_TRY(const Json vmi, co_await get_or_null(VirtualMachineInstance::kType, key));
  if (!vmi.is_null() &&
      find_string(vmi, {"metadata", "labels", kClusterNameLabel}) == owner.cluster.name) {
    NESTOR_CO_TRY(const auto instance, from_json<VirtualMachineInstance>(vmi));
    if (has_volume(instance, id)) {
      // An instance whose machine is gone already: nobody else would take it out.
      auto patch = vm.is_null() ? remove_instance_volume_patch(vmi, id) : std::nullopt;
      if (patch) {
        auto done = co_await client_.patch(VirtualMachineInstance::kType, key,
                                           kube::PatchType::kMerge, std::move(*patch));
        if (!done) {
          co_return with_context(std::move(done).error(), "taking the volume from the instance");
        }
      }
      co_return Progress{.done = false, .waiting = "the machine still has the volume"};
    }
  }
  NESTOR_CO_TRY_VOID(co_await let_go(owner, std::move(id), std::move(machine)));
  co_return Progress{.done = true};
}

Task<> Volumes::let_go(Owner owner, std::string id, std::string machine) {
  auto claim = co_await owned_claim(std::move(owner), std::move(id));
  if (!claim && claim.error().code == Code::kNotFound) co_return Result<>{};
  if (!claim) co_return std::unexpected(std::move(claim).error());
  if (claim->metadata.annotation(kHolderAnnotation) != machine) co_return Result<>{};
  co_return co_await annotate(*claim, kHolderAnnotation, Json(""));
}

}  // namespace nestor::storage
