#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/storage/storage_class.hpp"
#include "storage/names.hpp"

/// A tenant's volume and the claim of the management cluster that it is kept in. Pure.
namespace nestor::storage {

/// Whose volumes.
struct Owner {
  /// Namespace and name of the Cluster; claims and machines are in that namespace.
  kube::ObjectKey cluster;
  /// Of the Cluster, or empty when that is not known: claims go with their Cluster.
  std::vector<kube::OwnerReference> references = {};
};

/// Largest volume, in bytes: 8 PiB.
inline constexpr std::int64_t kMaxVolumeSize = std::int64_t{1} << 53;

/// What a volume is to be.
struct VolumeSpec {
  std::string id;
  /// Bytes, up to kMaxVolumeSize.
  std::int64_t size = 0;
  /// "" for the management cluster's default.
  std::string infra_class = {};
  /// The claim in the management cluster is a block device.
  bool infra_block = false;
  std::string bus{kDefaultBus};
  /// Several machines may have it at the same time.
  bool shared = false;
  /// "namespace/name" and uid of the tenant's claim, for people and for tidying up.
  std::string claim = {};
  std::string claim_uid = {};
};

/// "pvc-<uid>".
std::string volume_id(const kube::ObjectMeta& claim);
/// The id for a name that a CSI client chose: itself if it can be one, else one made from it.
std::string volume_id_for(const std::string& name);
/// Whether a claim of the management cluster holds a volume of that owner.
bool owns(const Owner& owner, const kube::ObjectMeta& claim);
/// Whether that claim of the management cluster holds what the tenant may have written.
bool is_provisioned(const api::core::PersistentVolumeClaim& claim);

/// From the tenant's claim and its class.
/// Errors: kInvalidArgument (a mode or parameter that is not served), kUnimplemented (a clone or
/// the content of a snapshot).
Result<VolumeSpec> volume_spec(const api::core::PersistentVolumeClaim& claim,
                               const api::storage::StorageClass& type);
/// As CSI has it: whether `modes` need several writers or machines.
bool is_shared(const std::vector<std::string>& access_modes);

/// The claim in the management cluster.
Json infra_claim(const Owner& owner, const VolumeSpec& spec);
/// What the management cluster is asked for: a file system has less room than its device.
std::int64_t infra_size(std::int64_t size, bool infra_block);
/// Bytes of the volume that `claim` holds. Errors: kInvalidArgument.
Result<std::int64_t> volume_size(const api::core::PersistentVolumeClaim& claim);
/// Bytes that the volume has, or gets once it is attached (kRequestedSizeAnnotation).
/// Errors: kInvalidArgument.
Result<std::int64_t> promised_size(const api::core::PersistentVolumeClaim& claim);
/// A claim's request in bytes. Errors: kInvalidArgument.
Result<std::int64_t> requested_size(const api::core::PersistentVolumeClaim& claim);

/// The PersistentVolume in the tenant. `serial` is the uid of the infra claim.
Json persistent_volume(const api::core::PersistentVolumeClaim& claim,
                       const api::storage::StorageClass& type, const VolumeSpec& spec,
                       const std::string& serial);
/// Whether the tenant's claim waits for us to make its volume.
bool wants_volume(const api::core::PersistentVolumeClaim& claim,
                  const api::storage::StorageClass& type);

/// The merge patch of a VirtualMachine (with its resourceVersion) that adds or takes out a volume;
/// nothing when it is so already.
std::optional<Json> add_volume_patch(const Json& machine, const std::string& id,
                                     const std::string& serial, const std::string& bus,
                                     bool read_only);
std::optional<Json> remove_volume_patch(const Json& machine, const std::string& id);
/// The same for an instance that has no machine.
std::optional<Json> remove_instance_volume_patch(const Json& instance, const std::string& id);

}  // namespace nestor::storage
