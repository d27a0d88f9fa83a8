#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "api/storage/volume_attachment.hpp"
#include "cluster/drain.hpp"
#include "kube/client.hpp"

/// Which volumes a Node must be rid of before its machine goes: a disk that is cut off while it is
/// attached may lose data, and cannot be attached elsewhere.
namespace nestor::cluster {

using AttachmentPtr = std::shared_ptr<const api::storage::VolumeAttachment>;

/// Volumes of pods that a drain leaves alone, by their names as PersistentVolume and in a Node's
/// status: they stay attached as long as the Node lives.
struct KeptVolumes {
  std::set<std::string> persistent_volumes;
  std::set<std::string> unique_names;
};

/// "namespace/name" of the claims that pods which stay on the Node use. Pure.
std::set<std::string> kept_claims(const std::vector<PodPtr>& pods);

/// The kept ones among what `attachments` attach; asks the tenant only when there are kept claims.
Task<KeptVolumes> find_kept_volumes(kube::Client& tenant, std::set<std::string> claims,
                                    std::vector<AttachmentPtr> attachments);

/// Names of the volumes that are still to be detached, sorted. Pure.
std::vector<std::string> attached_volumes(const api::core::Node& node,
                                          const std::vector<AttachmentPtr>& attachments,
                                          const KeptVolumes& kept);

}  // namespace nestor::cluster
