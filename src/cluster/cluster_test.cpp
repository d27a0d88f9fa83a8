#include "cluster/cluster.hpp"

#include <gtest/gtest.h>

#include "cluster/testing/room.hpp"

namespace nestor::cluster {
namespace {

using namespace testing;

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
  EXPECT_EQ(world.management.count("patch") + world.management.count("apply"), 0U);
}

TEST_F(ClusterRoom, ANodeThatIsChangedAgainAndAgainCostsOneLookASecond) {
  control_plane_up();
  add_deployment(1);
  join_all();
  world.pass(std::chrono::minutes(1));
  world.management.clear_calls();
  const auto change = [this](const std::string& value) {
    auto node = world.tenant.peek<Node>({"", only_machine()}).value();
    node.metadata.annotations["mine"] = value;
    node.status.capacity["cpu"] = value;
    world.tenant.put(node);
    world.run();
  };
  for (int i = 0; i < 10; ++i) change(std::to_string(i));
  EXPECT_EQ(world.management.count("get"), 0U);
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(world.management.count("get"), 2U) << "its configuration and infrastructure";
  world.pass(std::chrono::minutes(1));
  EXPECT_EQ(world.management.count("get"), 2U);
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

TEST_F(ClusterRoom, FinishesWhatACrashLeftHalfMade) {
  control_plane_up();
  bool down = true;
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    const bool refused = down && call.verb == "apply" && call.plural == "machines";
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
      const bool write = call.verb == "create" || call.verb == "patch" || call.verb == "apply" ||
                         call.verb == "delete";
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

constexpr const char* kForeign = "infra.example.org";

TEST_F(ClusterRoom, AKindThatNobodyServesIsSaidAndHoldsNoDeletionUp) {
  auto odd = named<Cluster>("odd");
  odd.spec.infrastructureRef = {kForeign, "FooCluster", "odd"};
  odd.spec.controlPlaneRef = {kForeign, "FooPlane", "odd"};
  world.management.put(odd);
  auto machine = named<Machine>("odd");
  machine.spec.clusterName = "odd";
  machine.spec.bootstrap.configRef = {kForeign, "FooConfig", "odd"};
  machine.spec.infrastructureRef = {kForeign, "FooMachine", "odd"};
  world.management.put(machine);
  world.pass(std::chrono::seconds(2));
  const auto status = read<Cluster>("odd").status;
  const auto* infra = kube::find_condition(status.conditions, "InfrastructureReady");
  ASSERT_NE(infra, nullptr);
  EXPECT_EQ(infra->message,
            "the kind FooCluster is not known: there is no CRD fooclusters.infra.example.org");
  EXPECT_EQ(condition(read<Machine>("odd"), "BootstrapConfigReady").message,
            "the kind FooConfig is not known: there is no CRD fooconfigs.infra.example.org");
  EXPECT_EQ(condition(read<Machine>("odd"), "InfrastructureReady").reason, "DoesNotExist");
  world.management.erase(Cluster::kType, {"default", "odd"});
  world.pass(std::chrono::seconds(2));
  EXPECT_EQ(count<Machine>(), 0U);
  EXPECT_FALSE(world.management.peek<Cluster>({"default", "odd"}).has_value());
}

TEST_F(ClusterRoom, AKindThatComesLaterIsFollowed) {
  auto odd = named<Cluster>("odd");
  odd.spec.infrastructureRef = {kForeign, "FooCluster", "odd"};
  odd.spec.controlPlaneRef = {"controlplane.cluster.x-k8s.io", "KamajiControlPlane", "odd"};
  world.management.put(odd);
  world.run();
  world.management.put({kForeign, "v1", "FooCluster", "fooclusters"},
                       parse_json(R"({"apiVersion":"infra.example.org/v1","kind":"FooCluster",
                           "metadata":{"name":"odd","namespace":"default"},
                           "status":{"ready":true}})")
                           .value());
  world.management.put({"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                        "customresourcedefinitions", false},
                       parse_json(R"({"metadata":{"name":"fooclusters.infra.example.org",
                           "labels":{"cluster.x-k8s.io/v1beta2":"v1"}}})")
                           .value());
  world.run();
  EXPECT_EQ(read<Cluster>("odd").status.initialization.infrastructureProvisioned, true);
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

TEST_F(ClusterRoom, AStatusOfAClusterCostsItsMachinesNothing) {
  control_plane_up();
  add_deployment(20);
  join_all();
  const auto before = count<Machine>();
  EXPECT_EQ(before, 20U);
  world.management.clear_calls();
  auto cluster = read<Cluster>("demo");
  cluster.metadata.annotations["note"] = "x";
  cluster.status.workers.replicas = 7;
  world.management.put(cluster);
  world.run();
  for (const char* kind : {"kubeadmconfigs", "kubevirtmachines", "kubeadmconfigtemplates",
                           "kubevirtmachinetemplates", "machines", "machinesets"}) {
    EXPECT_EQ(world.management.count("get", kind), 0U) << kind;
  }
}

}  // namespace
}  // namespace nestor::cluster
