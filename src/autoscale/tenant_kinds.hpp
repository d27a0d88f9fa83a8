#pragma once

#include "api/meta.hpp"
#include "kube/metadata.hpp"

/// The parts of a tenant's kinds that decide where pods can run. Read only, and small: a cache of
/// each is kept for every tenant that is scaled.
namespace nestor::autoscale {

struct BudgetSpec {
  Json selector;
};
BOOST_DESCRIBE_STRUCT(BudgetSpec, (), (selector))
struct BudgetStatus {
  std::int32_t disruptionsAllowed = 0;
};
BOOST_DESCRIBE_STRUCT(BudgetStatus, (), (disruptionsAllowed))
struct PodDisruptionBudget {
  static constexpr kube::ResourceType kType{"policy", "v1", "PodDisruptionBudget",
                                            "poddisruptionbudgets"};
  kube::ObjectMeta metadata;
  BudgetSpec spec;
  BudgetStatus status;
};
BOOST_DESCRIBE_STRUCT(PodDisruptionBudget, (), (metadata, spec, status))

struct DaemonSetSpec {
  Json template_;
};
BOOST_DESCRIBE_STRUCT(DaemonSetSpec, (), (template_))
struct DaemonSet {
  static constexpr kube::ResourceType kType{"apps", "v1", "DaemonSet", "daemonsets"};
  kube::ObjectMeta metadata;
  DaemonSetSpec spec;
};
BOOST_DESCRIBE_STRUCT(DaemonSet, (), (metadata, spec))

struct ClaimSpec {
  std::string volumeName;
  std::optional<std::string> storageClassName;
};
BOOST_DESCRIBE_STRUCT(ClaimSpec, (), (volumeName, storageClassName))
struct PersistentVolumeClaim {
  static constexpr kube::ResourceType kType{"", "v1", "PersistentVolumeClaim",
                                            "persistentvolumeclaims"};
  kube::ObjectMeta metadata;
  ClaimSpec spec;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeClaim, (), (metadata, spec))

struct CsiSource {
  std::string driver;
  std::string volumeHandle;
};
BOOST_DESCRIBE_STRUCT(CsiSource, (), (driver, volumeHandle))
struct VolumeAffinity {
  Json required;
};
BOOST_DESCRIBE_STRUCT(VolumeAffinity, (), (required))
struct PersistentVolumeSpec {
  CsiSource csi;
  VolumeAffinity nodeAffinity;
};
BOOST_DESCRIBE_STRUCT(PersistentVolumeSpec, (), (csi, nodeAffinity))
struct PersistentVolume {
  static constexpr kube::ResourceType kType{"", "v1", "PersistentVolume", "persistentvolumes",
                                            false};
  kube::ObjectMeta metadata;
  PersistentVolumeSpec spec;
};
BOOST_DESCRIBE_STRUCT(PersistentVolume, (), (metadata, spec))

struct StorageClass {
  static constexpr kube::ResourceType kType{"storage.k8s.io", "v1", "StorageClass",
                                            "storageclasses", false};
  kube::ObjectMeta metadata;
  std::string provisioner;
  /// "Immediate" or "WaitForFirstConsumer": only then does a claim wait for its pod.
  std::string volumeBindingMode;
};
BOOST_DESCRIBE_STRUCT(StorageClass, (), (metadata, provisioner, volumeBindingMode))

struct CsiAllocatable {
  std::optional<std::int64_t> count;
};
BOOST_DESCRIBE_STRUCT(CsiAllocatable, (), (count))
struct CsiNodeDriver {
  std::string name;
  CsiAllocatable allocatable;
};
BOOST_DESCRIBE_STRUCT(CsiNodeDriver, (), (name, allocatable))
struct CsiNodeSpec {
  std::vector<CsiNodeDriver> drivers;
};
BOOST_DESCRIBE_STRUCT(CsiNodeSpec, (), (drivers))
struct CsiNode {
  static constexpr kube::ResourceType kType{"storage.k8s.io", "v1", "CSINode", "csinodes", false};
  kube::ObjectMeta metadata;
  CsiNodeSpec spec;
};
BOOST_DESCRIBE_STRUCT(CsiNode, (), (metadata, spec))

inline constexpr kube::ResourceType kNamespaceType{"", "v1", "Namespace", "namespaces", false};
/// Its labels, which a namespaceSelector looks at.
using Namespace = kube::MetadataOf<kNamespaceType>;

}  // namespace nestor::autoscale
