#include <gtest/gtest.h>

#include "cluster/testing/room.hpp"

/// Objects that validate() refuses: nothing moves, and they say why.
namespace nestor::cluster {
namespace {

using namespace testing;

struct InvalidRoom : ClusterRoom {
  InvalidRoom() {
    control_plane_up();
    add_deployment(1);
    join_all();
  }
  template <class T>
  T change(const std::string& name, const std::function<void(T&)>& change) {
    T object = read<T>(name);
    change(object);
    world.management.put(object);
    world.run();
    world.management.clear_calls();
    world.pass(std::chrono::minutes(1));
    EXPECT_TRUE(world.management.calls().empty()) << "an invalid object was tried again";
    return read<T>(name);
  }
  template <class T>
  void expect_refused(const T& object, std::string_view type, std::string_view fault) {
    const auto* found = kube::find_condition(object.status.conditions, type);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->status, "False");
    EXPECT_EQ(found->reason, "InvalidSpec");
    EXPECT_NE(found->message.find(fault), std::string::npos) << found->message;
  }
};

TEST_F(InvalidRoom, ADeploymentKeepsItsMachinesUntilItIsMended) {
  const auto name = only_machine();
  auto deployment = change<MachineDeployment>("workers", [](auto& it) {
    it.spec.replicas = 3;
    it.spec.template_.spec.version = "latest";
  });
  expect_refused(deployment, "Available", "spec.template.spec.version");
  EXPECT_EQ(only_machine(), name);
  EXPECT_EQ(count<MachineSet>(), 1U);
  deployment.spec.template_.spec.version = "v1.37.2";
  world.management.put(deployment);
  world.run();
  join_all();
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(count<Machine>(), 3U);
  EXPECT_TRUE(
      kube::condition_true(read<MachineDeployment>("workers").status.conditions, "Available"));
}

TEST_F(InvalidRoom, ADeploymentThatNamesNoClusterSaysSo) {
  auto lost = named<MachineDeployment>("lost");
  world.management.put(lost);
  world.run();
  expect_refused(read<MachineDeployment>("lost"), "Available", "spec.clusterName");
  EXPECT_TRUE(read<MachineDeployment>("lost").metadata.finalizers.empty());
}

TEST_F(InvalidRoom, ASetKeepsItsMachines) {
  auto set = named<MachineSet>("own");
  set.spec = world.management.all<MachineSet>().at(0).spec;
  set.spec.selector.matchLabels = {{"pool", "a"}};
  world.management.put(set);
  world.run();
  set = change<MachineSet>("own", [](auto& it) { it.spec.replicas = 2; });
  expect_refused(set, "MachinesReady", "spec.selector");
  EXPECT_EQ(count<Machine>(), 1U);
}

TEST_F(InvalidRoom, AMachineGetsNoInfrastructure) {
  auto machine = named<Machine>("own");
  machine.spec.clusterName = "demo";
  world.management.put(machine);
  world.run();
  machine = change<Machine>("own", [](auto& it) { it.spec.version = "latest"; });
  expect_refused(machine, "Ready", "spec.bootstrap");
  expect_refused(machine, "Ready", "spec.infrastructureRef.name");
  EXPECT_TRUE(machine.metadata.finalizers.empty());
}

TEST_F(InvalidRoom, AClusterStaysAsItIs) {
  const auto cluster = change<Cluster>(
      "demo", [](auto& it) { it.spec.clusterNetwork.pods.cidrBlocks = {"everywhere"}; });
  expect_refused(cluster, "Available", "spec.clusterNetwork.pods.cidrBlocks");
  EXPECT_EQ(count<Machine>(), 1U);
}

TEST_F(InvalidRoom, AllThatIsInvalidCanBeDeleted) {
  change<MachineDeployment>("workers", [](auto& it) { it.spec.template_.spec.version = "x"; });
  change<MachineSet>(world.management.all<MachineSet>().at(0).metadata.name,
                     [](auto& it) { it.spec.template_.spec.version = "x"; });
  change<Machine>(only_machine(), [](auto& it) { it.spec.version = "x"; });
  change<Cluster>("demo", [](auto& it) { it.spec.controlPlaneEndpoint.port = -1; });
  world.management.erase(Cluster::kType, {"default", "demo"});
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(count<Machine>() + count<MachineSet>() + count<MachineDeployment>(), 0U);
  EXPECT_EQ(count<Cluster>(), 0U);
}

}  // namespace
}  // namespace nestor::cluster
