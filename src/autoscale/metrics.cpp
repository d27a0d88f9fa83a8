#include "autoscale/metrics.hpp"

namespace nestor::autoscale {
namespace {

/// Seconds. Upstream's program takes up to minutes; see docs/concepts/autoscaling.md for ours.
const std::vector<double> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30};

/// The metrics of one tenant.
struct Recorder {
  Metrics& metrics;
  Labels tenant;

  Labels with(const std::string& label, const std::string& value) const {
    Labels out = tenant;
    out[label] = value;
    return out;
  }
  void set(const char* name, const char* help, double value) const {
    metrics.gauge(name, help, tenant).set(value);
  }
};

void record_group(const Recorder& to, const NodeGroup& group, const GroupChange& change) {
  const Labels labels = to.with("node_group", group.id());
  const int size = change.replicas.value_or(group.target);
  const auto set = [&](const char* name, const char* help, double value) {
    to.metrics.gauge(name, help, labels).set(value);
  };
  set("cluster_autoscaler_node_group_min_count", "Least size of a node group", group.min);
  set("cluster_autoscaler_node_group_max_count", "Greatest size of a node group", group.max);
  set("cluster_autoscaler_node_group_target_count", "Size asked for of a node group", size);
  set("cluster_autoscaler_node_group_healthiness", "Whether a node group may grow",
      change.report.healthy ? 1 : 0);
  set("cluster_autoscaler_node_group_backoff_status", "Whether a node group pauses after failures",
      change.report.scale_up == "Backoff" ? 1 : 0);
  const int more = size - group.target;
  if (more > 0) {
    to.metrics
        .counter("cluster_autoscaler_scaled_up_nodes_total", "Nodes that were added", to.tenant)
        .increment(more);
  } else if (more < 0) {
    to.metrics
        .counter("cluster_autoscaler_scaled_down_nodes_total", "Nodes that were removed", to.tenant)
        .increment(-more);
  }
}

}  // namespace

void record(Metrics& metrics, const kube::ObjectKey& cluster, const TenantView& view,
            const Decision& decision, std::chrono::duration<double> took) {
  const Recorder to{metrics, {{"namespace", cluster.ns}, {"cluster", cluster.name}}};
  metrics
      .histogram("cluster_autoscaler_function_duration_seconds", "Time that a decision took",
                 to.with("function", "main"), kBounds)
      .observe(took.count());
  to.set("cluster_autoscaler_cluster_safe_to_autoscale", "Whether enough nodes are ready",
         decision.healthy ? 1 : 0);
  to.set("cluster_autoscaler_unschedulable_pods_count", "Pods that no node group can help",
         decision.helpless);
  int ready = 0;
  int unready = 0;
  int starting = 0;
  int candidates = 0;
  for (std::size_t i = 0; i < view.groups.size(); ++i) {
    const GroupReport& report = decision.groups[i].report;
    ready += report.ready;
    unready += report.unready;
    starting += report.not_started + report.unregistered;
    candidates += report.candidates;
    record_group(to, view.groups[i], decision.groups[i]);
  }
  to.set("cluster_autoscaler_unneeded_nodes_count", "Nodes that could go", candidates);
  for (const auto& [state, count] :
       {std::pair{"ready", ready}, {"unready", unready}, {"notStarted", starting}}) {
    metrics.gauge("cluster_autoscaler_nodes_count", "Nodes by state", to.with("state", state))
        .set(count);
  }
  for (const Note& note : decision.notes) {
    if (note.reason != "ScaleUpTimedOut" && note.reason != "FailedToScaleUpGroup") continue;
    metrics
        .counter("cluster_autoscaler_failed_scale_ups_total", "Scale-ups whose nodes did not come",
                 to.with("reason", note.reason))
        .increment();
  }
}

}  // namespace nestor::autoscale
