#include "autoscale/options.hpp"

#include <algorithm>
#include <charconv>

#include "autoscale/simulation/expander.hpp"
#include "base/go_duration.hpp"
#include "base/text.hpp"

namespace nestor::autoscale {
namespace {

constexpr std::string_view kGroupPrefix = "cluster.x-k8s.io/autoscaling-options-";
/// Longer is surely a mistake, and keeps sums of times in range.
constexpr Duration kLongest = std::chrono::hours(24 * 365);

Result<> read(std::string_view text, Duration& out) {
  NESTOR_TRY(out, parse_duration(text));
  return {};
}

Result<> read(std::string_view text, int& out) {
  const auto value = parse_number<int>(text);
  if (!value) return fail(Code::kInvalidArgument, "expected a whole number");
  out = *value;
  return {};
}

Result<> read(std::string_view text, bool& out) {
  if (text != "true" && text != "false") {
    return fail(Code::kInvalidArgument, "expected true or false");
  }
  out = text == "true";
  return {};
}

Result<> read(std::string_view text, double& out) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return fail(Code::kInvalidArgument, "expected a share from 0 to 1");
  }
  out = value;
  return {};
}

Result<> read(std::string_view text, std::vector<std::string>& out) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    if (!known_expander(name)) {
      return fail(Code::kInvalidArgument, "there is no expander \"" + std::string(name) + "\"");
    }
    names.emplace_back(name);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  if (names.empty()) return fail(Code::kInvalidArgument, "expected the name of an expander");
  out = std::move(names);
  return {};
}

/// Reads one annotation into `out` if it is there.
template <class T>
void take(const kube::ObjectMeta& metadata, std::string_view prefix, std::string_view name, T& out,
          std::vector<std::string>& faults) {
  const std::string key = std::string(prefix) + std::string(name);
  const auto found = metadata.annotations.find(key);
  if (found == metadata.annotations.end()) return;
  if (auto ok = read(found->second, out); !ok) {
    faults.push_back("annotation " + key + ": " + ok.error().message);
  }
}

/// Calls `option(name, field)` for each option of a Cluster.
template <class Option>
void each_option(Options& out, Option option) {
  option("expander", out.expander);
  option("max-nodes-total", out.max_nodes_total);
  option("max-nodes-per-scaleup", out.max_nodes_per_scaleup);
  option("enforce-node-group-min-size", out.enforce_node_group_min_size);
  option("scale-down-enabled", out.scale_down_enabled);
  option("scale-down-delay-after-add", out.scale_down_delay_after_add);
  option("scale-down-delay-after-delete", out.scale_down_delay_after_delete);
  option("scale-down-delay-after-failure", out.scale_down_delay_after_failure);
  option("new-pod-scale-up-delay", out.new_pod_scale_up_delay);
  option("max-scale-down-parallelism", out.max_scale_down_parallelism);
  option("max-drain-parallelism", out.max_drain_parallelism);
  option("node-delete-delay-after-taint", out.node_delete_delay_after_taint);
  option("node-deletion-delay-timeout", out.node_deletion_delay_timeout);
  option("expendable-pods-priority-cutoff", out.expendable_pods_priority_cutoff);
  option("ok-total-unready-count", out.ok_total_unready_count);
  option("max-total-unready-percentage", out.max_total_unready_percentage);
  option("initial-node-group-backoff-duration", out.initial_node_group_backoff_duration);
  option("max-node-group-backoff-duration", out.max_node_group_backoff_duration);
  option("node-group-backoff-reset-timeout", out.node_group_backoff_reset_timeout);
  option("skip-nodes-with-system-pods", out.drain.skip_nodes_with_system_pods);
  option("skip-nodes-with-local-storage", out.drain.skip_nodes_with_local_storage);
  option("skip-nodes-with-custom-controller-pods",
         out.drain.skip_nodes_with_custom_controller_pods);
  option("ignore-daemonsets-utilization", out.utilization.ignore_daemons);
  option("ignore-mirror-pods-utilization", out.utilization.ignore_mirrors);
  option("scale-down-utilization-threshold", out.scale_down_utilization_threshold);
  option("scale-down-gpu-utilization-threshold", out.scale_down_gpu_utilization_threshold);
  option("scale-down-unneeded-time", out.scale_down_unneeded_time);
  option("scale-down-unready-time", out.scale_down_unready_time);
  option("max-node-provision-time", out.max_node_provision_time);
  option("max-node-startup-time", out.max_node_startup_time);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  auto duration = parse_go_duration(text);
  if (duration && *duration <= kLongest) return duration;
  return fail(Code::kInvalidArgument,
              "expected a time like 10m or 1h30m, got \"" + std::string(text) + "\"");
}

std::string format_duration(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + "s";
}

std::vector<std::string_view> option_names() {
  Options any;
  std::vector<std::string_view> out;
  each_option(any, [&](std::string_view name, auto&) { out.push_back(name); });
  return out;
}

Options read_options(const kube::ObjectMeta& cluster, std::vector<std::string>& faults) {
  Options out;
  each_option(out, [&](std::string_view name, auto& field) {
    take(cluster, kAnnotationPrefix, name, field, faults);
  });
  const auto known = option_names();
  for (const auto& [key, value] : cluster.annotations) {
    if (!key.starts_with(kAnnotationPrefix)) continue;
    const auto name = std::string_view(key).substr(kAnnotationPrefix.size());
    if (std::ranges::find(known, name) != known.end()) continue;
    faults.push_back("annotation " + key + ": there is no such option");
  }
  return out;
}

GroupOptions read_group_options(const kube::ObjectMeta& group, const Options& defaults,
                                std::vector<std::string>& faults) {
  GroupOptions out;
  out.utilization_threshold = defaults.scale_down_utilization_threshold;
  out.gpu_utilization_threshold = defaults.scale_down_gpu_utilization_threshold;
  out.unneeded_time = defaults.scale_down_unneeded_time;
  out.unready_time = defaults.scale_down_unready_time;
  out.provision_time = defaults.max_node_provision_time;
  out.startup_time = defaults.max_node_startup_time;
  const auto option = [&](std::string_view name, auto& field) {
    take(group, kGroupPrefix, name, field, faults);
  };
  option("scaledownutilizationthreshold", out.utilization_threshold);
  option("scaledowngpuutilizationthreshold", out.gpu_utilization_threshold);
  option("scaledownunneededtime", out.unneeded_time);
  option("scaledownunreadytime", out.unready_time);
  option("maxnodeprovisiontime", out.provision_time);
  option("maxnodestartuptime", out.startup_time);
  return out;
}

}  // namespace nestor::autoscale
