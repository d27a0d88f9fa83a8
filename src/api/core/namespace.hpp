#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

struct NamespaceStatus {
  /// "Active" or "Terminating".
  std::string phase;
  bool operator==(const NamespaceStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(NamespaceStatus, (), (phase))

struct Namespace {
  static constexpr kube::ResourceType kType{"", "v1", "Namespace", "namespaces", false};
  kube::ObjectMeta metadata;
  NamespaceStatus status;
  bool operator==(const Namespace&) const = default;
};
BOOST_DESCRIBE_STRUCT(Namespace, (), (metadata, status))

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::Namespace)
