#include "infrastructure/infrastructure.hpp"

#include <gtest/gtest.h>

#include "api/cluster/machine.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::infrastructure {
namespace {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::core::Node;
using api::core::Secret;
using api::infrastructure::KubevirtCluster;
using api::infrastructure::KubevirtMachine;
using api::infrastructure::KubevirtMachineTemplate;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

const char* const kTemplate = R"({"metadata":{"namespace":"default"},"spec":{"runStrategy":"Always",
  "template":{"spec":{"domain":{"cpu":{"cores":2},"memory":{"guest":"2Gi"}}}}}})";

struct InfrastructureRoom : ::testing::Test {
  InfrastructureRoom() {
    world.tenant_up();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
    world.add_cluster();
    world.add_kubeconfig();
    add_machine("m");
  }
  void add_machine(const std::string& name) {
    Machine machine = named<Machine>(name);
    machine.spec.clusterName = "demo";
    machine.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtMachine", name};
    machine = world.management.put(machine);
    KubevirtMachine kubevirt = named<KubevirtMachine>(name);
    kubevirt.metadata.labels["cluster.x-k8s.io/cluster-name"] = "demo";
    kubevirt.metadata.ownerReferences = {kube::owner_reference(machine)};
    const Json parsed = parse_json(kTemplate).value();
    kubevirt.spec.virtualMachineTemplate.metadata = *find(parsed, {"metadata"});
    kubevirt.spec.virtualMachineTemplate.spec = *find(parsed, {"spec"});
    world.management.put(kubevirt);
    world.run();
  }
  template <class T>
  static T named(const std::string& name) {
    T out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    return out;
  }
  void cluster_ready() {
    auto cluster = world.management.peek<Cluster>(world.demo).value();
    cluster.status.initialization.infrastructureProvisioned = true;
    cluster.status.initialization.controlPlaneInitialized = true;
    world.management.put(cluster);
    world.run();
  }
  void bootstrap_ready(const std::string& name = "m", const std::string& secret = "m") {
    Secret data = named<Secret>(secret);
    api::core::set_secret_value(data, "value", "#cloud-config\n{}\n");
    world.management.put(data);
    auto machine = world.management.peek<Machine>({"default", name}).value();
    machine.spec.bootstrap.dataSecretName = secret;
    world.management.put(machine);
    world.run();
  }
  void machine_runs() {
    instance_runs(world.management.peek<VirtualMachine>(key)->spec.template_.metadata.labels);
  }
  void instance_runs(const std::map<std::string, std::string>& labels) {
    VirtualMachineInstance vmi = named<VirtualMachineInstance>("m");
    vmi.metadata.labels = labels;
    kube::Condition ready;
    ready.type = "Ready";
    ready.status = "True";
    vmi.status.phase = "Running";
    vmi.status.conditions = {ready};
    vmi.status.interfaces.resize(1);
    vmi.status.interfaces[0].ipAddress = "10.1.1.1";
    world.management.put(vmi);
    world.run();
  }
  KubevirtMachine machine() { return world.management.peek<KubevirtMachine>(key).value(); }
  std::string reason() {
    const auto now = machine();
    const auto* found = kube::find_condition(now.status.conditions, "VMProvisioned");
    return found == nullptr ? "none" : found->reason;
  }
  const kube::ObjectKey key{"default", "m"};
  tenant::testing::World world;
};

TEST_F(InfrastructureRoom, SaysWhatItWaitsForAndMakesTheMachineThen) {
  EXPECT_TRUE(machine().metadata.has_finalizer("kubevirtmachine.infrastructure.cluster.x-k8s.io"));
  EXPECT_EQ(reason(), "WaitingForClusterInfrastructure");
  cluster_ready();
  EXPECT_EQ(reason(), "WaitingForBootstrapData");
  EXPECT_EQ(world.management.count("create", "virtualmachines"), 0U);
  bootstrap_ready();
  const auto userdata = world.management.peek<Secret>({"default", "m-userdata"});
  ASSERT_TRUE(userdata.has_value());
  EXPECT_EQ(api::core::secret_value(*userdata, "userdata").value(), "#cloud-config\n{}\n");
  ASSERT_TRUE(world.management.peek<VirtualMachine>(key).has_value());
  EXPECT_EQ(world.management.count("create", "virtualmachines"), 1U);
}

TEST_F(InfrastructureRoom, BootstrapDataMayHaveTheNameOfItsCopy) {
  cluster_ready();
  bootstrap_ready("m", "m-userdata");
  const auto vm = world.management.peek(VirtualMachine::kType, key);
  ASSERT_TRUE(vm.has_value());
  const Json* volumes = find(*vm, {"spec", "template", "spec", "volumes"});
  EXPECT_EQ(find_string(volumes->at(0), {"cloudInitConfigDrive", "secretRef", "name"}),
            "m-userdata-userdata");
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_TRUE(world.management.peek<Secret>({"default", "m-userdata"}));
  EXPECT_FALSE(world.management.peek<Secret>({"default", "m-userdata-userdata"}));
}

TEST_F(InfrastructureRoom, MachinesMayShareTheirBootstrapData) {
  cluster_ready();
  add_machine("n");
  bootstrap_ready("m", "shared");
  bootstrap_ready("n", "shared");
  // As earlier versions called it.
  Secret old = named<Secret>("shared-userdata");
  old.metadata.ownerReferences = {kube::owner_reference(machine())};
  world.management.put(old);
  const auto there = [this](const std::string& name) {
    return world.management.peek<Secret>({"default", name}).has_value();
  };
  for (const char* name : {"m", "n"}) {
    const auto vm = world.management.peek(VirtualMachine::kType, {"default", name});
    ASSERT_TRUE(vm.has_value()) << name;
    const Json* volumes = find(*vm, {"spec", "template", "spec", "volumes"});
    EXPECT_EQ(find_string(volumes->at(0), {"cloudInitConfigDrive", "secretRef", "name"}),
              std::string(name) + "-userdata");
    EXPECT_TRUE(there(std::string(name) + "-userdata"));
  }
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_FALSE(there("m-userdata"));
  EXPECT_FALSE(there("shared-userdata"));
  EXPECT_TRUE(there("n-userdata"));
  EXPECT_TRUE(there("shared"));
}

TEST_F(InfrastructureRoom, StandsStillWhileTheClusterIsPausedAndSaysSo) {
  const auto paused = [this] {
    return kube::condition_true(machine().status.conditions, "Paused");
  };
  EXPECT_NE(kube::find_condition(machine().status.conditions, "Paused"), nullptr);
  EXPECT_FALSE(paused());
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.spec.paused = true;
  cluster.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "demo"};
  cluster = world.management.put(cluster);
  KubevirtCluster infrastructure = named<KubevirtCluster>("demo");
  infrastructure.metadata.ownerReferences = {kube::owner_reference(cluster)};
  world.management.put(infrastructure);
  cluster_ready();
  bootstrap_ready();
  EXPECT_TRUE(paused());
  EXPECT_EQ(world.management.count("create", "virtualmachines"), 0U);
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_TRUE(world.management.peek(KubevirtMachine::kType, key).has_value());
  auto its = world.management.peek<KubevirtCluster>(world.demo).value();
  EXPECT_TRUE(kube::condition_true(its.status.conditions, "Paused"));
  EXPECT_NE(its.status.ready, true);

  cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.spec.paused = false;
  world.management.put(cluster);
  world.run();
  EXPECT_FALSE(world.management.peek(KubevirtMachine::kType, key).has_value());
  its = world.management.peek<KubevirtCluster>(world.demo).value();
  EXPECT_FALSE(kube::condition_true(its.status.conditions, "Paused"));
  EXPECT_EQ(its.status.ready, true);
}

TEST_F(InfrastructureRoom, FollowsTheInstance) {
  cluster_ready();
  bootstrap_ready();
  EXPECT_NE(machine().status.ready, true);
  machine_runs();
  EXPECT_EQ(machine().status.ready, true);
  EXPECT_EQ(machine().status.initialization.provisioned, true);
  EXPECT_EQ(machine().spec.providerID, "kubevirt://m");
  world.management.clear_calls();
  world.pass(std::chrono::minutes(1));
  EXPECT_EQ(world.management.count("patch"), 0U);
}

TEST_F(InfrastructureRoom, TellsWhenTheNodeIsNamed) {
  cluster_ready();
  bootstrap_ready();
  machine_runs();
  Node node;
  node.metadata.name = "m";
  world.tenant.put(node);
  world.run();
  EXPECT_NE(machine().status.nodeupdated, true);
  node.spec.providerID = "kubevirt://m";
  world.tenant.put(node);
  world.run();
  EXPECT_EQ(machine().status.nodeupdated, true);
}

TEST_F(InfrastructureRoom, IsGoneOnlyWhenTheInstanceIs) {
  cluster_ready();
  bootstrap_ready();
  machine_runs();
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<VirtualMachine>(key).has_value());
  EXPECT_TRUE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_TRUE(world.management.peek<Secret>({"default", "m-userdata"}).has_value());
  world.management.erase(VirtualMachineInstance::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_FALSE(world.management.peek<Secret>({"default", "m-userdata"}).has_value());
}

TEST_F(InfrastructureRoom, AFailedCreationIsSaidAndTriedAgain) {
  cluster_ready();
  world.management.fail_next("create", {Code::kInvalidArgument, "no such disk", {}}, 1,
                             "virtualmachines");
  bootstrap_ready();
  world.pass(std::chrono::seconds(30));
  EXPECT_TRUE(world.management.peek<VirtualMachine>(key).has_value());
}

TEST_F(InfrastructureRoom, ReachesNoOtherNamespace) {
  auto changed = machine();
  changed.spec.virtualMachineTemplate.metadata = parse_json(R"({"namespace":"victim"})").value();
  world.management.put(changed);
  VirtualMachine victim = named<VirtualMachine>("m");
  victim.metadata.namespace_ = "victim";
  world.management.put(victim);
  cluster_ready();
  bootstrap_ready();
  EXPECT_EQ(reason(), "VMCreateFailed");
  EXPECT_FALSE(world.management.peek<VirtualMachine>(key).has_value());
  EXPECT_FALSE(world.management.peek<Secret>({"victim", "m-userdata"}).has_value());
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_TRUE(world.management.peek<VirtualMachine>({"victim", "m"}).has_value());
}

TEST_F(InfrastructureRoom, LeavesAnothersVirtualMachineAlone) {
  world.management.put(named<VirtualMachine>("m"));
  cluster_ready();
  bootstrap_ready();
  EXPECT_EQ(reason(), "VMCreateFailed");
  EXPECT_EQ(machine().spec.providerID, "");
  // It goes: the name is free.
  world.management.erase_now(VirtualMachine::kType, key);
  world.pass(std::chrono::minutes(2));
  ASSERT_TRUE(world.management.peek<VirtualMachine>(key).has_value());
  EXPECT_EQ(world.management.peek<VirtualMachine>(key)->metadata.label(
                "capk.cluster.x-k8s.io/kubevirt-machine-name"),
            "m");
  instance_runs({{"kubevirt.io/vm", "m"}});
  world.pass(std::chrono::minutes(2));
  EXPECT_EQ(machine().spec.providerID, "") << "that instance is another's too";
  auto foreign = world.management.peek<VirtualMachine>(key).value();
  foreign.metadata.labels.clear();
  world.management.put(foreign);
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_TRUE(world.management.peek<VirtualMachine>(key).has_value());
}

TEST_F(InfrastructureRoom, WritesOverNobodysSecret) {
  Secret foreign = named<Secret>("m-userdata");
  api::core::set_secret_value(foreign, "userdata", "theirs");
  world.management.put(foreign);
  cluster_ready();
  bootstrap_ready();
  EXPECT_EQ(reason(), "VMCreateFailed");
  const auto left = world.management.peek<Secret>({"default", "m-userdata"});
  EXPECT_EQ(api::core::secret_value(*left, "userdata").value(), "theirs");
  world.management.erase(KubevirtMachine::kType, key);
  world.run();
  EXPECT_FALSE(world.management.peek<KubevirtMachine>(key).has_value());
  EXPECT_TRUE(world.management.peek<Secret>({"default", "m-userdata"}).has_value());
}

TEST_F(InfrastructureRoom, AClusterManagedElsewhereIsLeftAlone) {
  const auto owner = world.management.peek<Cluster>(world.demo).value();
  auto own = named<KubevirtCluster>("own");
  own.metadata.ownerReferences = {kube::owner_reference(owner, false)};
  auto external = own;
  external.metadata.name = "external";
  external.metadata.annotations["cluster.x-k8s.io/managed-by"] = "kamaji";
  world.management.put(own);
  world.management.put(external);
  world.run();
  const auto read = [&](const char* name) {
    return world.management.peek<KubevirtCluster>({"default", name}).value().status;
  };
  EXPECT_EQ(read("own").ready, true);
  EXPECT_EQ(read("own").initialization.provisioned, true);
  EXPECT_NE(read("external").ready, true);
}

TEST_F(InfrastructureRoom, ATemplateTellsItsCapacity) {
  auto source = named<KubevirtMachineTemplate>("t");
  source.spec.template_.spec = machine().spec;
  world.management.put(source);
  world.run();
  const auto status = world.management.peek<KubevirtMachineTemplate>({"default", "t"})->status;
  EXPECT_EQ(status.capacity.at("cpu"), Json("2"));
  EXPECT_EQ(status.capacity.at("memory"), Json("2Gi"));
}

}  // namespace
}  // namespace nestor::infrastructure
