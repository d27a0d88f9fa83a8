#include "storage/attach_controller.hpp"

#include <algorithm>

#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "base/log.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using api::storage::VolumeAttachment;
using api::storage::VolumeError;
using tenant::TenantKey;

// Of a tenant's VolumeAttachments that are this driver's.
constexpr const char* kNodeIndex = "node";
constexpr const char* kAttachedHandle = "handle";
constexpr const char* kAttachedVolume = "volume";
/// Of the claims that are volumes: by the machine that holds them.
constexpr const char* kHolderIndex = "storage.holder";
/// To attach what could not be, should no watch have told of it.
constexpr Duration kTryAgain = std::chrono::minutes(5);

std::vector<std::string> if_ours(const VolumeAttachment& attachment, std::string_view value) {
  if (attachment.spec.attacher != kDriver || value.empty()) return {};
  return {std::string(value)};
}

std::string bus_of(const PersistentVolume& volume) {
  const auto& attributes = volume.spec.csi->volumeAttributes;
  const auto found = attributes.find(std::string(kBusAttribute));
  // Whatever a person wrote there: these are what machines know.
  return found != attributes.end() && found->second == "virtio" ? "virtio"
                                                                : std::string(kDefaultBus);
}

bool is_done(const VolumeAttachment& attachment) {
  return !attachment.metadata.deleting() && attachment.status.attached.value_or(false);
}

/// Whether it fails for what the tenant wrote, or waits for what a watch tells of: nothing for the
/// log of an operator.
bool is_the_tenants(const Error& error) {
  return error.code == Code::kNotFound || error.code == Code::kFailedPrecondition;
}

/// The time moves only with the message: a write for each try would wake us for the next.
VolumeError error_of(const std::optional<VolumeError>& before, const std::string& message,
                     WallTime now) {
  const bool same = before && before->message == message;
  return same ? *before : VolumeError{format_rfc3339(now), message};
}

}  // namespace

AttachController::AttachController(kube::Runtime& runtime, tenant::Sessions& sessions)
    : runtime_(runtime), sessions_(sessions), volumes_(runtime.client()) {}

void AttachController::watch(kube::Controller& controller) {
  sessions_.add_index<VolumeAttachment>(kNodeIndex, [](const VolumeAttachment& attachment) {
    return if_ours(attachment, attachment.spec.nodeName);
  });
  sessions_.add_index<VolumeAttachment>(kAttachedHandle, [](const VolumeAttachment& attachment) {
    return if_ours(attachment, attachment.metadata.annotation(kHandleAnnotation));
  });
  sessions_.add_index<VolumeAttachment>(kAttachedVolume, [](const VolumeAttachment& attachment) {
    return if_ours(attachment, attachment.spec.source.persistentVolumeName);
  });
  sessions_.watch<VolumeAttachment>(
      [&controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        const auto& attachment = now ? *now : *old;
        if (attachment.spec.attacher != kDriver) return;
        controller.enqueue(TenantKey{cluster, attachment.metadata.key()}.packed());
      });
  sessions_.watch<PersistentVolume>(
      [this, &controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        if (!old) enqueue(controller, cluster, kAttachedVolume, now->metadata.name);
      });
  // What is plugged in shows in instances; a machine that goes frees its disks.
  auto instances = runtime_.informers().of<VirtualMachineInstance>();
  instances.subscribe([this, &controller](const auto& old, const auto& now) {
    const bool same = old && now && old->status.volumeStatus == now->status.volumeStatus &&
                      old->spec.volumes == now->spec.volumes;
    if (same) return;
    std::set<std::string> volumes;
    for (const auto& one : {old, now}) {
      if (!one) continue;
      for (const auto& volume : one->spec.volumes) volumes.insert(volume.name);
      for (const auto& volume : one->status.volumeStatus) volumes.insert(volume.name);
    }
    machine_changed(controller, (now ? now : old)->metadata, std::move(volumes));
    if (now) tell_trouble(old.get(), *now);
  });
  auto machines = runtime_.informers().of<VirtualMachine>();
  machines.subscribe([this, &controller](const auto& old, const auto& now) {
    const bool same =
        old && now && old->spec.template_.spec.volumes == now->spec.template_.spec.volumes;
    if (same) return;
    std::set<std::string> volumes;
    for (const auto& one : {old, now}) {
      if (!one) continue;
      for (const auto& volume : one->spec.template_.spec.volumes) volumes.insert(volume.name);
    }
    machine_changed(controller, (now ? now : old)->metadata, std::move(volumes));
  });
  // A volume that one machine let go is free for another.
  auto claims = runtime_.informers().of<PersistentVolumeClaim>(our_claims());
  claims.add_index(kHolderIndex, [](const PersistentVolumeClaim& claim) {
    std::vector<std::string> out;
    const std::string holder(claim.metadata.annotation(kHolderAnnotation));
    if (!holder.empty()) out.push_back(claim.metadata.namespace_ + "/" + holder);
    return out;
  });
  claims.subscribe([this, &controller](const auto&, const auto& now) {
    if (now) enqueue(controller, cluster_of(now->metadata), kAttachedHandle, now->metadata.name);
  });
  // What happened while the tenant was away was told to nobody.
  sessions_.on_change([this, &controller](const kube::ObjectKey& cluster, bool connected) {
    const auto session = connected ? sessions_.find(cluster) : nullptr;
    if (!session) return;
    for (const auto& one : session->informers().of<VolumeAttachment>().list()) {
      if (one->spec.attacher != kDriver || is_done(*one)) continue;
      controller.enqueue(TenantKey{cluster, one->metadata.key()}.packed());
    }
  });
}

kube::ObjectKey AttachController::cluster_of(const kube::ObjectMeta& object) {
  return {object.namespace_, std::string(object.label(kClusterNameLabel))};
}

void AttachController::enqueue(kube::Controller& controller, const kube::ObjectKey& cluster,
                               const char* index, const std::string& value) {
  const auto session = cluster.name.empty() ? nullptr : sessions_.find(cluster);
  if (!session) return;
  for (const auto& one : session->informers().of<VolumeAttachment>().by_index(index, value)) {
    controller.enqueue(TenantKey{cluster, one->metadata.key()}.packed());
  }
}

void AttachController::machine_changed(kube::Controller& controller,
                                       const kube::ObjectMeta& machine,
                                       std::set<std::string> volumes) {
  auto claims = runtime_.informers().of<PersistentVolumeClaim>(our_claims());
  for (const auto& held : claims.by_index(kHolderIndex, machine.key().to_string())) {
    volumes.insert(held->metadata.name);
  }
  const kube::ObjectKey cluster = cluster_of(machine);
  enqueue(controller, cluster, kNodeIndex, machine.name);
  for (const auto& volume : volumes) enqueue(controller, cluster, kAttachedHandle, volume);
}

void AttachController::tell_trouble(const Instance* before, const Instance& now) {
  const kube::ObjectKey cluster = cluster_of(now.metadata);
  const auto session = cluster.name.empty() ? nullptr : sessions_.find(cluster);
  if (!session) return;
  auto& informers = session->informers();
  for (const auto& volume : now.status.volumeStatus) {
    const bool told =
        before != nullptr && std::ranges::any_of(before->status.volumeStatus, [&](const auto& one) {
          return one.name == volume.name && one.message == volume.message;
        });
    if (told || volume.phase == "Ready" || is_routine(volume.reason)) continue;
    const auto attachments = informers.of<VolumeAttachment>().list();
    const bool in_use = std::ranges::any_of(attachments, [&](const auto& one) {
      return one->spec.nodeName == now.metadata.name && one->status.attached.value_or(false) &&
             one->spec.source.persistentVolumeName == volume.name;
    });
    const auto object = informers.of<PersistentVolume>().get({"", volume.name});
    if (!in_use || !object || !object->spec.claimRef) continue;
    const auto& ref = *object->spec.claimRef;
    const auto claim = informers.of<PersistentVolumeClaim>().get({ref.namespace_, ref.name});
    // The reason that upstream's volume health monitor uses.
    if (claim) session->events().warning(*claim, "VolumeConditionAbnormal", volume.message);
  }
}

std::string AttachController::handle_of(tenant::Session& session,
                                        const VolumeAttachment& attachment) const {
  const std::string kept(attachment.metadata.annotation(kHandleAnnotation));
  if (!kept.empty()) return kept;
  const std::string& name = attachment.spec.source.persistentVolumeName;
  const auto volume = session.informers().of<PersistentVolume>().get({"", name});
  return volume && volume->spec.csi ? volume->spec.csi->volumeHandle : name;
}

Task<kube::ReconcileResult> AttachController::reconcile(kube::ObjectKey packed) {
  const auto key = TenantKey::unpack(packed);
  if (!key) co_return kube::ReconcileResult{};
  const SessionPtr session = sessions_.find(key->cluster);
  if (!session) co_return kube::ReconcileResult{};
  const AttachmentPtr attachment = session->informers().of<VolumeAttachment>().get(key->object);
  if (!attachment || attachment->spec.attacher != kDriver) co_return kube::ReconcileResult{};
  if (is_done(*attachment)) co_return kube::ReconcileResult{};
  if (!attachment->metadata.deleting()) co_return co_await attach(session, attachment);
  NESTOR_CO_TRY_VOID(co_await detach(session, attachment));
  co_return kube::ReconcileResult{};
}

Task<Progress> AttachController::plug(SessionPtr session, AttachmentPtr attachment) {
  const std::string& name = attachment->spec.source.persistentVolumeName;
  const auto volume = session->informers().of<PersistentVolume>().get({"", name});
  if (!volume || !volume->spec.csi || volume->spec.csi->driver != kDriver) {
    // It may be on its way; its arrival wakes us.
    co_return Progress{.done = false,
                       .waiting = "there is no PersistentVolume " + name + " of this driver",
                       .trouble = true};
  }
  Volumes::Attach what{.id = std::string(attachment->metadata.annotation(kHandleAnnotation)),
                       .machine = attachment->spec.nodeName,
                       .bus = bus_of(*volume),
                       .read_only = volume->spec.csi->readOnly.value_or(false),
                       .shared = is_shared(volume->spec.accessModes)};
  const Owner owner{.cluster = session->cluster()};
  co_return co_await volumes_.attach(owner, std::move(what));
}

Task<kube::ReconcileResult> AttachController::attach(SessionPtr session, AttachmentPtr attachment) {
  VolumeAttachment after = *attachment;
  if (!attachment->metadata.has_finalizer(kAttachmentFinalizer) ||
      attachment->metadata.annotation(kHandleAnnotation).empty()) {
    // What detaching needs is written before there is anything to detach.
    if (!attachment->metadata.has_finalizer(kAttachmentFinalizer)) {
      after.metadata.finalizers.emplace_back(kAttachmentFinalizer);
    }
    after.metadata.annotations[std::string(kHandleAnnotation)] = handle_of(*session, *attachment);
    // Its own write comes back as an event and goes on from there.
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(session->client(), *attachment, after));
    co_return kube::ReconcileResult{};
  }
  auto progress = co_await plug(session, attachment);
  const bool cancelled = !progress && progress.error().code == Code::kCancelled;
  if (cancelled || (!progress && progress.error().code == Code::kAborted)) {
    co_return std::unexpected(std::move(progress).error());
  }
  after.status.attached = progress && progress->done;
  after.status.attachError.reset();
  if (!progress || progress->trouble) {
    const std::string& message = progress ? progress->waiting : progress.error().message;
    const auto& before = attachment->status.attachError;
    after.status.attachError = error_of(before, message, runtime_.clock().now());
    if (!before || before->message != message) {
      log::debug("storage", "tenant {}: VolumeAttachment {}: {}", session->cluster().to_string(),
                 attachment->metadata.name, message);
    }
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(session->client(), *attachment, after));
  if (progress) co_return kube::ReconcileResult{};
  if (is_the_tenants(progress.error())) co_return kube::ReconcileResult{.requeue_after = kTryAgain};
  co_return std::unexpected(std::move(progress).error());
}

Task<> AttachController::detach(SessionPtr session, AttachmentPtr attachment) {
  if (!attachment->metadata.has_finalizer(kAttachmentFinalizer)) co_return Result<>{};
  VolumeAttachment after = *attachment;
  const Owner owner{.cluster = session->cluster()};
  std::string handle = handle_of(*session, *attachment);
  auto progress = co_await volumes_.detach(owner, std::move(handle), attachment->spec.nodeName);
  if (progress && !progress->done) co_return Result<>{};
  if (progress) {
    std::erase(after.metadata.finalizers, kAttachmentFinalizer);
    after.status.attached = false;
    auto done = co_await kube::patch_changes(session->client(), *attachment, after);
    if (!done && done.error().code == Code::kNotFound) co_return Result<>{};
    co_return done;
  }
  if (progress.error().code == Code::kCancelled || progress.error().code == Code::kAborted) {
    co_return std::unexpected(std::move(progress).error());
  }
  after.status.detachError =
      error_of(attachment->status.detachError, progress.error().message, runtime_.clock().now());
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(session->client(), *attachment, after));
  co_return std::unexpected(std::move(progress).error());
}

}  // namespace nestor::storage
