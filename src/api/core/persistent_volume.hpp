#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

/// A volume of a CSI driver.
struct CsiVolumeSource {
  std::string driver;
  std::string volumeHandle;
  std::string fsType;
  std::optional<bool> readOnly;
  std::map<std::string, std::string> volumeAttributes;
  bool operator==(const CsiVolumeSource&) const = default;
};
BOOST_DESCRIBE_STRUCT(CsiVolumeSource, (),
                      (driver, volumeHandle, fsType, readOnly, volumeAttributes))

struct PersistentVolumeSpec {
  std::map<std::string, std::string> capacity;
  std::vector<std::string> accessModes;
  std::optional<CsiVolumeSource> csi;
  std::optional<ObjectReference> claimRef;
  /// "Delete", "Retain" or "Recycle".
  std::string persistentVolumeReclaimPolicy;
  std::string storageClassName;
  std::vector<std::string> mountOptions;
  /// "Filesystem" or "Block".
  std::string volumeMode;
  Json nodeAffinity;
  bool operator==(const PersistentVolumeSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeSpec, (),
                      (capacity, accessModes, csi, claimRef, persistentVolumeReclaimPolicy,
                       storageClassName, mountOptions, volumeMode, nodeAffinity))

struct PersistentVolumeStatus {
  /// "Pending", "Available", "Bound", "Released" or "Failed".
  std::string phase;
  std::string message;
  std::string reason;
  bool operator==(const PersistentVolumeStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeStatus, (), (phase, message, reason))

struct PersistentVolume {
  static constexpr kube::ResourceType kType{"", "v1", "PersistentVolume", "persistentvolumes",
                                            false};
  kube::ObjectMeta metadata;
  PersistentVolumeSpec spec;
  PersistentVolumeStatus status;
  bool operator==(const PersistentVolume&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolume, (), (metadata, spec, status))

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::PersistentVolume)
