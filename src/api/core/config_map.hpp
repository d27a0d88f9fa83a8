#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

struct ConfigMap {
  static constexpr kube::ResourceType kType{"", "v1", "ConfigMap", "configmaps"};
  kube::ObjectMeta metadata;
  std::map<std::string, std::string> data;
  /// Base64.
  std::map<std::string, std::string> binaryData;
  std::optional<bool> immutable;
  bool operator==(const ConfigMap&) const = default;
};
BOOST_DESCRIBE_STRUCT(ConfigMap, (), (metadata, data, binaryData, immutable))

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::ConfigMap)
