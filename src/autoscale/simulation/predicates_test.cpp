#include <gtest/gtest.h>

#include "autoscale/simulation/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using testing::asks;
using testing::node;
using testing::shape;

/// One pod against one node that stands alone.
struct Case {
  const char* name;
  std::string spec;
  Node on;
  Obstacle expected;
};

Taint taint(std::string key, std::string value, std::string effect) {
  Taint out;
  out.key = std::move(key);
  out.value = std::move(value);
  out.effect = std::move(effect);
  return out;
}

Node tainted(std::string effect) {
  Node out = node("n");
  out.taints = {taint("only", "gpu", std::move(effect))};
  return out;
}

Node cordoned() {
  Node out = node("n");
  out.unschedulable = true;
  return out;
}

Node with_gpus(std::int64_t count) {
  Node out = node("n");
  out.allocatable.set("nvidia.com/gpu", count);
  return out;
}

std::string affinity(const std::string& terms) {
  return asks("1", "64Mi",
              "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
              "{nodeSelectorTerms: [" +
                  terms + "]}}}");
}

std::string tolerating(const std::string& toleration) {
  return asks("1", "64Mi", "tolerations: [" + toleration + "]");
}

class OneNode : public ::testing::TestWithParam<Case> {};

TEST_P(OneNode, SaysWhatTheSchedulerSays) {
  testing::World world;
  const NodeIndex on = world.add(GetParam().on);
  EXPECT_EQ(world.check(shape(GetParam().spec), on), GetParam().expected);
  std::string detail;
  EXPECT_EQ(world.snapshot.check(world.of(shape(GetParam().spec)), on, &detail),
            GetParam().expected);
}

const Node kZoneA = node("n", 4000, 8192, {{"zone", "a"}, {"cores", "16"}});

INSTANTIATE_TEST_SUITE_P(
    Cases, OneNode,
    ::testing::Values(
        Case{"Fits", asks("4", "8Gi"), node("n"), Obstacle::kNone},
        Case{"Cpu", asks("4001m"), node("n"), Obstacle::kResources},
        Case{"Memory", asks("1", "8193Mi"), node("n"), Obstacle::kResources},
        Case{"NoRequests", "{containers: [{name: c}]}", node("n"), Obstacle::kNone},
        Case{"GpuMissing", "{containers: [{name: c, resources: {requests: {nvidia.com/gpu: 1}}}]}",
             node("n"), Obstacle::kResources},
        Case{"GpuThere", "{containers: [{name: c, resources: {requests: {nvidia.com/gpu: 2}}}]}",
             with_gpus(2), Obstacle::kNone},
        Case{"Cordoned", asks("1"), cordoned(), Obstacle::kUnschedulable},
        Case{"CordonTolerated",
             tolerating("{key: node.kubernetes.io/unschedulable, operator: Exists}"), cordoned(),
             Obstacle::kNone},
        Case{"Taint", asks("1"), tainted("NoSchedule"), Obstacle::kTaint},
        Case{"TaintNoExecute", asks("1"), tainted("NoExecute"), Obstacle::kTaint},
        Case{"TaintPreferred", asks("1"), tainted("PreferNoSchedule"), Obstacle::kNone},
        Case{"TolerationEqual", tolerating("{key: only, value: gpu, effect: NoSchedule}"),
             tainted("NoSchedule"), Obstacle::kNone},
        Case{"TolerationOtherValue", tolerating("{key: only, value: cpu}"), tainted("NoSchedule"),
             Obstacle::kTaint},
        Case{"TolerationOtherEffect",
             tolerating("{key: only, operator: Exists, effect: NoExecute}"), tainted("NoSchedule"),
             Obstacle::kTaint},
        Case{"TolerationAll", tolerating("{operator: Exists}"), tainted("NoExecute"),
             Obstacle::kNone},
        Case{"Selector", asks("1", "1Mi", "nodeSelector: {zone: a}"), kZoneA, Obstacle::kNone},
        Case{"SelectorOther", asks("1", "1Mi", "nodeSelector: {zone: b}"), kZoneA,
             Obstacle::kNodeAffinity},
        Case{"AffinityIn",
             affinity("{matchExpressions: [{key: zone, operator: In, values: [a, b]}]}"), kZoneA,
             Obstacle::kNone},
        Case{"AffinityNotIn",
             affinity("{matchExpressions: [{key: zone, operator: NotIn, values: [a]}]}"), kZoneA,
             Obstacle::kNodeAffinity},
        Case{"AffinityNotInAbsent",
             affinity("{matchExpressions: [{key: rack, operator: NotIn, values: [a]}]}"), kZoneA,
             Obstacle::kNone},
        Case{"AffinityExists", affinity("{matchExpressions: [{key: rack, operator: Exists}]}"),
             kZoneA, Obstacle::kNodeAffinity},
        Case{"AffinityGt",
             affinity("{matchExpressions: [{key: cores, operator: Gt, values: ['8']}]}"), kZoneA,
             Obstacle::kNone},
        Case{"AffinityLt",
             affinity("{matchExpressions: [{key: cores, operator: Lt, values: ['16']}]}"), kZoneA,
             Obstacle::kNodeAffinity},
        Case{"AffinityOneOfTwoTerms",
             affinity("{matchExpressions: [{key: zone, operator: In, values: [b]}]}, "
                      "{matchExpressions: [{key: zone, operator: In, values: [a]}]}"),
             kZoneA, Obstacle::kNone},
        Case{"AffinityEmptyTerm", affinity("{}"), kZoneA, Obstacle::kNodeAffinity},
        Case{"AffinityField",
             affinity("{matchFields: [{key: metadata.name, operator: In, values: [n]}]}"), kZoneA,
             Obstacle::kNone},
        Case{"AffinityUnknownOperator",
             affinity("{matchExpressions: [{key: zone, operator: Near, values: [a]}]}"), kZoneA,
             Obstacle::kNodeAffinity}),
    [](const auto& info) { return info.param.name; });

TEST(Requests, CountInitContainersSidecarsAndOverhead) {
  const auto one = shape(
      "{overhead: {cpu: 100m}, initContainers: ["
      "{name: a, resources: {requests: {cpu: 2, memory: 1Gi}}}, "
      "{name: s, restartPolicy: Always, resources: {requests: {cpu: 500m}}}, "
      "{name: b, resources: {requests: {cpu: 3}}}], "
      "containers: [{name: c, resources: {requests: {cpu: 1, memory: 64Mi}}}, "
      "{name: d, resources: {requests: {cpu: 1}}}]}");
  // b runs beside the sidecar: 3.5 is more than the 2.5 of the containers beside it.
  EXPECT_EQ(one->requests.get(Resources::kCpu), 3600);
  EXPECT_EQ(one->requests.get(Resources::kMemory), std::int64_t{1} << 30);
  EXPECT_EQ(one->requests.get(Resources::kPods), 1);
}

TEST(Requests, OfThePodStandForItsContainers) {
  const auto one = shape(
      "{resources: {requests: {cpu: 2}}, "
      "containers: [{name: c, resources: {requests: {cpu: 1, memory: 1Mi}}}]}");
  EXPECT_EQ(one->requests.get(Resources::kCpu), 2000);
  EXPECT_EQ(one->requests.get(Resources::kMemory), 1 << 20);
}

TEST(Requests, HugeOnesDoNotOverflow) {
  testing::World world;
  const NodeIndex on = world.add(node("n"));
  const auto huge = shape(
      "{containers: [{name: a, resources: {requests: {memory: 9223372036854775807}}}, "
      "{name: b, resources: {requests: {memory: 9223372036854775807}}}]}");
  EXPECT_EQ(world.check(huge, on), Obstacle::kResources);
}

TEST(Pods, PerNodeAreLimited) {
  testing::World world;
  Node small = node("n");
  small.allocatable.set(Resources::kPods, 1);
  const NodeIndex on = world.add(small);
  world.put(shape(asks("10m")), on);
  std::string detail;
  EXPECT_EQ(world.snapshot.check(world.of(shape(asks("10m"))), on, &detail), Obstacle::kResources);
  EXPECT_EQ(explain(Obstacle::kResources, detail), "Too many pods");
}

TEST(Ports, OfTheHostAreTakenOnce) {
  const auto port = [](const std::string& more) {
    return shape("{containers: [{name: c, ports: [{containerPort: 80, hostPort: 80" + more +
                 "}]}]}");
  };
  testing::World world;
  const NodeIndex on = world.add(node("n"));
  const PodIndex pod = world.put(port(", hostIP: 10.0.0.1"), on);
  EXPECT_EQ(world.check(port(""), on), Obstacle::kPorts);
  EXPECT_EQ(world.check(port(", hostIP: 10.0.0.1"), on), Obstacle::kPorts);
  EXPECT_EQ(world.check(port(", hostIP: 10.0.0.2"), on), Obstacle::kNone);
  EXPECT_EQ(world.check(port(", protocol: UDP"), on), Obstacle::kNone);
  const auto on_host =
      shape("{hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}]}]}");
  EXPECT_EQ(world.check(on_host, on), Obstacle::kPorts);
  world.snapshot.unplace(pod);
  EXPECT_EQ(world.check(port(""), on), Obstacle::kNone);
}

TEST(Volumes, AreLimitedByDriverAndCountedOnce) {
  testing::World world;
  Node limited = node("n");
  limited.volume_limits["csi.kubevirt.io"] = 2;
  const NodeIndex on = world.add(limited);
  const auto volume = [](std::string handle, std::string driver = "csi.kubevirt.io") {
    VolumeUse out;
    out.driver = std::move(driver);
    out.handle = std::move(handle);
    return out;
  };
  const auto pod = shape(asks("10m"));
  world.put(pod, on, {volume("a")});
  world.put(pod, on, {volume("b")});
  const auto check = [&](std::vector<VolumeUse> volumes) {
    return world.snapshot.check(world.of(pod, std::move(volumes)), on);
  };
  EXPECT_EQ(check({volume("c")}), Obstacle::kVolumeLimit);
  EXPECT_EQ(check({volume("a")}), Obstacle::kNone);
  EXPECT_EQ(check({volume("")}), Obstacle::kVolumeLimit);
  EXPECT_EQ(check({volume("c", "other")}), Obstacle::kNone);
  VolumeUse elsewhere = volume("a");
  elsewhere.node_terms = NodeTerms{{{{"zone", Requirement::Operator::kIn, {"b"}}}, {}}};
  EXPECT_EQ(check({elsewhere}), Obstacle::kVolumeAffinity);
}

}  // namespace
}  // namespace nestor::autoscale
