#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::storage {

struct StorageClass {
  static constexpr kube::ResourceType kType{"storage.k8s.io", "v1", "StorageClass",
                                            "storageclasses", false};
  kube::ObjectMeta metadata;
  std::string provisioner;
  std::map<std::string, std::string> parameters;
  /// "Delete" (the default) or "Retain".
  std::string reclaimPolicy;
  std::vector<std::string> mountOptions;
  std::optional<bool> allowVolumeExpansion;
  /// "Immediate" (the default) or "WaitForFirstConsumer".
  std::string volumeBindingMode;
  bool operator==(const StorageClass&) const = default;
};
BOOST_DESCRIBE_STRUCT(StorageClass, (),
                      (metadata, provisioner, parameters, reclaimPolicy, mountOptions,
                       allowVolumeExpansion, volumeBindingMode))

}  // namespace nestor::api::storage

NESTOR_EXTERN_JSON(nestor::api::storage::StorageClass)
