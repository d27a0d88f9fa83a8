#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::apps {

struct DaemonSetSpec {
  LabelSelector selector;
  /// A PodTemplateSpec.
  Json template_;
  Json updateStrategy;
  std::optional<std::int32_t> minReadySeconds;
  bool operator==(const DaemonSetSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(DaemonSetSpec, (), (selector, template_, updateStrategy, minReadySeconds))

struct DaemonSetStatus {
  std::optional<std::int64_t> observedGeneration;
  std::int32_t currentNumberScheduled = 0;
  std::int32_t desiredNumberScheduled = 0;
  std::int32_t numberMisscheduled = 0;
  std::int32_t numberReady = 0;
  std::int32_t updatedNumberScheduled = 0;
  std::int32_t numberAvailable = 0;
  std::int32_t numberUnavailable = 0;
  std::vector<kube::Condition> conditions;
  bool operator==(const DaemonSetStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(DaemonSetStatus, (),
                      (observedGeneration, currentNumberScheduled, desiredNumberScheduled,
                       numberMisscheduled, numberReady, updatedNumberScheduled, numberAvailable,
                       numberUnavailable, conditions))

struct DaemonSet {
  static constexpr kube::ResourceType kType{"apps", "v1", "DaemonSet", "daemonsets"};
  kube::ObjectMeta metadata;
  DaemonSetSpec spec;
  DaemonSetStatus status;
  bool operator==(const DaemonSet&) const = default;
};
BOOST_DESCRIBE_STRUCT(DaemonSet, (), (metadata, spec, status))

}  // namespace nestor::api::apps

NESTOR_EXTERN_JSON(nestor::api::apps::DaemonSet)
