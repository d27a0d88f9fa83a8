#pragma once

#include <memory>
#include <set>
#include <string>

#include "api/kubevirt/virtual_machine.hpp"
#include "api/storage/volume_attachment.hpp"
#include "kube/runtime.hpp"
#include "storage/storage.hpp"
#include "storage/volumes.hpp"
#include "tenant/sessions.hpp"
#include "tenant/tenant_key.hpp"

namespace nestor::storage {

/// "storage-attachment": a VolumeAttachment of a tenant becomes a hot-plugged disk of the node's
/// machine, and its deletion takes the disk out. Source: what external-attacher does.
class AttachController {
 public:
  AttachController(kube::Runtime& runtime, tenant::Sessions& sessions);
  void watch(kube::Controller& controller);
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using Attachment = api::storage::VolumeAttachment;
  using Instance = api::kubevirt::VirtualMachineInstance;
  using AttachmentPtr = std::shared_ptr<const Attachment>;
  using SessionPtr = std::shared_ptr<tenant::Session>;

  Task<kube::ReconcileResult> attach(SessionPtr session, AttachmentPtr attachment);
  Task<> detach(SessionPtr session, AttachmentPtr attachment);
  Task<Progress> plug(SessionPtr session, AttachmentPtr attachment);
  std::string handle_of(tenant::Session& session, const Attachment& attachment) const;
  /// The Cluster that a machine or claim belongs to.
  static kube::ObjectKey cluster_of(const kube::ObjectMeta& object);
  /// The attachments of that tenant that have `value` in `index`.
  void enqueue(kube::Controller& controller, const kube::ObjectKey& cluster, const char* index,
               const std::string& value);
  /// The attachments of that machine and those of the `volumes` that it has, had or holds: they may
  /// wait for it to let them go.
  void machine_changed(kube::Controller& controller, const kube::ObjectMeta& machine,
                       std::set<std::string> volumes);
  /// Says on the tenants' claims what is new about volumes that are in use, such as a lack of room.
  void tell_trouble(const Instance* before, const Instance& now);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  Volumes volumes_;
};

}  // namespace nestor::storage
