#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::policy {

struct PodDisruptionBudgetSpec {
  /// Absent selects nothing, empty selects every pod of the namespace.
  std::optional<LabelSelector> selector;
  /// Numbers or percentages.
  Json minAvailable;
  Json maxUnavailable;
  /// "IfHealthyBudget" (the default) or "AlwaysAllow".
  std::string unhealthyPodEvictionPolicy;
  bool operator==(const PodDisruptionBudgetSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodDisruptionBudgetSpec, (),
                      (selector, minAvailable, maxUnavailable, unhealthyPodEvictionPolicy))

struct PodDisruptionBudgetStatus {
  std::int32_t disruptionsAllowed = 0;
  std::int32_t currentHealthy = 0;
  std::int32_t desiredHealthy = 0;
  std::int32_t expectedPods = 0;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const PodDisruptionBudgetStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodDisruptionBudgetStatus, (),
                      (disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods,
                       observedGeneration))

struct PodDisruptionBudget {
  static constexpr kube::ResourceType kType{"policy", "v1", "PodDisruptionBudget",
                                            "poddisruptionbudgets"};
  kube::ObjectMeta metadata;
  PodDisruptionBudgetSpec spec;
  PodDisruptionBudgetStatus status;
  bool operator==(const PodDisruptionBudget&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodDisruptionBudget, (), (metadata, spec, status))

}  // namespace nestor::api::policy

NESTOR_EXTERN_JSON(nestor::api::policy::PodDisruptionBudget)
