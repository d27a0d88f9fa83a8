#include "autoscale/node_group.hpp"

#include <gtest/gtest.h>

#include "api/cluster/labels.hpp"
#include "autoscale/simulation/expander.hpp"
#include "base/testing/seeded_random.hpp"

namespace nestor::autoscale {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Durations, AreGos) {
  EXPECT_EQ(parse_duration("10m").value(), minutes(10));
  EXPECT_EQ(parse_duration("1h30m").value(), minutes(90));
  EXPECT_EQ(parse_duration("1.5h").value(), minutes(90));
  EXPECT_EQ(parse_duration("250ms").value(), Duration(250));
  EXPECT_EQ(parse_duration("0").value(), Duration(0));
  EXPECT_EQ(parse_duration(format_duration(hours(2))).value(), hours(2));
  for (const char* wrong :
       {"", "10", "m", "-5m", "10 m", "5d", "1e400h", "nan", "inf s", "9999999h"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Sizes, ComeAsAPair) {
  const auto read = [](const char* min, const char* max, std::string* fault = nullptr) {
    kube::ObjectMeta metadata;
    if (min != nullptr)
      metadata.annotations[std::string(api::cluster::kAutoscalerMinSizeAnnotation)] = min;
    if (max != nullptr)
      metadata.annotations[std::string(api::cluster::kAutoscalerMaxSizeAnnotation)] = max;
    std::string why;
    const auto sizes = read_sizes(metadata, why);
    if (fault != nullptr) *fault = why;
    return sizes ? std::optional(std::pair(sizes->min, sizes->max)) : std::nullopt;
  };
  EXPECT_EQ(read("1", "3"), std::pair(1, 3));
  EXPECT_EQ(read("1", nullptr), std::nullopt);
  EXPECT_EQ(read(nullptr, "3"), std::nullopt);
  EXPECT_EQ(read("0", "0"), std::nullopt);
  std::string fault;
  EXPECT_EQ(read("3", "1", &fault), std::nullopt);
  EXPECT_NE(fault.find("less than the minimum"), std::string::npos);
  EXPECT_EQ(read("x", "1", &fault), std::nullopt);
  EXPECT_NE(fault.find("whole number"), std::string::npos);
}

TEST(State, SurvivesAnnotations) {
  GroupState state;
  state.last_scale_up = WallTime(hours(1));
  state.scaled_up_to = 4;
  state.last_scale_down = WallTime(hours(2));
  state.last_scale_down_failure = WallTime(hours(3));
  state.backoff_until = WallTime(hours(4));
  state.backoff = minutes(10);
  state.backoff_reason = "because";
  state.short_since = WallTime(hours(5));
  state.short_by = 2;
  state.lost = {{"a", WallTime(hours(6))}, {"b", WallTime(hours(7))}};
  state.removing = {"a", "b"};
  kube::ObjectMeta metadata;
  metadata.annotations["other"] = "stays";
  write_state(state, metadata.annotations);
  EXPECT_EQ(read_state(metadata), state);
  write_state({}, metadata.annotations);
  EXPECT_EQ(metadata.annotations.size(), 1U);
}

TEST(Capacity, IsReadFromAnnotationsThenFromTheTemplate) {
  kube::ObjectMeta group;
  group.name = "workers";
  api::cluster::MachineTemplate machine_template;
  EXPECT_EQ(node_from_capacity(group, machine_template, {}).error().code, Code::kNotFound);

  auto node =
      node_from_capacity(group, machine_template, {{"cpu", "2"}, {"memory", "2Gi"}}).value();
  EXPECT_EQ(node.allocatable.get(Resources::kCpu), 2000);
  EXPECT_EQ(node.allocatable.get(Resources::kPods), 110);
  // The guest's kernel and kubelet keep some of it.
  EXPECT_LT(node.allocatable.get(Resources::kMemory), std::int64_t{1900} << 20);
  EXPECT_EQ(node.allocatable.get(Resources::kStorage), 0);
  node = node_from_capacity(group, machine_template,
                            {{"cpu", "2"}, {"memory", "2Gi"}, {"ephemeral-storage", "20Gi"}})
             .value();
  EXPECT_LT(node.allocatable.get(Resources::kStorage), std::int64_t{18} << 30);
  EXPECT_GT(node.allocatable.get(Resources::kStorage), std::int64_t{17} << 30);

  const std::string prefix = "capacity.cluster-autoscaler.kubernetes.io/";
  group.annotations = {{prefix + "cpu", "4"},
                       {prefix + "memory", "4Gi"},
                       {prefix + "maxPods", "20"},
                       {prefix + "gpu-type", "nvidia.com/gpu"},
                       {prefix + "gpu-count", "2"},
                       {prefix + "labels", "a=b, zone=z"},
                       {prefix + "taints", "k=v:NoSchedule"},
                       {prefix + "csi-driver", "d=8"}};
  machine_template.metadata.labels = {{"node-role.kubernetes.io/worker", ""}, {"app", "x"}};
  machine_template.spec.taints.emplace_back();
  machine_template.spec.taints.back().key = "own";
  machine_template.spec.taints.back().effect = "NoExecute";
  node = node_from_capacity(group, machine_template, {{"cpu", "2"}, {"memory", "2Gi"}}).value();
  EXPECT_EQ(node.allocatable.get(Resources::kCpu), 4000);
  EXPECT_EQ(node.allocatable.get(Resources::kMemory), std::int64_t{4} << 30);
  EXPECT_EQ(node.allocatable.get(Resources::kPods), 20);
  EXPECT_EQ(node.allocatable.get("nvidia.com/gpu"), 2);
  EXPECT_EQ(node.labels.at("zone"), "z");
  EXPECT_TRUE(node.labels.contains("node-role.kubernetes.io/worker"));
  EXPECT_FALSE(node.labels.contains("app"));
  EXPECT_EQ(node.taints.size(), 2U);
  EXPECT_EQ(node.volume_limits.at("d"), 8);

  group.annotations[prefix + "taints"] = "nonsense";
  EXPECT_EQ(node_from_capacity(group, machine_template, {}).error().code, Code::kInvalidArgument);
}

TEST(OptionsText, FaultsAreNamedAndDefaultsStay) {
  kube::ObjectMeta cluster;
  cluster.annotations = {{"autoscaler.nestor.dev/expander", "priority,least-waste"},
                         {"autoscaler.nestor.dev/scale-down-unneeded-time", "90s"},
                         {"autoscaler.nestor.dev/max-nodes-total", "many"},
                         {"autoscaler.nestor.dev/max-node-total", "3"},
                         {"autoscaler.nestor.dev/scale-down-utilization-threshold", "1.5"}};
  std::vector<std::string> faults;
  const Options options = read_options(cluster, faults);
  EXPECT_EQ(options.expander, (std::vector<std::string>{"priority", "least-waste"}));
  EXPECT_EQ(options.max_nodes_total, 0);
  EXPECT_EQ(options.scale_down_utilization_threshold, 0.5);
  EXPECT_EQ(faults.size(), 3U);
  EXPECT_EQ(faults.back(),
            "annotation autoscaler.nestor.dev/max-node-total: there is no such option");
  kube::ObjectMeta group;
  group.annotations["cluster.x-k8s.io/autoscaling-options-scaledownunneededtime"] = "1m";
  EXPECT_EQ(read_group_options({}, options, faults).unneeded_time, seconds(90));
  EXPECT_EQ(read_group_options(group, options, faults).unneeded_time, seconds(60));
}

TEST(PriorityText, IsChecked) {
  auto read = Priorities::parse("10: ['.*spot.*']\n50: ['MachineDeployment/ns/a', b]\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->of("MachineDeployment/ns/spot-1"), 10);
  EXPECT_EQ(read->of("MachineDeployment/ns/a"), 50);
  EXPECT_EQ(read->of("zzz"), std::nullopt);
  EXPECT_FALSE(Priorities::parse("high: ['.*']"));
  EXPECT_FALSE(Priorities::parse("10: '.*'"));
  EXPECT_FALSE(Priorities::parse("10: ['(']"));
  EXPECT_FALSE(Priorities::parse(""));
}

TEST(Expanders, AreChained) {
  SeededRandom random;
  std::vector<ExpansionOption> options(3);
  for (std::size_t i = 0; i < options.size(); ++i) {
    options[i].group = i;
    options[i].group_id = "g" + std::to_string(i);
    options[i].nodes = 1;
    options[i].capacity.set(Resources::kCpu, 4000);
    options[i].capacity.set(Resources::kMemory, 4000);
    options[i].requests.set(Resources::kCpu, 1000 * static_cast<std::int64_t>(i + 1));
    options[i].pods = i == 0 ? 2 : 5;
  }
  EXPECT_EQ(choose(options, {"least-waste"}, {}, random), 2U);
  options[2].nodes = 3;
  EXPECT_EQ(choose(options, {"most-pods", "least-nodes"}, {}, random), 1U);
  const auto priorities = Priorities::parse("{1: ['g1'], 2: ['g0']}").value();
  EXPECT_EQ(choose(options, {"priority"}, priorities, random), 0U);
  EXPECT_LT(choose(options, {"random"}, {}, random), 3U);
}

}  // namespace
}  // namespace nestor::autoscale
