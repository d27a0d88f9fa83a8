#pragma once

#include "api/meta.hpp"

namespace nestor::api::core {

struct PersistentVolumeClaimSpec {
  std::vector<std::string> accessModes;
  /// {requests{storage}}
  Json resources;
  std::string volumeName;
  std::optional<std::string> storageClassName;
  std::string volumeMode;
  bool operator==(const PersistentVolumeClaimSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimSpec, (),
                      (accessModes, resources, volumeName, storageClassName, volumeMode))

struct PersistentVolumeClaimStatus {
  /// "Pending", "Bound" or "Lost".
  std::string phase;
  std::map<std::string, std::string> capacity;
  bool operator==(const PersistentVolumeClaimStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimStatus, (), (phase, capacity))

struct PersistentVolumeClaim {
  static constexpr kube::ResourceType kType{"", "v1", "PersistentVolumeClaim",
                                            "persistentvolumeclaims"};
  kube::ObjectMeta metadata;
  PersistentVolumeClaimSpec spec;
  PersistentVolumeClaimStatus status;
  bool operator==(const PersistentVolumeClaim&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaim, (), (metadata, spec, status))

}  // namespace nestor::api::core
