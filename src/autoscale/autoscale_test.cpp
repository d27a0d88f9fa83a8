#include <gtest/gtest.h>

#include "api/cluster/labels.hpp"
#include "api/core/config_map.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "autoscale/pace.hpp"
#include "autoscale/status.hpp"
#include "autoscale/tenant_kinds.hpp"
#include "autoscale/testing/room.hpp"
#include "kube/metrics.hpp"

namespace nestor::autoscale {
namespace {

using api::cluster::Machine;
using api::core::ConfigMap;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::api_node;
using testing::api_pod;
using testing::AutoscaleRoom;
using testing::kEvent;
using testing::Room;

constexpr kube::ResourceType kBudget{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"};

TEST_F(AutoscaleRoom, AnUnschedulablePodRaisesReplicas) {
  add_group(1, 3, 1);
  add_pod("old", "3", "w1");
  add_pod("new", "2");
  EXPECT_EQ(replicas(), 1);
  world.pass(Pace::kBatch);
  world.pass(seconds(1));
  EXPECT_EQ(replicas(), 2);
  EXPECT_EQ(event("TriggeredScaleUp"),
            "pod triggered scale-up: [{MachineDeployment/default/workers 1->2 (max: 3)}]");
  // No more for the same pod while the node is on its way, nor when it is there.
  follow(false);
  world.pass(minutes(1));
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, WritesUpstreamsStatus) {
  add_group(1, 3, 1);
  world.pass(seconds(11));
  const auto map = world.tenant.peek<ConfigMap>({"kube-system", "cluster-autoscaler-status"});
  ASSERT_TRUE(map);
  EXPECT_TRUE(map->metadata.annotations.contains("cluster-autoscaler.kubernetes.io/last-updated"));
  const Json status = testing::yaml(map->data.at("status"));
  EXPECT_EQ(find_string(status, {"autoscalerStatus"}), "Running");
  EXPECT_EQ(find_string(status, {"clusterWide", "health", "status"}), "Healthy");
  const Json& one = status.at("nodeGroups").as_array().at(0);
  EXPECT_EQ(find_string(one, {"name"}), "MachineDeployment/default/workers");
  EXPECT_EQ(one.at("health").at("cloudProviderTarget").as_int64(), 1);
  EXPECT_EQ(one.at("health").at("nodeCounts").at("registered").at("ready").as_int64(), 1);
  EXPECT_EQ(find_string(one, {"scaleUp", "status"}), "NoActivity");
}

TEST_F(AutoscaleRoom, AnIdleTenantIsNotWrittenTo) {
  add_group(1, 3, 1);
  world.pass(minutes(1));
  world.tenant.clear_calls();
  world.management.clear_calls();
  world.pass(minutes(30));
  EXPECT_EQ(world.tenant.count("patch") + world.tenant.count("apply") + world.tenant.count("list"),
            0U);
  EXPECT_EQ(world.management.count("patch"), 0U);
}

TEST_F(AutoscaleRoom, APercentageThatMovesIsToldNowAndThen) {
  add_group(1, 3, 2);
  add_pod("a", "2500m", "w1");
  add_pod("b", "2500m", "w2");
  world.pass(minutes(1));
  const auto report = [&] { return std::string(group().metadata.annotation(kReportAnnotation)); };
  ASSERT_NE(report().find("ask for 63%"), std::string::npos) << report();
  Metrics metrics;
  kube::set_metrics(&metrics);
  world.management.clear_calls();
  add_pod("c", "500m", "w1");
  world.pass(minutes(3));
  EXPECT_EQ(world.management.count("patch"), 0U);
  const std::string text = metrics.serialize();
  EXPECT_NE(text.find("cluster_autoscaler_function_duration_seconds_count{cluster=\"demo\","
                      "function=\"main\",namespace=\"default\"} 1\n"),
            std::string::npos)
      << text;
  world.pass(minutes(3));
  kube::set_metrics(nullptr);
  EXPECT_EQ(world.management.count("patch"), 1U);
  EXPECT_NE(report().find("ask for 75%"), std::string::npos) << report();
  // Words are told at once.
  add_pod("keeps", "100m", "w2");
  world.tenant.put(Pod::kType, api_pod("b", "100m", "w2", "", "", "default", ""));
  world.pass(seconds(15));
  EXPECT_NE(report().find("BlockedByPod"), std::string::npos) << report();
}

TEST_F(AutoscaleRoom, TheMaximumIsSaidAndARaisedOneIsUsed) {
  add_group(1, 1, 1);
  add_pod("old", "3", "w1");
  add_pod("new", "2");
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 1);
  EXPECT_EQ(event("NotTriggerScaleUp"),
            "pod didn't trigger scale-up: 1 max node group size reached");
  EXPECT_NE(group().metadata.annotation(kReportAnnotation).find("max node group size reached"),
            std::string_view::npos);
  annotate(std::string(api::cluster::kAutoscalerMaxSizeAnnotation), "2");
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, SizesThatCannotBeUsedAreSaid) {
  add_group(3, 1, 1);
  add_pod("old", "3", "w1");
  add_pod("new", "2");
  world.pass(minutes(1));
  EXPECT_EQ(replicas(), 1);
  const auto report = [&] { return std::string(group().metadata.annotation(kReportAnnotation)); };
  const auto events = [&] {
    std::string out;
    for (const Json& one : world.management.all(kEvent)) {
      out += std::string(find_string(one, {"reason"})) + ": " +
             std::string(find_string(one, {"message"})) + "\n";
    }
    return out;
  };
  const std::string fault = "the maximum size 1 is less than the minimum size 3";
  EXPECT_NE(report().find(fault), std::string::npos) << report();
  EXPECT_EQ(events(), "NotScaled: " + fault + "\n");
  world.management.clear_calls();
  world.pass(minutes(30));
  EXPECT_EQ(world.management.count("patch"), 0U);
  annotate(std::string(api::cluster::kAutoscalerMaxSizeAnnotation), "many");
  world.pass(seconds(2));
  EXPECT_NE(report().find("expected a whole number"), std::string::npos) << report();
  annotate(std::string(api::cluster::kAutoscalerMaxSizeAnnotation), "5");
  world.pass(seconds(2));
  EXPECT_EQ(report().find("fault"), std::string::npos) << report();
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, FromZeroByAnnotations) {
  add_group(0, 3, 0);
  add_pod("new", "2");
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 0);
  EXPECT_NE(event("NotTriggerScaleUp").find("CPU and memory are not known"), std::string::npos);
  annotate("capacity.cluster-autoscaler.kubernetes.io/cpu", "2");
  annotate("capacity.cluster-autoscaler.kubernetes.io/memory", "4Gi");
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, FromZeroByTheInfrastructureTemplate) {
  using api::infrastructure::KubevirtMachineTemplate;
  KubevirtMachineTemplate infra;
  infra.metadata.name = "small";
  infra.metadata.namespace_ = "default";
  infra.status.capacity = {{"cpu", Json(4)}, {"memory", Json("8Gi")}};
  world.management.put(infra);
  add_group(0, 3, 0);
  auto one = group();
  one.spec.template_.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io",
                                               "KubevirtMachineTemplate", "small"};
  world.management.put(one);
  // Fits the machine, but not the node that it becomes: it would be made again and again.
  const auto put = [&](const std::string& name, const std::string& memory) {
    const std::string asks = "resources: {requests: {memory: " + memory + "}}";
    world.tenant.put(Pod::kType, api_pod(name, "2", "", "", asks));
    world.pass(seconds(2));
  };
  put("large", "7900Mi");
  EXPECT_EQ(replicas(), 0);
  put("new", "7Gi");
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, AnIdleNodeIsRemovedAfterItsDelay) {
  add_group(1, 3, 2);
  add_pod("busy", "3", "w1");
  world.pass(seconds(15));
  EXPECT_EQ(taint("w2", kDeletionCandidateTaint), "PreferNoSchedule");
  EXPECT_EQ(taint("w1", kDeletionCandidateTaint), "");
  world.pass(minutes(9));
  EXPECT_EQ(replicas(), 2);
  world.pass(minutes(1));
  EXPECT_EQ(taint("w2", kToBeDeletedTaint), "NoSchedule");
  world.pass(seconds(15));
  EXPECT_EQ(replicas(), 1);
  follow();
  EXPECT_TRUE(gone("w2"));
  EXPECT_FALSE(gone("w1"));
  EXPECT_EQ(event("ScaleDown"), "node removed by cluster autoscaler");
  world.pass(minutes(1));
  EXPECT_EQ(group().metadata.annotation("autoscaler.nestor.dev/removing"), "");
}

TEST_F(AutoscaleRoom, GroupsMaySetTheirOwnDelay) {
  add_group(0, 3, 2);
  annotate("cluster.x-k8s.io/autoscaling-options-scaledownunneededtime", "30s");
  add_pod("busy", "3", "w1");
  world.pass(minutes(1));
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, ABudgetBlocks) {
  add_group(1, 3, 2);
  world.tenant.put(kBudget,
                   testing::yaml("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: "
                                 "{name: web, namespace: default}, spec: {selector: {matchLabels: "
                                 "{app: web}}}, status: {disruptionsAllowed: 0}}"));
  add_pod("busy", "2500m", "w1");
  add_pod("small", "1", "w2");
  world.pass(minutes(20));
  EXPECT_EQ(replicas(), 2);
  EXPECT_EQ(taint("w2", kDeletionCandidateTaint), "");
  EXPECT_NE(group().metadata.annotation(kReportAnnotation).find("PodDisruptionBudget default/web"),
            std::string_view::npos);
}

TEST_F(AutoscaleRoom, ARestartDoesNotBeginTheDelayAnew) {
  add_group(1, 3, 2);
  add_pod("busy", "3", "w1");
  world.pass(minutes(8));
  restart();
  world.pass(minutes(2));
  world.pass(seconds(25));
  EXPECT_EQ(replicas(), 1);
}

TEST(Killed, AtAnyWriteItEndsTheSame) {
  // The n-th write of the manager and all after it are lost until it is started again.
  for (int n = 0; n < 12; ++n) {
    SCOPED_TRACE(n);
    Room room;
    int writes = 0;
    bool dead = false;
    const auto killer = [&](const kube::testing::FakeCall& call) -> std::optional<Error> {
      if (call.verb != "patch" && call.verb != "apply" && call.verb != "create") return {};
      if (writes++ == n) dead = true;
      if (!dead) return {};
      return Error{Code::kUnavailable, "killed", {}};
    };
    room.add_group(1, 3, 2);
    room.world.management.on_call(killer);
    room.world.tenant.on_call(killer);
    room.add_pod("busy", "3", "w1");
    for (int step = 0; step < 30; ++step) {
      room.world.pass(seconds(30));
      if (dead) {
        dead = false;
        room.restart();
      }
      room.follow();
    }
    EXPECT_EQ(room.replicas(), 1);
    EXPECT_TRUE(room.gone("w2"));
    EXPECT_FALSE(room.gone("w1"));
    EXPECT_EQ(room.taint("w1", kToBeDeletedTaint), "");
    room.world.management.on_call({});
    room.world.tenant.on_call({});
  }
}

TEST_F(AutoscaleRoom, APersonsChangeInBetweenWins) {
  add_group(1, 5, 1);
  add_pod("old", "3", "w1");
  bool raced = false;
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "patch" || call.plural != "machinedeployments" || raced) return {};
    raced = true;
    auto one = group();
    one.spec.replicas = 4;
    world.management.put(one);
    return {};
  });
  add_pod("new", "2");
  world.pass(seconds(3));
  EXPECT_TRUE(raced);
  EXPECT_EQ(replicas(), 4);
  world.management.on_call({});
}

TEST_F(AutoscaleRoom, AGroupThatIsRefusedItsGrowthPausesAndAnotherHelps) {
  add_group(0, 1, 0);
  annotate("capacity.cluster-autoscaler.kubernetes.io/cpu", "4");
  annotate("capacity.cluster-autoscaler.kubernetes.io/memory", "8Gi");
  auto other = group();
  other.metadata = {};
  other.metadata.name = "wide";
  other.metadata.namespace_ = "default";
  other.metadata.annotations = group().metadata.annotations;
  // The expander takes the one of which less is left over.
  other.metadata.annotations["capacity.cluster-autoscaler.kubernetes.io/cpu"] = "5";
  world.management.put(other);
  world.run();
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "patch" || call.key.name != key.name) return {};
    return Error{Code::kPermissionDenied, "admission webhook says no", {}};
  });
  add_pod("new", "3");
  world.pass(seconds(5));
  EXPECT_EQ(replicas(), 0);
  const auto wide = [&] {
    return world.management.peek<testing::MachineDeployment>({"default", "wide"})->spec.replicas;
  };
  EXPECT_EQ(wide(), 1);
  EXPECT_EQ(event("TriggeredScaleUp"),
            "pod triggered scale-up: [{MachineDeployment/default/wide 0->1 (max: 1)}]");
  int failures = 0;
  for (const Json& one : world.management.all(kEvent)) {
    failures += find_string(one, {"reason"}) == "FailedToScaleUpGroup" ? 1 : 0;
  }
  EXPECT_EQ(failures, 1);
  // After the pause it is tried again.
  world.management.on_call({});
  add_pod("more", "3");
  world.pass(minutes(4));
  EXPECT_EQ(replicas(), 0);
  world.pass(minutes(2));
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, AFaultyGroupThatTakesNoWriteKeepsNoOtherFromGrowing) {
  add_group(3, 1, 0);
  auto other = group();
  other.metadata = {};
  other.metadata.name = "wide";
  other.metadata.namespace_ = "default";
  other.metadata.annotations = group().metadata.annotations;
  other.metadata.annotations[std::string(api::cluster::kAutoscalerMinSizeAnnotation)] = "0";
  other.metadata.annotations["capacity.cluster-autoscaler.kubernetes.io/cpu"] = "4";
  other.metadata.annotations["capacity.cluster-autoscaler.kubernetes.io/memory"] = "8Gi";
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "patch" || call.key.name != key.name) return {};
    return Error{Code::kPermissionDenied, "admission webhook says no", {}};
  });
  annotate("note", "x");
  world.management.put(other);
  add_pod("new", "3");
  world.pass(seconds(5));
  EXPECT_EQ(world.management.peek<testing::MachineDeployment>({"default", "wide"})->spec.replicas,
            1);
}

TEST_F(AutoscaleRoom, ANodeThatTakesNoMarkKeepsNoOtherFromGoing) {
  add_group(1, 3, 3);
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "patch" || call.key.name != "w1") return {};
    return Error{Code::kPermissionDenied, "admission webhook says no", {}};
  });
  world.pass(minutes(12));
  follow();
  EXPECT_EQ(replicas(), 2);
  EXPECT_FALSE(gone("w1"));
}

TEST_F(AutoscaleRoom, GroupsWithoutAnnotationsCostNothing) {
  add_group(1, 3, 1);
  auto one = group();
  restart();
  one.metadata.annotations.clear();
  world.management.put(one);
  restart();
  add_pod("new", "9");
  world.tenant.clear_calls();
  world.pass(minutes(1));
  EXPECT_EQ(world.tenant.count("list", "pods"), 0U);
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, WhatANodeCanAttachCounts) {
  add_group(1, 3, 1);
  const auto put = [&](const kube::ResourceType& type, const std::string& text) {
    world.tenant.put(type, testing::yaml("{metadata: {name: " + text + "}"));
  };
  put(CsiNode::kType, "w1}, spec: {drivers: [{name: csi.kubevirt.io, allocatable: {count: 1}}]}");
  put(StorageClass::kType,
      "fast}, provisioner: csi.kubevirt.io, volumeBindingMode: WaitForFirstConsumer");
  put(PersistentVolume::kType, "pv1}, spec: {csi: {driver: csi.kubevirt.io, volumeHandle: v1}}");
  put(PersistentVolumeClaim::kType, "a, namespace: default}, spec: {volumeName: pv1}");
  put(PersistentVolumeClaim::kType, "b, namespace: default}, spec: {storageClassName: fast}");
  const auto claims = [](const std::string& name) {
    return "volumes: [{name: v, persistentVolumeClaim: {claimName: " + name + "}}]";
  };
  world.tenant.put(Pod::kType, api_pod("old", "1", "w1", "", claims("a")));
  world.tenant.put(Pod::kType, api_pod("new", "1", "", "", claims("b")));
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, NoNodeHelpsAPodThatWaitsForItsVolume) {
  add_group(1, 3, 1);
  add_pod("old", "4", "w1");
  world.tenant.put(StorageClass::kType,
                   testing::yaml("{metadata: {name: now}, provisioner: csi.kubevirt.io, "
                                 "volumeBindingMode: Immediate}"));
  const auto claim = [&](const std::string& name, const std::string& spec) {
    world.tenant.put(
        PersistentVolumeClaim::kType,
        testing::yaml("{metadata: {name: " + name + ", namespace: default}, spec: " + spec + "}"));
  };
  claim("immediate", "{storageClassName: now}");
  claim("classless", "{}");
  const std::string unbound = "1 pod has unbound immediate PersistentVolumeClaims";
  const std::map<std::string, std::string> expected{
      {"immediate", unbound},
      {"classless", unbound},
      {"forgotten", "1 persistentvolumeclaim \"forgotten\" not found"}};
  for (const auto& [name, why] : expected) {
    const std::string volume = "persistentVolumeClaim: {claimName: " + name + "}";
    world.tenant.put(Pod::kType,
                     api_pod(name, "1", "", "", "volumes: [{name: v, " + volume + "}]"));
  }
  world.pass(seconds(15));
  EXPECT_EQ(replicas(), 1);
  std::map<std::string, std::string> told;
  for (const Json& one : world.tenant.all(kEvent)) {
    if (find_string(one, {"reason"}) != "NotTriggerScaleUp") continue;
    told[std::string(find_string(one, {"involvedObject", "name"}))] = find_string(one, {"message"});
  }
  for (const auto& [name, why] : expected) {
    EXPECT_EQ(told[name], "pod didn't trigger scale-up: " + why);
  }
  // Bound it is a pod like others.
  claim("immediate", "{storageClassName: now, volumeName: pv}");
  world.pass(seconds(15));
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, NamespacesAreSelectedByTheirLabels) {
  add_group(1, 3, 1);
  const auto put = [&](const std::string& name, const std::string& team) {
    world.tenant.put(kNamespaceType, testing::yaml("{metadata: {name: " + name +
                                                   ", labels: {team: " + team + "}}}"));
  };
  put("shop", "red");
  world.tenant.put(Pod::kType, api_pod("old", "1", "w1", "", "", "shop"));
  world.pass(minutes(1));
  EXPECT_EQ(world.tenant.count("list", "namespaces"), 0U);
  const auto apart = [](const std::string& team) {
    return "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
           "[{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}, "
           "namespaceSelector: {matchLabels: {team: " +
           team + "}}}]}}";
  };
  world.tenant.put(Pod::kType, api_pod("friend", "1", "", "", apart("blue")));
  world.pass(seconds(2));
  EXPECT_EQ(replicas(), 1);
  world.tenant.put(Pod::kType, api_pod("foe", "1", "", "", apart("red")));
  world.pass(seconds(12));
  EXPECT_EQ(replicas(), 2);
}

TEST_F(AutoscaleRoom, ANodeCountsOnceBeforeItsMachineNamesIt) {
  add_group(1, 5, 1);
  add_pod("old", "4", "w1");
  add_pod("new", "4");
  world.pass(seconds(2));
  ASSERT_EQ(replicas(), 2);
  follow(false);
  auto machine = world.management.peek<Machine>({"default", "w2"}).value();
  machine.spec.providerID = "kubevirt://w2";
  world.management.put(machine);
  auto node = api_node("w2", true, world.clock.now());
  node.spec.providerID = "kubevirt://w2";
  world.tenant.put(node);
  add_pod("more", "4");
  world.pass(seconds(12));
  EXPECT_EQ(replicas(), 3);
}

TEST_F(AutoscaleRoom, ALargeTenantIsDecidedOnTheSide) {
  // Before there is a group, since then nobody watches them one by one.
  world.tenant.put(api_node("other"));
  Json small = api_pod("p", "1m", "other");
  for (int i = 0; i < 3000; ++i) {
    small.as_object()["metadata"].as_object()["name"] = "p" + std::to_string(i);
    world.tenant.put(Pod::kType, small);
  }
  add_pod("full", "1", "other");
  add_pod("new", "4");
  add_group(0, 9, 0);
  annotate("capacity.cluster-autoscaler.kubernetes.io/cpu", "4");
  annotate("capacity.cluster-autoscaler.kubernetes.io/memory", "4Gi");
  // The work is on another thread, in real time.
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  while (replicas() == 0 && std::chrono::steady_clock::now() < until) {
    world.clock.advance(std::chrono::milliseconds(1));
    world.io.restart();
    world.io.run_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(replicas(), 1);
}

TEST_F(AutoscaleRoom, APausedClusterIsLeftAlone) {
  add_group(1, 3, 1);
  auto cluster = world.management.peek<api::cluster::Cluster>(world.demo).value();
  cluster.spec.paused = true;
  world.management.put(cluster);
  add_pod("old", "3", "w1");
  add_pod("new", "2");
  world.pass(minutes(1));
  EXPECT_EQ(replicas(), 1);
}

}  // namespace
}  // namespace nestor::autoscale
