#include "cluster/cluster.hpp"

#include <gtest/gtest.h>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/core/pod.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::cluster {
namespace {

using api::bootstrap::KubeadmConfig;
using api::bootstrap::KubeadmConfigTemplate;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::controlplane::KamajiControlPlane;
using api::core::Node;
using api::infrastructure::KubevirtCluster;
using api::infrastructure::KubevirtMachine;
using api::infrastructure::KubevirtMachineTemplate;

/// The room's controllers over two clusters in memory; the test plays the other rooms.
struct ClusterRoom : ::testing::Test {
  ClusterRoom() {
    world.tenant_up();
    restart();
    Cluster cluster = named<Cluster>("demo");
    cluster.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "demo"};
    cluster.spec.controlPlaneRef = {"controlplane.cluster.x-k8s.io", "KamajiControlPlane", "demo"};
    world.management.put(cluster);
    world.management.put(named<KubevirtCluster>("demo"));
    world.management.put(named<KamajiControlPlane>("demo"));
    world.run();
  }
  /// A crash of the manager.
  void restart() {
    world.stop();
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
  }
  template <class T>
  static T named(const std::string& name) {
    T out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    return out;
  }
  template <class T>
  T read(const std::string& name) {
    auto found = world.management.peek<T>({"default", name});
    EXPECT_TRUE(found.has_value()) << T::kType.kind << " " << name;
    return found.value_or(T{});
  }
  template <class T>
  std::size_t count() {
    return world.management.all<T>().size();
  }
  void control_plane_up() {
    auto infra = read<KubevirtCluster>("demo");
    infra.status.ready = true;
    world.management.put(infra);
    auto plane = read<KamajiControlPlane>("demo");
    plane.status.ready = true;
    plane.status.initialization.controlPlaneInitialized = true;
    world.management.put(plane);
    world.add_kubeconfig();
    world.pass(std::chrono::seconds(1));
  }
  void add_deployment(int replicas) {
    world.management.put(named<KubeadmConfigTemplate>("demo"));
    world.management.put(named<KubevirtMachineTemplate>("demo"));
    auto deployment = named<MachineDeployment>("workers");
    deployment.spec.clusterName = "demo";
    deployment.spec.replicas = replicas;
    deployment.spec.template_.spec.clusterName = "demo";
    deployment.spec.template_.spec.version = "v1.37.2";
    deployment.spec.template_.spec.bootstrap.configRef = {"bootstrap.cluster.x-k8s.io",
                                                          "KubeadmConfigTemplate", "demo"};
    deployment.spec.template_.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io",
                                                        "KubevirtMachineTemplate", "demo"};
    world.management.put(deployment);
    world.run();
  }
  void scale(int replicas) {
    auto deployment = read<MachineDeployment>("workers");
    deployment.spec.replicas = replicas;
    world.management.put(deployment);
    world.run();
  }
  /// What the other rooms and the guest do until the Node is there.
  void join(const std::string& name) {
    auto config = read<KubeadmConfig>(name);
    config.status.dataSecretName = name;
    config.status.initialization.dataSecretCreated = true;
    world.management.put(config);
    auto machine = read<KubevirtMachine>(name);
    machine.spec.providerID = "kubevirt://" + name;
    machine.status.ready = true;
    world.management.put(machine);
    Node node;
    node.metadata.name = name;
    node.spec.providerID = "kubevirt://" + name;
    api::core::Taint taint;
    taint.key = "node.cluster.x-k8s.io/uninitialized";
    taint.effect = "NoSchedule";
    node.spec.taints = {taint};
    kube::Condition ready;
    ready.type = "Ready";
    ready.status = "True";
    node.status.conditions = {ready};
    world.tenant.put(node);
    world.run();
  }
  void join_all() {
    for (const auto& listed : world.management.all<Machine>()) {
      // Joining one lets the controllers act: meanwhile another may be on its way out.
      const auto machine = world.management.peek<Machine>(listed.metadata.key());
      if (machine && !machine->metadata.deleting()) join(machine->metadata.name);
    }
  }
  tenant::testing::World world;
};

TEST_F(ClusterRoom, TakesInfrastructureAndControlPlaneUnderTheCluster) {
  const auto cluster = read<Cluster>("demo");
  EXPECT_TRUE(cluster.metadata.has_finalizer("cluster.cluster.x-k8s.io"));
  EXPECT_EQ(cluster.status.phase, "Provisioning");
  for (const auto& metadata :
       {read<KubevirtCluster>("demo").metadata, read<KamajiControlPlane>("demo").metadata}) {
    EXPECT_EQ(metadata.label("cluster.x-k8s.io/cluster-name"), "demo");
    ASSERT_EQ(metadata.ownerReferences.size(), 1U);
    EXPECT_EQ(metadata.ownerReferences[0].uid, cluster.metadata.uid);
  }
}

TEST_F(ClusterRoom, FollowsTheControlPlane) {
  control_plane_up();
  const auto cluster = read<Cluster>("demo");
  EXPECT_EQ(cluster.status.initialization.infrastructureProvisioned, true);
  EXPECT_EQ(cluster.status.initialization.controlPlaneInitialized, true);
  EXPECT_TRUE(kube::condition_true(cluster.status.conditions, "RemoteConnectionProbe"));
}

TEST_F(ClusterRoom, MakesMachinesWithTheirObjectsUnderOneName) {
  control_plane_up();
  add_deployment(2);
  ASSERT_EQ(count<MachineSet>(), 1U);
  ASSERT_EQ(count<Machine>(), 2U);
  EXPECT_EQ(count<KubeadmConfig>(), 2U);
  EXPECT_EQ(count<KubevirtMachine>(), 2U);
  for (const auto& machine : world.management.all<Machine>()) {
    const auto& name = machine.metadata.name;
    // The Machine took its parts over from the set.
    for (const auto& metadata :
         {read<KubeadmConfig>(name).metadata, read<KubevirtMachine>(name).metadata}) {
      ASSERT_NE(metadata.controller(), nullptr);
      EXPECT_EQ(metadata.controller()->uid, machine.metadata.uid);
      EXPECT_EQ(metadata.label("cluster.x-k8s.io/deployment-name"), "workers");
    }
  }
  // Nothing of ours goes on when nothing happens.
  world.management.clear_calls();
  world.pass(std::chrono::minutes(2));
  EXPECT_EQ(world.management.count("create"), world.management.count("create", "events"));
  EXPECT_EQ(world.management.count("patch"), 0U);
}

TEST_F(ClusterRoom, AJoinedNodeMakesTheMachineRunAndLosesItsTaint) {
  control_plane_up();
  add_deployment(1);
  join_all();
  const auto machine = world.management.all<Machine>().at(0);
  EXPECT_EQ(machine.status.phase, "Running");
  EXPECT_EQ(machine.status.nodeRef.name, machine.metadata.name);
  const auto node = world.tenant.peek<Node>({"", machine.metadata.name}).value();
  EXPECT_TRUE(node.spec.taints.empty());
  const auto deployment = read<MachineDeployment>("workers");
  EXPECT_EQ(deployment.status.availableReplicas, 1);
  EXPECT_EQ(read<Cluster>("demo").status.workers.availableReplicas, 1);
}

TEST_F(ClusterRoom, ScalesUpAndDownAndCleansUp) {
  control_plane_up();
  add_deployment(1);
  join_all();
  scale(3);
  EXPECT_EQ(count<Machine>(), 3U);
  join_all();
  scale(1);
  world.pass(std::chrono::seconds(10));
  EXPECT_EQ(count<Machine>(), 1U);
  EXPECT_EQ(count<KubeadmConfig>(), 1U);
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  EXPECT_EQ(world.tenant.all<Node>().size(), 1U);
}

TEST_F(ClusterRoom, DrainsTheNodeBeforeItsMachineGoes) {
  control_plane_up();
  add_deployment(1);
  join_all();
  const auto name = world.management.all<Machine>().at(0).metadata.name;
  api::core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "apps";
  pod.spec.nodeName = name;
  world.tenant.put(pod);
  scale(0);
  EXPECT_EQ(world.tenant.peek<Node>({"", name})->spec.unschedulable, true);
  EXPECT_GE(world.tenant.count("create", "pods/web/eviction"), 1U);
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  const auto machine = read<Machine>(name);
  EXPECT_FALSE(machine.status.deletion.nodeDrainStartTime.empty());
  EXPECT_EQ(kube::find_condition(machine.status.conditions, "Deleting")->reason, "DrainingNode");
  world.tenant.erase(api::core::Pod::kType, {"apps", "web"});
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(count<Machine>(), 0U);
  EXPECT_EQ(count<KubevirtMachine>(), 0U);
  EXPECT_EQ(world.tenant.all<Node>().size(), 0U);
}

TEST_F(ClusterRoom, RollsToANewVersionAndRemovesTheOldSet) {
  control_plane_up();
  add_deployment(2);
  join_all();
  auto deployment = read<MachineDeployment>("workers");
  deployment.spec.template_.spec.version = "v1.38.0";
  world.management.put(deployment);
  for (int i = 0; i < 6; ++i) {
    world.pass(std::chrono::seconds(5));
    EXPECT_LE(count<Machine>(), 3U);
    join_all();
  }
  world.pass(std::chrono::seconds(5));
  ASSERT_EQ(count<Machine>(), 2U);
  for (const auto& machine : world.management.all<Machine>()) {
    EXPECT_EQ(machine.spec.version, "v1.38.0");
  }
  EXPECT_EQ(count<MachineSet>(), 1U);
}

TEST_F(ClusterRoom, FinishesWhatACrashLeftHalfMade) {
  control_plane_up();
  bool down = true;
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    const bool refused = down && call.verb == "create" && call.plural == "machines";
    if (!refused) return std::nullopt;
    return Error{Code::kUnavailable, "refused", {}};
  });
  add_deployment(2);
  EXPECT_EQ(count<Machine>(), 0U);
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  down = false;
  restart();
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(count<Machine>(), 2U);
  EXPECT_EQ(count<KubeadmConfig>(), 2U);
  EXPECT_EQ(count<KubevirtMachine>(), 2U);
}

TEST_F(ClusterRoom, EndsTheSameWhereverItIsKilled) {
  control_plane_up();
  // From the n-th write on every call fails, until the manager is started again.
  for (int n = 1; n <= 12; ++n) {
    SCOPED_TRACE(n);
    int writes = 0;
    bool dead = false;
    world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
      const bool write = call.verb == "create" || call.verb == "patch" || call.verb == "delete";
      if (write && call.plural != "events" && ++writes == n) dead = true;
      if (!dead) return std::nullopt;
      return Error{Code::kUnavailable, "killed", {}};
    });
    if (n == 1) {
      add_deployment(2);
    } else {
      scale(n % 2 == 0 ? 4 : 2);
    }
    world.management.on_call({});
    restart();
    world.pass(std::chrono::seconds(15));
    join_all();
    world.pass(std::chrono::seconds(15));
    const auto want = static_cast<std::size_t>(n % 2 == 0 ? 4 : 2);
    EXPECT_EQ(count<MachineSet>(), 1U);
    EXPECT_EQ(count<Machine>(), want);
    EXPECT_EQ(count<KubeadmConfig>(), want);
    EXPECT_EQ(count<KubevirtMachine>(), want);
    EXPECT_EQ(world.tenant.all<Node>().size(), want);
    EXPECT_EQ(read<MachineDeployment>("workers").status.availableReplicas, want);
  }
}

TEST_F(ClusterRoom, DeletesFromTheInsideOut) {
  control_plane_up();
  add_deployment(2);
  join_all();
  auto infra = read<KubevirtCluster>("demo");
  infra.metadata.finalizers = {"held"};
  world.management.put(infra);
  auto plane = read<KamajiControlPlane>("demo");
  plane.metadata.finalizers = {"held"};
  world.management.put(plane);
  world.run();
  world.management.erase(Cluster::kType, {"default", "demo"});
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(count<Machine>() + count<MachineSet>() + count<MachineDeployment>(), 0U);
  EXPECT_TRUE(read<KamajiControlPlane>("demo").metadata.deleting());
  EXPECT_FALSE(read<KubevirtCluster>("demo").metadata.deleting());
  world.management.erase_now(KamajiControlPlane::kType, {"default", "demo"});
  world.run();
  EXPECT_TRUE(read<KubevirtCluster>("demo").metadata.deleting());
  EXPECT_EQ(count<Cluster>(), 1U);
  world.management.erase_now(KubevirtCluster::kType, {"default", "demo"});
  world.run();
  EXPECT_EQ(count<Cluster>(), 0U);
}

}  // namespace
}  // namespace nestor::cluster
