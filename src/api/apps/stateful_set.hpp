#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::apps {

struct StatefulSetSpec {
  std::optional<std::int32_t> replicas;
  LabelSelector selector;
  std::string serviceName;
  std::string podManagementPolicy;
  /// A PodTemplateSpec.
  Json template_;
  Json updateStrategy;
  std::vector<Json> volumeClaimTemplates;
  bool operator==(const StatefulSetSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(StatefulSetSpec, (),
                      (replicas, selector, serviceName, podManagementPolicy, template_,
                       updateStrategy, volumeClaimTemplates))

struct StatefulSetStatus {
  std::optional<std::int64_t> observedGeneration;
  std::int32_t replicas = 0;
  std::int32_t readyReplicas = 0;
  std::int32_t availableReplicas = 0;
  std::int32_t currentReplicas = 0;
  std::int32_t updatedReplicas = 0;
  std::string currentRevision;
  std::string updateRevision;
  std::vector<kube::Condition> conditions;
  bool operator==(const StatefulSetStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(StatefulSetStatus, (),
                      (observedGeneration, replicas, readyReplicas, availableReplicas,
                       currentReplicas, updatedReplicas, currentRevision, updateRevision,
                       conditions))

struct StatefulSet {
  static constexpr kube::ResourceType kType{"apps", "v1", "StatefulSet", "statefulsets"};
  kube::ObjectMeta metadata;
  StatefulSetSpec spec;
  StatefulSetStatus status;
  bool operator==(const StatefulSet&) const = default;
};
BOOST_DESCRIBE_STRUCT(StatefulSet, (), (metadata, spec, status))

}  // namespace nestor::api::apps

NESTOR_EXTERN_JSON(nestor::api::apps::StatefulSet)
