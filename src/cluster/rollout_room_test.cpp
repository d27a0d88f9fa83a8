#include <gmock/gmock.h>

#include "cluster/testing/room.hpp"

namespace nestor::cluster {
namespace {

using namespace testing;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* kRevision = "machinedeployment.clusters.x-k8s.io/revision";

struct RolloutRoom : ClusterRoom {
  RolloutRoom() { control_plane_up(); }
  void change(const std::function<void(MachineDeployment&)>& change) {
    auto deployment = read<MachineDeployment>("workers");
    change(deployment);
    world.management.put(deployment);
    world.run();
  }
  /// Time passes and guests join until nothing moves any more; there are never more than `most`
  /// Machines.
  void roll(std::size_t most) {
    for (int i = 0; i < 8; ++i) {
      world.pass(seconds(1));
      EXPECT_LE(count<Machine>(), most);
      join_all();
    }
  }
  std::set<std::string> machine_names() {
    std::set<std::string> names;
    for (const auto& machine : world.management.all<Machine>()) names.insert(machine.metadata.name);
    return names;
  }
};

TEST_F(RolloutRoom, RollsToANewVersionAndRemovesTheOldSet) {
  add_deployment(2);
  join_all();
  EXPECT_EQ(read<MachineDeployment>("workers").metadata.annotation(kRevision), "1");
  change([](auto& deployment) { deployment.spec.template_.spec.version = "v1.38.0"; });
  EXPECT_EQ(count<Machine>(), 3U);
  bool outdated = false;
  for (const auto& machine : world.management.all<Machine>()) {
    if (machine.spec.version == "v1.38.0") continue;
    outdated = true;
    EXPECT_THAT(condition(machine, "UpToDate").message, HasSubstr("v1.38.0"));
    const auto node = world.tenant.peek<Node>({"", machine.metadata.name}).value();
    ASSERT_EQ(node.spec.taints.size(), 1U);
    EXPECT_EQ(node.spec.taints[0].key, "node.cluster.x-k8s.io/outdated-revision");
  }
  EXPECT_TRUE(outdated);
  roll(3);
  ASSERT_EQ(count<Machine>(), 2U);
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_EQ(machine.spec.version, "v1.38.0");
  }
  EXPECT_EQ(count<MachineSet>(), 1U);
  const auto after = read<MachineDeployment>("workers");
  EXPECT_EQ(after.metadata.annotation(kRevision), "2");
  EXPECT_EQ(after.status.upToDateReplicas, 2);
  EXPECT_FALSE(kube::condition_true(after.status.conditions, "RollingOut"));
}

TEST_F(RolloutRoom, AVersionThatWasTakenBackComesAgainAtOnce) {
  add_deployment(2);
  join_all();
  const auto want = [&](const std::string& version) {
    change([&](auto& deployment) { deployment.spec.template_.spec.version = version; });
  };
  want("v1.38.0");
  EXPECT_EQ(count<MachineSet>(), 2U);
  want("v1.37.2");
  roll(3);
  EXPECT_EQ(count<MachineSet>(), 1U);
  want("v1.38.0");
  EXPECT_EQ(count<MachineSet>(), 2U);
}

TEST_F(RolloutRoom, LabelsAndLimitsReachTheMachinesWithoutNewOnes) {
  add_deployment(2);
  join_all();
  const auto before = machine_names();
  change([](auto& deployment) {
    deployment.spec.template_.metadata.labels["node.cluster.x-k8s.io/pool"] = "a";
    deployment.spec.template_.metadata.annotations["note"] = "x";
    deployment.spec.template_.spec.deletion.nodeDrainTimeoutSeconds = 33;
  });
  world.pass(seconds(5));
  EXPECT_EQ(machine_names(), before);
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_EQ(machine.metadata.labels.at("node.cluster.x-k8s.io/pool"), "a");
    EXPECT_EQ(machine.metadata.annotation("note"), "x");
    EXPECT_EQ(machine.spec.deletion.nodeDrainTimeoutSeconds, 33);
    const auto node = world.tenant.peek<Node>({"", machine.metadata.name}).value();
    EXPECT_EQ(node.metadata.labels.at("node.cluster.x-k8s.io/pool"), "a");
  }
  // And what is taken back goes again.
  change([](auto& deployment) {
    deployment.spec.template_.metadata.labels.erase("node.cluster.x-k8s.io/pool");
  });
  world.pass(seconds(5));
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_FALSE(machine.metadata.labels.contains("node.cluster.x-k8s.io/pool"));
    EXPECT_EQ(machine.status.phase, "Running");
  }
  EXPECT_EQ(count<MachineSet>(), 1U);
}

TEST_F(RolloutRoom, RolloutAfterReplacesAtItsTime) {
  add_deployment(1);
  join_all();
  const auto before = machine_names();
  const auto when = format_rfc3339(world.clock.now() + seconds(30));
  change([&](auto& deployment) { deployment.spec.rollout.after = when; });
  world.pass(seconds(28));
  EXPECT_EQ(machine_names(), before);
  world.pass(seconds(4));
  EXPECT_EQ(count<Machine>(), 2U);
  roll(2);
  EXPECT_EQ(count<Machine>(), 1U);
  EXPECT_NE(machine_names(), before);
  ASSERT_EQ(count<MachineSet>(), 1U);
  EXPECT_EQ(world.management.all<MachineSet>()[0].metadata.annotation("nestor.dev/rollout-after"),
            when);
}

TEST_F(RolloutRoom, OnDeleteReplacesWhatAPersonDeletes) {
  add_deployment(2);
  join_all();
  change([](auto& deployment) {
    deployment.spec.rollout.strategy.type = "OnDelete";
    deployment.spec.template_.spec.version = "v1.38.0";
  });
  roll(2);
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_EQ(machine.spec.version, "v1.37.2");
  }
  world.management.erase(Machine::kType, {"default", *machine_names().begin()});
  roll(2);
  ASSERT_EQ(count<Machine>(), 2U);
  int renewed = 0;
  for (const auto& machine : world.management.all<Machine>()) {
    renewed += machine.spec.version == "v1.38.0" ? 1 : 0;
  }
  EXPECT_EQ(renewed, 1);
}

TEST_F(RolloutRoom, APausedDeploymentScalesButDoesNotRoll) {
  add_deployment(1);
  join_all();
  change([](auto& deployment) {
    deployment.spec.paused = true;
    deployment.spec.template_.spec.version = "v1.38.0";
    deployment.spec.replicas = 2;
  });
  join_all();
  EXPECT_EQ(count<Machine>(), 2U);
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_EQ(machine.spec.version, "v1.37.2");
  }
}

TEST_F(RolloutRoom, ReplicasAreWrittenOnceAndNeverReset) {
  auto unsized = deployment();
  auto& notes = unsized.metadata.annotations;
  notes["cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"] = "1";
  notes["cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"] = "3";
  world.management.put(unsized);
  world.run();
  EXPECT_EQ(read<MachineDeployment>("workers").spec.replicas, 1);
  scale(3);
  change([](auto& one) { one.spec.template_.spec.version = "v1.38.0"; });
  EXPECT_EQ(read<MachineDeployment>("workers").spec.replicas, 3);
  // A whole new object without the number, as some tools write it.
  change([](auto& one) { one.spec.replicas.reset(); });
  EXPECT_EQ(read<MachineDeployment>("workers").spec.replicas, 3);
}

TEST_F(RolloutRoom, AFailedCreationShowsAndMendsItself) {
  bool quota = true;
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (!quota || call.verb != "create" || call.plural != "kubevirtmachines") return std::nullopt;
    return Error{Code::kPermissionDenied, "exceeded quota", {}};
  });
  add_deployment(1);
  const auto up = [&] {
    const auto status = read<MachineDeployment>("workers").status;
    return *kube::find_condition(status.conditions, "ScalingUp");
  };
  EXPECT_EQ(up().status, "True");
  EXPECT_THAT(up().message, HasSubstr("exceeded quota"));
  EXPECT_THAT(world.management.all<MachineSet>().at(0).status.conditions.size(), ::testing::Gt(0U));
  quota = false;
  world.pass(seconds(10));
  EXPECT_EQ(count<Machine>(), 1U);
  EXPECT_EQ(up().status, "False");
}

TEST_F(RolloutRoom, NoMachineIsMadeWhileTheControlPlaneIsUpgraded) {
  auto plane = read<KamajiControlPlane>("demo");
  plane.spec.version = "v1.37.3";
  plane.status.version = "v1.37.2";
  world.management.put(plane);
  add_deployment(1);
  EXPECT_EQ(count<Machine>(), 0U);
  const auto set = world.management.all<MachineSet>().at(0);
  EXPECT_THAT(kube::find_condition(set.status.conditions, "ScalingUp")->message,
              HasSubstr("ControlPlaneIsStable"));
  plane.status.version = "v1.37.3";
  world.management.put(plane);
  world.run();
  EXPECT_EQ(count<Machine>(), 1U);
}

TEST_F(RolloutRoom, EndsTheSameWhereverItIsKilled) {
  add_deployment(2);
  join_all();
  for (int n = 1; n <= 8; ++n) {
    SCOPED_TRACE(n);
    int writes = 0;
    bool dead = false;
    world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
      const bool write = call.verb != "get" && call.verb != "list" && call.verb != "watch";
      if (write && call.plural != "events" && ++writes == n) dead = true;
      if (!dead) return std::nullopt;
      return Error{Code::kUnavailable, "killed", {}};
    });
    const std::string version = "v1.37." + std::to_string(10 + n);
    change([&](auto& deployment) { deployment.spec.template_.spec.version = version; });
    world.management.on_call({});
    restart();
    roll(3);
    EXPECT_EQ(count<MachineSet>(), 1U);
    ASSERT_EQ(count<Machine>(), 2U);
    EXPECT_EQ(world.management.all<Machine>().at(0).spec.version, version);
    EXPECT_EQ(count<KubevirtMachine>(), 2U);
  }
}

}  // namespace
}  // namespace nestor::cluster
