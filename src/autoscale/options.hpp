#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "autoscale/simulation/drain_rules.hpp"
#include "autoscale/simulation/removal.hpp"
#include "base/clock.hpp"
#include "kube/object.hpp"

namespace nestor::autoscale {

/// What this room keeps and reads as annotations of its own.
inline constexpr std::string_view kAnnotationPrefix = "autoscaler.nestor.dev/";

/// How one tenant is scaled. Names (with dashes) and defaults are upstream's flags; each can be set
/// on the Cluster as annotation `autoscaler.nestor.dev/<name>`.
struct Options {
  std::vector<std::string> expander{"least-waste"};
  /// Nodes of the tenant at most; 0 for no limit.
  int max_nodes_total = 0;
  int max_nodes_per_scaleup = 1000;
  bool enforce_node_group_min_size = false;
  bool scale_down_enabled = true;
  Duration scale_down_delay_after_add = std::chrono::minutes(10);
  Duration scale_down_delay_after_delete{};
  Duration scale_down_delay_after_failure = std::chrono::minutes(3);
  Duration new_pod_scale_up_delay{};
  int max_scale_down_parallelism = 10;
  int max_drain_parallelism = 1;
  Duration node_delete_delay_after_taint = std::chrono::seconds(5);
  /// Added to it while the node has an annotation that delays its deletion.
  Duration node_deletion_delay_timeout = std::chrono::minutes(2);
  int expendable_pods_priority_cutoff = -10;
  /// Above both of these a cluster, or a group, is too ill to be changed.
  int ok_total_unready_count = 3;
  int max_total_unready_percentage = 45;
  Duration initial_node_group_backoff_duration = std::chrono::minutes(5);
  Duration max_node_group_backoff_duration = std::chrono::minutes(30);
  Duration node_group_backoff_reset_timeout = std::chrono::hours(3);
  DrainRules drain;
  UtilizationRules utilization;

  /// Of groups that set none of their own.
  double scale_down_utilization_threshold = 0.5;
  double scale_down_gpu_utilization_threshold = 0.5;
  Duration scale_down_unneeded_time = std::chrono::minutes(10);
  Duration scale_down_unready_time = std::chrono::minutes(20);
  Duration max_node_provision_time = std::chrono::minutes(15);
  Duration max_node_startup_time = std::chrono::minutes(15);
};

/// What a group may set for itself, by upstream's annotations
/// `cluster.x-k8s.io/autoscaling-options-<name without dashes>`.
struct GroupOptions {
  double utilization_threshold = 0.5;
  double gpu_utilization_threshold = 0.5;
  Duration unneeded_time{};
  Duration unready_time{};
  Duration provision_time{};
  Duration startup_time{};
};

/// The names of all options of a Cluster.
std::vector<std::string_view> option_names();

/// Reads the annotations of a Cluster. What cannot be read keeps its default and is named in
/// `faults`, one sentence each, and so is what is no option.
Options read_options(const kube::ObjectMeta& cluster, std::vector<std::string>& faults);
/// The group's own options over those of its tenant. Faults as above (upstream is silent).
GroupOptions read_group_options(const kube::ObjectMeta& group, const Options& defaults,
                                std::vector<std::string>& faults);

/// Go's form: "10m", "1h30m", "45s", "500ms". Errors: kInvalidArgument.
Result<Duration> parse_duration(std::string_view text);
/// The same form, in seconds: "90s".
std::string format_duration(Duration duration);

}  // namespace nestor::autoscale
