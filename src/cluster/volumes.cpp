#include "cluster/volumes.hpp"

namespace nestor::cluster {

namespace {

constexpr kube::ResourceType kPersistentVolume{"", "v1", "PersistentVolume", "persistentvolumes",
                                               false};

/// The claim a pod's volume stands for, or "".
std::string claim_of(const api::core::Pod& pod, const Json& volume) {
  const auto named = find_string(volume, {"persistentVolumeClaim", "claimName"});
  if (!named.empty()) return pod.metadata.namespace_ + "/" + std::string(named);
  if (find(volume, {"ephemeral"}) == nullptr) return {};
  return pod.metadata.namespace_ + "/" + pod.metadata.name + "-" +
         std::string(find_string(volume, {"name"}));
}

}  // namespace

std::set<std::string> kept_claims(const std::vector<PodPtr>& pods) {
  std::set<std::string> claims;
  for (const PodPtr& pod : pods) {
    if (drain_behavior(*pod) != DrainBehavior::kSkip || api::core::finished(*pod)) continue;
    for (const Json& volume : pod->spec.volumes) {
      if (auto claim = claim_of(*pod, volume); !claim.empty()) claims.insert(std::move(claim));
    }
  }
  return claims;
}

Task<KeptVolumes> find_kept_volumes(kube::Client& tenant, std::set<std::string> claims,
                                    std::vector<AttachmentPtr> attachments) {
  KeptVolumes kept;
  if (claims.empty()) co_return kept;
  for (const AttachmentPtr& attachment : attachments) {
    const std::string& name = attachment->spec.source.persistentVolumeName;
    if (name.empty()) continue;
    kube::ObjectKey key{"", name};
    auto volume = co_await tenant.get(kPersistentVolume, key);
    if (!volume && volume.error().code == Code::kNotFound) continue;
    if (!volume) co_return with_context(std::move(volume).error(), "PersistentVolume " + name);
    const std::string claim = std::string(find_string(*volume, {"spec", "claimRef", "namespace"})) +
                              "/" + std::string(find_string(*volume, {"spec", "claimRef", "name"}));
    if (!claims.contains(claim)) continue;
    kept.persistent_volumes.insert(name);
    kept.unique_names.insert("kubernetes.io/csi/" +
                             std::string(find_string(*volume, {"spec", "csi", "driver"})) + "^" +
                             std::string(find_string(*volume, {"spec", "csi", "volumeHandle"})));
  }
  co_return kept;
}

std::vector<std::string> attached_volumes(const api::core::Node& node,
                                          const std::vector<AttachmentPtr>& attachments,
                                          const KeptVolumes& kept) {
  std::set<std::string> names;
  for (const Json& volume : node.status.volumesAttached) {
    std::string name(find_string(volume, {"name"}));
    if (!kept.unique_names.contains(name)) names.insert(std::move(name));
  }
  for (const AttachmentPtr& attachment : attachments) {
    const std::string& volume = attachment->spec.source.persistentVolumeName;
    if (kept.persistent_volumes.contains(volume)) continue;
    names.insert(volume.empty() ? attachment->metadata.name : volume);
  }
  return {names.begin(), names.end()};
}

}  // namespace nestor::cluster
