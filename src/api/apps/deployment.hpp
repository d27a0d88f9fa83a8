#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::apps {

struct DeploymentSpec {
  std::optional<std::int32_t> replicas;
  LabelSelector selector;
  /// A PodTemplateSpec.
  Json template_;
  Json strategy;
  std::optional<std::int32_t> minReadySeconds;
  std::optional<std::int32_t> progressDeadlineSeconds;
  std::optional<std::int32_t> revisionHistoryLimit;
  std::optional<bool> paused;
  bool operator==(const DeploymentSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeploymentSpec, (),
                      (replicas, selector, template_, strategy, minReadySeconds,
                       progressDeadlineSeconds, revisionHistoryLimit, paused))

struct DeploymentStatus {
  std::optional<std::int64_t> observedGeneration;
  std::int32_t replicas = 0;
  std::int32_t updatedReplicas = 0;
  std::int32_t readyReplicas = 0;
  std::int32_t availableReplicas = 0;
  std::int32_t unavailableReplicas = 0;
  std::vector<kube::Condition> conditions;
  bool operator==(const DeploymentStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeploymentStatus, (),
                      (observedGeneration, replicas, updatedReplicas, readyReplicas,
                       availableReplicas, unavailableReplicas, conditions))

struct Deployment {
  static constexpr kube::ResourceType kType{"apps", "v1", "Deployment", "deployments"};
  kube::ObjectMeta metadata;
  DeploymentSpec spec;
  DeploymentStatus status;
  bool operator==(const Deployment&) const = default;
};
BOOST_DESCRIBE_STRUCT(Deployment, (), (metadata, spec, status))

/// The roll-out of the present spec is through: every wanted pod is new and available, no old one
/// is left.
bool rolled_out(const Deployment& deployment);

}  // namespace nestor::api::apps

NESTOR_EXTERN_JSON(nestor::api::apps::Deployment)
