#pragma once

#include <string_view>

#include "api/cluster/labels.hpp"
#include "api/core/disk_claim.hpp"

/// Fixed words of the CSI driver, upstream's where there are any.
namespace nestor::storage {

inline constexpr std::string_view kDriver = "csi.kubevirt.io";
/// Every volume's id begins with it.
inline constexpr std::string_view kVolumePrefix = "pvc-";

// Parameters of a tenant's StorageClass.
inline constexpr std::string_view kInfraClassParameter = "infraStorageClassName";
inline constexpr std::string_view kBusParameter = "bus";
/// Ours: "Filesystem" (the default; the disk is a file) or "Block" of the claim in the management
/// cluster.
inline constexpr std::string_view kInfraModeParameter = "infraVolumeMode";
inline constexpr std::string_view kFsTypeParameter = "csi.storage.k8s.io/fstype";
inline constexpr std::string_view kDefaultBus = "scsi";
inline constexpr std::string_view kDefaultFsType = "ext4";

/// The one resource of a claim.
inline constexpr const char* kResource = "storage";

// Attributes of a volume.
inline constexpr std::string_view kSerialAttribute = "serial";
inline constexpr std::string_view kBusAttribute = "bus";

// On the claim of a volume in the management cluster.
inline constexpr std::string_view kDriverLabel = "nestor.dev/csi-driver";
using api::cluster::kClusterNameLabel;
using api::core::kHolderAnnotation;
using api::core::kVolumeSizeAnnotation;
/// The tenant's claim that it was made for.
inline constexpr std::string_view kClaimAnnotation = "nestor.dev/tenant-claim";
inline constexpr std::string_view kClaimUidAnnotation = "nestor.dev/tenant-claim-uid";
/// "true" once the tenant has had a PersistentVolume of it: from then on it is the tenant's data.
inline constexpr std::string_view kProvisionedAnnotation = "nestor.dev/provisioned";
/// Bytes that csi-controller promised before the claim was bound, when no claim can grow: the
/// volume gets them when a machine gets it.
inline constexpr std::string_view kRequestedSizeAnnotation = "nestor.dev/requested-size";

// Inside a tenant.
inline constexpr std::string_view kVolumeFinalizer =
    "external-provisioner.volume.kubernetes.io/finalizer";
inline constexpr std::string_view kAttachmentFinalizer = "external-attacher/csi-kubevirt-io";
inline constexpr std::string_view kProvisionedByAnnotation = "pv.kubernetes.io/provisioned-by";
inline constexpr std::string_view kProvisionerAnnotation =
    "volume.kubernetes.io/storage-provisioner";
inline constexpr std::string_view kSelectedNodeAnnotation = "volume.kubernetes.io/selected-node";
/// On a VolumeAttachment: the volume's id, for when its PersistentVolume is gone.
inline constexpr std::string_view kHandleAnnotation = "nestor.dev/volume-handle";

}  // namespace nestor::storage
