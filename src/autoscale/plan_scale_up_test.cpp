#include <gtest/gtest.h>

#include "autoscale/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using std::chrono::minutes;
using testing::api_node;
using testing::api_pod;
using testing::count;
using testing::message;
using testing::Scene;

TEST(ScaleUp, APodThatFitsNowhereAddsANode) {
  Scene scene;
  scene.group("a", 1, 3);
  scene.node_of("a-1");
  scene.pod(api_pod("old", "3", "a-1"));
  scene.pod(api_pod("new", "2"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 2);
  EXPECT_EQ(out.groups[0].state.last_scale_up, scene.now);
  EXPECT_EQ(message(out, "TriggeredScaleUp"),
            "pod triggered scale-up: [{MachineDeployment/ns/a 1->2 (max: 3)}]");
  EXPECT_EQ(count(out, "ScaledUpGroup"), 1);
}

TEST(ScaleUp, APodThatFitsIsLeftToTheScheduler) {
  Scene scene;
  scene.group("a", 1, 3);
  scene.node_of("a-1");
  scene.pod(api_pod("new", "2"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_TRUE(out.notes.empty());
}

TEST(ScaleUp, NodesOnTheirWayAreCounted) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.node_of("a-1");
  scene.machine("a-2", "", minutes(1));
  scene.machine("a-3", "a-3", minutes(1));
  auto starting = api_node("a-3", false);
  starting.metadata.creationTimestamp = format_rfc3339(scene.now - minutes(1));
  scene.add(starting);
  scene.pod(api_pod("old", "4", "a-1"));
  for (int i = 0; i < 4; ++i) scene.pod(api_pod("p" + std::to_string(i), "2"));
  EXPECT_EQ(scene.decide().groups[0].replicas, std::nullopt);
  scene.pod(api_pod("p4", "2"));
  EXPECT_EQ(scene.decide().groups[0].replicas, 4);
}

TEST(ScaleUp, ANodeWhoseStartingTaintIsStillThereIsOnItsWay) {
  Scene scene;
  scene.group("workers", 1, 3);
  scene.machine("workers-0", "workers-0");
  auto node = api_node("workers-0");
  node.metadata.creationTimestamp = format_rfc3339(scene.now - std::chrono::minutes(1));
  node.spec.taints.emplace_back().key = "node.kubernetes.io/not-ready";
  node.spec.taints.back().effect = "NoSchedule";
  scene.add(node);
  scene.pod(api_pod("web", "1"));
  const Decision decision = scene.decide();
  EXPECT_FALSE(decision.groups[0].replicas);
  EXPECT_EQ(decision.groups[0].report.not_started, 1);
}

TEST(ScaleUp, TheMaximumHolds) {
  Scene scene;
  scene.group("a", 0, 2);
  for (int i = 0; i < 5; ++i) scene.pod(api_pod("p" + std::to_string(i), "4"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 2);
  EXPECT_EQ(count(out, "TriggeredScaleUp"), 2);
  EXPECT_EQ(count(out, "NotTriggerScaleUp"), 3);
  EXPECT_EQ(message(out, "NotTriggerScaleUp"),
            "pod didn't trigger scale-up: 1 max node group size reached");
}

TEST(ScaleUp, TheTotalHolds) {
  Scene scene;
  scene.view.options.max_nodes_total = 2;
  scene.group("a", 0, 9);
  scene.add(api_node("other"));
  scene.pod(api_pod("full", "4", "other"));
  for (int i = 0; i < 3; ++i) scene.pod(api_pod("p" + std::to_string(i), "4"));
  EXPECT_EQ(scene.decide().groups[0].replicas, 1);
}

TEST(ScaleUp, SaysWhatEachGroupLacks) {
  Scene scene;
  scene.group("a", 0, 2);
  scene.group("b", 0, 2).no_template = "nothing known";
  scene.view.groups[1].template_node = nullptr;
  scene.group("c", 0, 2).state.backoff_until = scene.now + minutes(1);
  scene.pod(api_pod("huge", "64"));
  const Decision out = scene.decide();
  EXPECT_EQ(message(out, "NotTriggerScaleUp"),
            "pod didn't trigger scale-up: 1 Insufficient cpu, 1 in backoff after failed scale-up, "
            "1 nothing known");
  EXPECT_EQ(out.groups[2].report.scale_up, "Backoff");
  EXPECT_EQ(out.next, scene.now + minutes(1));
}

TEST(ScaleUp, SeveralGroupsHelpDifferentPods) {
  Scene scene;
  scene.group("a", 0, 5);
  auto gpu = testing::node("gpu");
  gpu.allocatable.set("nvidia.com/gpu", 1);
  gpu.taints.emplace_back();
  gpu.taints.back().key = "gpu";
  gpu.taints.back().effect = "NoSchedule";
  scene.group("g", 0, 5).template_node = std::make_shared<const Node>(gpu);
  scene.pod(api_pod("plain", "1"));
  scene.pod(testing::yaml(
      "{metadata: {name: learn, namespace: default}, spec: {tolerations: [{operator: Exists}], "
      "containers: [{name: c, resources: {requests: {nvidia.com/gpu: 1}}}]}, status: "
      "{conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}}"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 1);
  EXPECT_EQ(out.groups[1].replicas, 1);
}

TEST(ScaleUp, ExpandersChoose) {
  const struct {
    std::vector<std::string> chain;
    int expected;
  } cases[] = {{{"least-waste"}, 0},
               {{"least-nodes"}, 1},
               {{"most-pods", "least-waste"}, 0},
               {{"priority"}, 1}};
  for (const auto& one : cases) {
    Scene scene;
    scene.view.options.expander = one.chain;
    scene.view.priorities = Priorities::parse("{10: ['.*'], 50: ['/big$']}").value();
    scene.group("small", 0, 9).template_node =
        std::make_shared<const Node>(testing::node("t", 1000, 2048));
    scene.group("big", 0, 9).template_node =
        std::make_shared<const Node>(testing::node("t", 16000, 65536));
    for (int i = 0; i < 3; ++i) scene.pod(api_pod("p" + std::to_string(i), "1"));
    const Decision out = scene.decide();
    EXPECT_EQ(out.groups[0].replicas, one.expected == 0 ? std::optional(3) : std::nullopt)
        << one.chain[0];
    EXPECT_EQ(out.groups[1].replicas, one.expected == 1 ? std::optional(1) : std::nullopt)
        << one.chain[0];
  }
}

TEST(ScaleUp, SomePodsDoNotCount) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.add(api_node("other"));
  scene.pod(api_pod("full", "4", "other"));
  scene.pod(api_pod("expendable", "1", "", "", "priority: -11"));
  scene.pod(api_pod("daemon", "1", "", "", "", "default", "DaemonSet"));
  scene.pod(api_pod("going", "1", "", "deletionTimestamp: '2026-03-01T12:00:00Z'"));
  Json nominated = api_pod("nominated", "1");
  nominated.as_object()["status"].as_object()["nominatedNodeName"] = "other";
  scene.pod(nominated);
  EXPECT_EQ(scene.decide().groups[0].replicas, std::nullopt);
}

TEST(ScaleUp, AYoungPodWaitsForItsDelay) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.now = testing::kNow - std::chrono::hours(1) + minutes(5);
  scene.pod(api_pod("p", "1", "",
                    "annotations: {cluster-autoscaler.kubernetes.io/pod-scale-up-delay: 10m}"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, testing::kNow - std::chrono::hours(1) + minutes(10));
}

TEST(ScaleUp, PodsOfANodeThatIsGoingAreWaitedFor) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.node_of("a-1");
  scene.view.groups[0].machines[0].deleting = true;
  scene.view.groups[0].target = 0;
  scene.pod(api_pod("old", "3", "a-1"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 1);
  EXPECT_EQ(count(out, "TriggeredScaleUp"), 0);
}

TEST(ScaleUp, ManyPodsAreTakenPartByPart) {
  Scene scene;
  scene.group("a", 0, 1);
  scene.pod(api_pod("p", "64"));
  for (int i = 0; i < 3009; ++i) scene.view.pods.push_back(scene.view.pods.front());
  const Decision out = scene.decide();
  EXPECT_EQ(out.helpless, 3000);
  EXPECT_EQ(out.next, scene.now + std::chrono::seconds(1));
}

TEST(ScaleUp, AnIllClusterIsNotChanged) {
  Scene scene;
  scene.group("a", 0, 9);
  for (int i = 0; i < 4; ++i) scene.node_of("a-" + std::to_string(i), false);
  scene.node_of("a-4");
  scene.pod(api_pod("full", "4", "a-4"));
  scene.pod(api_pod("new", "1"));
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(count(out, "ClusterUnhealthy"), 1);
  EXPECT_FALSE(out.healthy);
}

}  // namespace
}  // namespace nestor::autoscale
