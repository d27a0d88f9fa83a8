#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

struct PersistentVolumeClaimSpec {
  std::vector<std::string> accessModes;
  /// {requests{storage}}
  Json resources;
  std::string volumeName;
  std::optional<std::string> storageClassName;
  std::string volumeMode;
  Json dataSource;
  Json dataSourceRef;
  bool operator==(const PersistentVolumeClaimSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimSpec, (),
                      (accessModes, resources, volumeName, storageClassName, volumeMode, dataSource,
                       dataSourceRef))

struct PersistentVolumeClaimStatus {
  /// "Pending", "Bound" or "Lost".
  std::string phase;
  std::map<std::string, std::string> capacity;
  std::vector<std::string> accessModes;
  std::vector<kube::Condition> conditions;
  /// While it grows: the sizes asked for, and how far each has come ("NodeResizePending" …).
  std::map<std::string, std::string> allocatedResources;
  std::map<std::string, std::string> allocatedResourceStatuses;
  bool operator==(const PersistentVolumeClaimStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaimStatus, (),
                      (phase, capacity, accessModes, conditions, allocatedResources,
                       allocatedResourceStatuses))

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

NESTOR_EXTERN_JSON(nestor::api::core::PersistentVolumeClaim)
