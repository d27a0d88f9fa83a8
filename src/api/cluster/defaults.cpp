
#include "api/cluster/cluster.hpp"
#include "api/cluster/labels.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "base/text.hpp"

namespace nestor::api::cluster {
namespace {

constexpr std::int32_t kNodeDeletionTimeoutSeconds = 10;

/// The least size the autoscaler may choose, so that it and a missing number agree; else 1.
std::int32_t default_replicas(const kube::ObjectMeta& metadata) {
  const std::string_view text = metadata.annotation(kAutoscalerMinSizeAnnotation);
  // Upstream takes the annotations only as a pair.
  if (text.empty() || metadata.annotation(kAutoscalerMaxSizeAnnotation).empty()) return 1;
  const auto value = parse_number<std::int32_t>(text);
  return value && *value >= 0 ? *value : 1;
}

/// Selects by the owner's name if nothing else is asked for, and always within the cluster.
void default_selector(LabelSelector& selector, MachineTemplate& machine_template,
                      std::string_view name_label, const std::string& name,
                      const std::string& cluster_name) {
  if (selector.empty()) {
    selector.matchLabels[std::string(name_label)] = name;
    machine_template.metadata.labels[std::string(name_label)] = name;
  }
  selector.matchLabels[std::string(kClusterNameLabel)] = cluster_name;
  machine_template.metadata.labels[std::string(kClusterNameLabel)] = cluster_name;
}

}  // namespace

bool paused(const Cluster& cluster, const kube::ObjectMeta& metadata) {
  return cluster.spec.paused.value_or(false) ||
         metadata.annotations.contains(std::string(kPausedAnnotation));
}

bool set_paused(std::vector<kube::Condition>& conditions, const Cluster& cluster,
                const kube::ObjectMeta& metadata, std::string_view now_rfc3339) {
  const bool is_paused = paused(cluster, metadata);
  std::string why;
  if (is_paused) {
    why = cluster.spec.paused.value_or(false)
              ? "spec.paused of the Cluster is true"
              : "there is the annotation " + std::string(kPausedAnnotation);
  }
  return kube::set_condition(
      conditions,
      kube::make_condition("Paused", is_paused, is_paused ? "Paused" : "NotPaused", std::move(why),
                           metadata.generation),
      now_rfc3339);
}

void set_machine_spec_defaults(MachineSpec& spec) {
  if (!spec.version.empty() && !spec.version.starts_with('v')) spec.version.insert(0, "v");
}

void set_defaults(Machine& machine) {
  machine.metadata.labels[std::string(kClusterNameLabel)] = machine.spec.clusterName;
  if (!machine.spec.deletion.nodeDeletionTimeoutSeconds) {
    machine.spec.deletion.nodeDeletionTimeoutSeconds = kNodeDeletionTimeoutSeconds;
  }
  set_machine_spec_defaults(machine.spec);
}

void set_defaults(MachineSet& set) {
  MachineSetSpec& spec = set.spec;
  set.metadata.labels[std::string(kClusterNameLabel)] = spec.clusterName;
  if (!spec.replicas) spec.replicas = default_replicas(set.metadata);
  if (spec.deletion.order.empty()) spec.deletion.order = "Random";
  default_selector(spec.selector, spec.template_, kSetNameLabel, set.metadata.name,
                   spec.clusterName);
  set_machine_spec_defaults(spec.template_.spec);
}

void set_defaults(MachineDeployment& deployment) {
  MachineDeploymentSpec& spec = deployment.spec;
  deployment.metadata.labels[std::string(kClusterNameLabel)] = spec.clusterName;
  if (!spec.replicas) spec.replicas = default_replicas(deployment.metadata);
  if (spec.deletion.order.empty()) spec.deletion.order = "Random";
  RolloutStrategy& strategy = spec.rollout.strategy;
  if (strategy.type.empty()) strategy.type = "RollingUpdate";
  if (strategy.type == "RollingUpdate") {
    RollingUpdate& update = strategy.rollingUpdate;
    if (update.maxSurge.is_null()) update.maxSurge = 1;
    if (update.maxUnavailable.is_null()) update.maxUnavailable = 0;
  }
  default_selector(spec.selector, spec.template_, kDeploymentNameLabel, deployment.metadata.name,
                   spec.clusterName);
  set_machine_spec_defaults(spec.template_.spec);
}

}  // namespace nestor::api::cluster
