#include "storage/provision_controller.hpp"

#include <algorithm>

#include "api/storage/volume_attachment.hpp"
#include "base/quantity.hpp"
#include "kube/pages.hpp"
#include "storage/growth.hpp"

namespace nestor::storage {
namespace {

using api::cluster::Cluster;
using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;
using api::storage::VolumeAttachment;
using tenant::TenantKey;

constexpr const char* kVolumeIndex = "csi-volume";
constexpr const char* kHandleIndex = "csi-handle";

kube::ObjectKey key_of(const kube::ObjectKey& cluster, std::string id) {
  return TenantKey{cluster, {"", std::move(id)}}.packed();
}

/// The ids under which a tenant's claim is looked for: that of the volume it is bound to or gets.
std::vector<std::string> ids_of(const PersistentVolumeClaim& claim) {
  if (!claim.spec.volumeName.empty()) return {claim.spec.volumeName};
  return {volume_id(claim.metadata)};
}

bool ours(const PersistentVolume& volume) {
  return volume.spec.csi && volume.spec.csi->driver == kDriver;
}

/// The handle of a volume of ours, which need not be its name.
std::vector<std::string> handles_of(const PersistentVolume& volume) {
  if (!ours(volume)) return {};
  return {volume.spec.csi->volumeHandle};
}

bool is_attached(tenant::Session& session, const std::string& volume) {
  const auto all = session.informers().of<VolumeAttachment>().list();
  return std::ranges::any_of(all, [&](const auto& attachment) {
    return attachment->spec.source.persistentVolumeName == volume;
  });
}

/// Whether the volume's data is to go now.
bool is_released(const PersistentVolume& volume) {
  if (volume.metadata.annotation(kProvisionedByAnnotation) != kDriver) return false;
  if (volume.spec.persistentVolumeReclaimPolicy != "Delete") return false;
  return volume.status.phase == "Released" || volume.status.phase == "Failed";
}

}  // namespace

ProvisionController::ProvisionController(kube::Runtime& runtime, tenant::Sessions& sessions,
                                         Options options)
    : runtime_(runtime),
      sessions_(sessions),
      volumes_(runtime.client(), std::move(options.allowed_classes)),
      claims_(runtime.informers().of<PersistentVolumeClaim>(our_claims())) {}

void ProvisionController::watch(kube::Controller& controller) {
  sessions_.add_index<PersistentVolumeClaim>(kVolumeIndex, ids_of);
  sessions_.add_index<PersistentVolume>(kHandleIndex, handles_of);
  sessions_.watch<PersistentVolumeClaim>(
      [&controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        if (old) controller.enqueue(key_of(cluster, ids_of(*old).front()));
        if (now) controller.enqueue(key_of(cluster, ids_of(*now).front()));
      });
  sessions_.watch<PersistentVolume>(
      [&controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        const auto& volume = now ? *now : *old;
        if (ours(volume)) controller.enqueue(key_of(cluster, volume.metadata.name));
      });
  // A volume is deleted once no node has it any more.
  sessions_.watch<VolumeAttachment>(
      [&controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        if (!now) controller.enqueue(key_of(cluster, old->spec.source.persistentVolumeName));
      });
  sessions_.watch<StorageClass>(
      [this, &controller](const kube::ObjectKey& cluster, const auto&, const auto& now) {
        const auto session = sessions_.find(cluster);
        if (!session || !now || now->provisioner != kDriver) return;
        for (const auto& claim : session->informers().of<PersistentVolumeClaim>().list()) {
          if (claim->spec.storageClassName.value_or("") != now->metadata.name) continue;
          controller.enqueue(key_of(cluster, ids_of(*claim).front()));
        }
      });
  controller.watch_mapped<PersistentVolumeClaim>(
      claims_, [this](const PersistentVolumeClaim& claim) { return keys_of(claim); });
  // A class that was missing here is there now: claims that failed for it are tried again.
  runtime_.informers().of<StorageClass>().subscribe(
      [this, &controller](const auto& old, const auto&) {
        if (!old) enqueue_waiting(controller);
      });
  // What happened while the tenant was away was told to nobody.
  sessions_.on_change([this, &controller](const kube::ObjectKey& cluster, bool connected) {
    const auto session = connected ? sessions_.find(cluster) : nullptr;
    if (!session) return;
    enqueue_waiting(controller, *session);
    for (const auto& volume : session->informers().of<PersistentVolume>().list()) {
      if (ours(*volume)) controller.enqueue(key_of(cluster, volume->metadata.name));
    }
    // Disks whose claims went before they had volumes.
    for (const auto& disk : claims_.list(cluster.ns)) {
      if (disk->metadata.label(kClusterNameLabel) != cluster.name || is_provisioned(*disk))
        continue;
      controller.enqueue(key_of(cluster, disk->metadata.name));
    }
  });
}

std::vector<kube::ObjectKey> ProvisionController::keys_of(const Claim& claim) const {
  const kube::ObjectKey cluster{claim.metadata.namespace_,
                                std::string(claim.metadata.label(kClusterNameLabel))};
  const std::string& id = claim.metadata.name;
  std::vector<kube::ObjectKey> out{key_of(cluster, id)};
  const auto session = sessions_.find(cluster);
  if (!session) return out;
  for (const auto& volume :
       session->informers().of<PersistentVolume>().by_index(kHandleIndex, id)) {
    if (volume->metadata.name != id) out.push_back(key_of(cluster, volume->metadata.name));
  }
  return out;
}

void ProvisionController::enqueue_waiting(kube::Controller& controller) {
  for (const auto& cluster : runtime_.informers().of<Cluster>().list()) {
    const auto session = sessions_.find(cluster->metadata.key());
    if (session) enqueue_waiting(controller, *session);
  }
}

void ProvisionController::enqueue_waiting(kube::Controller& controller, tenant::Session& session) {
  for (const auto& claim : session.informers().of<PersistentVolumeClaim>().list()) {
    if (!claim->spec.volumeName.empty()) continue;
    if (claim->metadata.annotation(kProvisionerAnnotation) != kDriver) continue;
    controller.enqueue(key_of(session.cluster(), volume_id(claim->metadata)));
  }
}

Owner ProvisionController::owner_of(const kube::ObjectKey& cluster) {
  Owner out{.cluster = cluster};
  const auto object = runtime_.informers().of<Cluster>().get(cluster);
  if (object) out.references = {kube::owner_reference(*object, false)};
  // The Cluster's deletion must not wait for its disks.
  for (auto& reference : out.references) reference.blockOwnerDeletion = false;
  return out;
}

Task<kube::ReconcileResult> ProvisionController::reconcile(kube::ObjectKey packed) {
  const auto key = TenantKey::unpack(packed);
  if (!key) co_return kube::ReconcileResult{};
  const SessionPtr session = sessions_.find(key->cluster);
  if (!session) co_return kube::ReconcileResult{};
  const std::string id = key->object.name;
  auto& informers = session->informers();
  const VolumePtr volume = informers.of<PersistentVolume>().get({"", id});
  const auto found = informers.of<PersistentVolumeClaim>().by_index(kVolumeIndex, id);
  const ClaimPtr claim = found.empty() ? nullptr : found.front();
  if (volume && ours(*volume)) {
    NESTOR_CO_TRY_VOID(co_await mark(session, volume->spec.csi->volumeHandle));
    if (is_released(*volume) || volume->metadata.deleting()) {
      NESTOR_CO_TRY_VOID(co_await release(session, volume));
    } else if (claim && claim->spec.volumeName == id) {
      NESTOR_CO_TRY_VOID(co_await grow(session, volume, claim));
    }
    co_return kube::ReconcileResult{};
  }
  if (volume) co_return kube::ReconcileResult{};
  if (claim) {
    const kube::ObjectKey class_key{"", claim->spec.storageClassName.value_or("")};
    const auto type = informers.of<StorageClass>().get(class_key);
    if (type && wants_volume(*claim, *type)) {
      NESTOR_CO_TRY_VOID(co_await provision(session, claim, type));
      co_return kube::ReconcileResult{};
    }
  }
  NESTOR_CO_TRY_VOID(co_await tidy(session, id));
  co_return kube::ReconcileResult{};
}

Task<> ProvisionController::provision(SessionPtr session, ClaimPtr claim,
                                      std::shared_ptr<const Class> type) {
  auto made = co_await make_volume(session, claim, type);
  if (made) {
    session->events().normal(*claim, "ProvisioningSucceeded",
                             "Successfully provisioned volume " + volume_id(claim->metadata));
    co_return made;
  }
  if (made.error().code == Code::kCancelled || made.error().code == Code::kAborted) co_return made;
  session->events().warning(*claim, "ProvisioningFailed",
                            "failed to provision volume with StorageClass \"" +
                                type->metadata.name + "\": " + made.error().message);
  co_return with_context(std::move(made).error(),
                         "volume for claim " + claim->metadata.key().to_string() + " of tenant " +
                             session->cluster().to_string());
}

Task<> ProvisionController::make_volume(SessionPtr session, ClaimPtr claim,
                                        std::shared_ptr<const Class> type) {
  NESTOR_CO_TRY(const VolumeSpec spec, volume_spec(*claim, *type));
  const Owner owner = owner_of(session->cluster());
  NESTOR_CO_TRY(const Volume volume, co_await volumes_.ensure(owner, spec));
  Json object = persistent_volume(*claim, *type, spec, volume.serial);
  auto created = co_await session->client().create(PersistentVolume::kType, "", std::move(object));
  if (!created && created.error().code != Code::kAlreadyExists) {
    co_return std::unexpected(std::move(created).error());
  }
  // If this gets lost, the volume itself keeps tidy() off and brings the mark.
  if (volume.provisioned) co_return Result<>{};
  co_return co_await volumes_.mark_provisioned(owner, spec.id);
}

Task<> ProvisionController::mark(SessionPtr session, std::string id) {
  const Owner owner{.cluster = session->cluster()};
  const auto claim = claims_.get({owner.cluster.ns, id});
  if (!claim || !owns(owner, claim->metadata) || is_provisioned(*claim)) co_return Result<>{};
  co_return co_await volumes_.mark_provisioned(owner, std::move(id));
}

Task<> ProvisionController::release(SessionPtr session, VolumePtr volume) {
  if (is_released(*volume)) {
    if (is_attached(*session, volume->metadata.name)) co_return Result<>{};
    const Owner owner = owner_of(session->cluster());
    std::string handle = volume->spec.csi->volumeHandle;
    auto removed = co_await volumes_.remove(owner, std::move(handle));
    if (!removed) {
      session->events().warning(*volume, "VolumeFailedDelete", removed.error().message);
      co_return std::unexpected(std::move(removed).error());
    }
    if (!removed->done) co_return Result<>{};
    kube::DeleteOptions options;
    options.uid = volume->metadata.uid;
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(session->client(), PersistentVolume::kType,
                                                     volume->metadata.key(), options));
  } else if (volume->status.phase == "Bound") {
    // Deleted while a claim uses it: pv-protection holds it, and then it is released.
    co_return Result<>{};
  }
  if (!volume->metadata.has_finalizer(kVolumeFinalizer)) co_return Result<>{};
  auto current = co_await kube::get<PersistentVolume>(session->client(), volume->metadata.key());
  if (!current && current.error().code == Code::kNotFound) co_return Result<>{};
  if (!current) co_return std::unexpected(std::move(current).error());
  PersistentVolume after = *current;
  std::erase(after.metadata.finalizers, kVolumeFinalizer);
  auto done = co_await kube::patch_changes(session->client(), *current, after);
  if (!done && done.error().code == Code::kNotFound) co_return Result<>{};
  co_return done;
}

Task<> ProvisionController::grow(SessionPtr session, VolumePtr volume, ClaimPtr claim) {
  const auto capacity = volume->spec.capacity.find("storage");
  if (capacity == volume->spec.capacity.end()) co_return Result<>{};
  NESTOR_CO_TRY(const std::int64_t wanted, requested_size(*claim));
  NESTOR_CO_TRY(const std::int64_t has, parse_quantity(capacity->second));
  const bool block = claim->spec.volumeMode == "Block";
  if (wanted > has) {
    NESTOR_CO_TRY_VOID(co_await report_growth(session, claim, wanted, false, block));
    std::string handle = volume->spec.csi->volumeHandle;
    const Owner owner = owner_of(session->cluster());
    auto grown = co_await volumes_.expand(owner, std::move(handle), wanted);
    if (!grown) {
      session->events().warning(*claim, "VolumeResizeFailed", grown.error().message);
      co_return std::unexpected(std::move(grown).error());
    }
    if (!grown->done) co_return Result<>{};
    PersistentVolume after = *volume;
    after.spec.capacity["storage"] = format_bytes(wanted);
    // The watch brings us back here for the rest.
    co_return co_await kube::patch_changes(session->client(), *volume, after);
  }
  const auto reported = claim->status.capacity.find("storage");
  if (claim->status.phase != "Bound" || reported == claim->status.capacity.end()) {
    co_return Result<>{};
  }
  NESTOR_CO_TRY(const std::int64_t shown, parse_quantity(reported->second));
  if (shown >= has) co_return Result<>{};
  co_return co_await report_growth(session, claim, has, true, block);
}

Task<> ProvisionController::report_growth(SessionPtr session, ClaimPtr claim, std::int64_t size,
                                          bool controller_done, bool block) {
  const GrowthStage stage = !controller_done ? GrowthStage::kController
                            : block          ? GrowthStage::kDone
                                             : GrowthStage::kNode;
  const std::string now = format_rfc3339(runtime_.clock().now());
  const auto after = with_growth(*claim, size, stage, now);
  if (after == *claim) co_return Result<>{};
  if (stage == GrowthStage::kDone) {
    session->events().normal(*claim, "VolumeResizeSuccessful", "Resize volume succeeded");
  }
  co_return co_await kube::patch_changes(session->client(), *claim, after);
}

Task<bool> ProvisionController::is_volume_of(SessionPtr session, std::string id) {
  // Page by page: how much there is is the tenant's choice.
  kube::PageReader pages(session->client(), PersistentVolume::kType, "", {});
  while (!pages.done()) {
    NESTOR_CO_TRY(const kube::ListPage page, co_await pages.next());
    for (const Json& item : page.items) {
      const bool driver = find_string(item, {"spec", "csi", "driver"}) == kDriver;
      const bool handle = driver && find_string(item, {"spec", "csi", "volumeHandle"}) == id;
      if (handle || find_string(item, {"metadata", "name"}) == id) co_return true;
    }
  }
  co_return false;
}

Task<> ProvisionController::tidy(SessionPtr session, std::string id) {
  const auto kept = claims_.get({session->cluster().ns, id});
  if (!kept || kept->metadata.label(kClusterNameLabel) != session->cluster().name ||
      is_provisioned(*kept)) {
    co_return Result<>{};
  }
  // Only what this controller made for a claim; and asked live, since caches may be late.
  const std::string claim(kept->metadata.annotation(kClaimAnnotation));
  const auto slash = claim.find('/');
  if (slash == std::string::npos) co_return Result<>{};
  NESTOR_CO_TRY(const bool is_volume, co_await is_volume_of(session, id));
  if (is_volume) co_return Result<>{};
  kube::ObjectKey key{claim.substr(0, slash), claim.substr(slash + 1)};
  auto there = co_await kube::get<PersistentVolumeClaim>(session->client(), key);
  if (!there && there.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(there).error());
  }
  const bool same = there && there->metadata.uid == kept->metadata.annotation(kClaimUidAnnotation);
  if (same && !there->metadata.deleting()) co_return Result<>{};
  const Owner owner = owner_of(session->cluster());
  // Last: a volume that came and went meanwhile has left its mark.
  auto now = co_await volumes_.find(owner, id);
  if (!now && now.error().code == Code::kNotFound) co_return Result<>{};
  if (!now) co_return std::unexpected(std::move(now).error());
  if (now->provisioned) co_return Result<>{};
  auto removed = co_await volumes_.remove(owner, std::move(id));
  if (!removed) co_return std::unexpected(std::move(removed).error());
  co_return Result<>{};
}

}  // namespace nestor::storage
