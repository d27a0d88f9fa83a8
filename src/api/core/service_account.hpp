#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

struct ServiceAccount {
  static constexpr kube::ResourceType kType{"", "v1", "ServiceAccount", "serviceaccounts"};
  kube::ObjectMeta metadata;
  std::optional<bool> automountServiceAccountToken;
  std::vector<LocalReference> imagePullSecrets;
  bool operator==(const ServiceAccount&) const = default;
};
BOOST_DESCRIBE_STRUCT(ServiceAccount, (),
                      (metadata, automountServiceAccountToken, imagePullSecrets))

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::ServiceAccount)
