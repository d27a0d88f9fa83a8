#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cloud/node_logic.hpp"
#include "cloud/settings.hpp"
#include "cloud/testing/world.hpp"

namespace nestor::cloud {
namespace {

using api::core::Node;
using api::core::NodeAddress;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using testing::CloudWorld;
using ::testing::Contains;
using ::testing::ElementsAre;

VirtualMachineInstance instance(std::vector<std::string> addresses) {
  VirtualMachineInstance out;
  out.status.phase = "Running";
  out.status.interfaces.resize(1);
  out.status.interfaces[0].name = "default";
  out.status.interfaces[0].ipAddresses = std::move(addresses);
  return out;
}

TEST(AddressesOf, OneOfEachFamilyWithoutLinkLocalOnes) {
  EXPECT_THAT(addresses_of(instance({"fe80::1", "10.0.0.1", "10.0.0.2", "169.254.1.1", "fd00::5"})),
              ElementsAre("10.0.0.1", "fd00::5"));
  EXPECT_THAT(addresses_of(instance({"not an address", "127.0.0.1"})), ElementsAre());
}

TEST(AddressesOf, TheInterfaceCalledDefaultElseTheFirst) {
  auto two = instance({"10.0.0.1"});
  two.status.interfaces[0].name = "storage";
  EXPECT_THAT(addresses_of(two), ElementsAre("10.0.0.1"));
  two.status.interfaces.emplace_back().name = "default";
  two.status.interfaces[1].ipAddress = "10.0.0.9";
  EXPECT_THAT(addresses_of(two), ElementsAre("10.0.0.9"));
}

TEST(AddressesOf, ThePrimaryAddressComesFirst) {
  auto agent = instance({"10.0.0.7", "10.0.0.1"});
  agent.status.interfaces[0].ipAddress = "10.0.0.1";
  EXPECT_THAT(addresses_of(agent), ElementsAre("10.0.0.1"));
}

TEST(MachineName, FromProviderIdLabelOrName) {
  Node node;
  node.metadata.name = "a";
  EXPECT_EQ(machine_name(node), "a");
  node.metadata.labels[std::string(kInstanceIdLabel)] = "b";
  EXPECT_EQ(machine_name(node), "b");
  node.spec.providerID = "kubevirt://c.d";
  EXPECT_EQ(machine_name(node), "c.d");
  node.spec.providerID = "aws:///eu/i-1";
  EXPECT_EQ(machine_name(node), "");
}

TEST(InstanceType, NamedOrMadeFromTheSize) {
  auto vmi = instance({});
  vmi.spec.domain.cpu.emplace().cores = 2;
  vmi.spec.domain.memory.emplace().guest = "4Gi";
  Machine machine{"m", nullptr, std::make_shared<const VirtualMachineInstance>(vmi)};
  EXPECT_EQ(instance_type(machine), "2cpu-4Gi");
  vmi.metadata.annotations["kubevirt.io/cluster-instancetype-name"] = "u1.medium";
  machine.vmi = std::make_shared<const VirtualMachineInstance>(vmi);
  EXPECT_EQ(instance_type(machine), "u1.medium");
  EXPECT_EQ(instance_type({"m", std::make_shared<const VirtualMachine>(), nullptr}), "");
}

TEST(WantedNode, WhatKubeletWasToldComesFirst) {
  Node node;
  node.metadata.name = "a";
  node.metadata.annotations[std::string(kProvidedNodeIpAnnotation)] = "fd00::1";
  node.spec.taints.emplace_back().key = kUninitializedTaint;
  const auto vmi = instance({"10.0.0.1", "fd00::1"});
  const Machine machine{"a", nullptr, std::make_shared<const VirtualMachineInstance>(vmi)};
  const Node wanted = wanted_node({node, machine, {}, false});
  EXPECT_THAT(wanted.status.addresses,
              ElementsAre(NodeAddress{"InternalIP", "fd00::1"},
                          NodeAddress{"InternalIP", "10.0.0.1"}, NodeAddress{"Hostname", "a"}));
}

TEST(WantedNode, LeavesTheAddressesOfAKubeletThatWritesThemItself) {
  Node node;
  node.metadata.name = "a";
  node.status.addresses = {{"InternalIP", "10.0.2.2"}, {"Hostname", "a"}};
  const auto vmi = instance({"10.0.0.1"});
  const Machine machine{"a", nullptr, std::make_shared<const VirtualMachineInstance>(vmi)};
  const Node wanted = wanted_node({node, machine, {}, false});
  EXPECT_EQ(wanted.status.addresses, node.status.addresses);
  EXPECT_EQ(wanted.spec.providerID, "kubevirt://a");
}

TEST(SettingsOf, ReadsTheClustersAnnotations) {
  kube::ObjectMeta cluster;
  EXPECT_TRUE(settings_of(cluster).nodes);
  EXPECT_TRUE(settings_of(cluster).selectorless);
  cluster.annotations[std::string(kNodesAnnotation)] = "false";
  cluster.annotations[std::string(kSelectorlessAnnotation)] = "false";
  cluster.annotations[std::string(kBalancersAnnotation)] = "maybe";
  EXPECT_FALSE(settings_of(cluster).nodes);
  EXPECT_FALSE(settings_of(cluster).selectorless);
  EXPECT_TRUE(settings_of(cluster).load_balancers);
}

struct NodeLife : ::testing::Test {
  NodeLife() { world.put_parent_node("rack-row-1"); }
  void initialize(const std::string& name = "a") {
    world.put_machine(name, "10.1.0.1");
    world.put_node(world.tenant, name);
    world.run();
  }
  CloudWorld world;
};

TEST_F(NodeLife, ANodeIsInitializedFromItsMachine) {
  initialize();
  const Node node = world.node("a").value();
  EXPECT_EQ(node.spec.providerID, "kubevirt://a");
  EXPECT_TRUE(node.spec.taints.empty());
  EXPECT_THAT(node.status.addresses,
              ElementsAre(NodeAddress{"InternalIP", "10.1.0.1"}, NodeAddress{"Hostname", "a"}));
  EXPECT_EQ(node.metadata.label(kZoneLabel), "rack-row-1");
  EXPECT_EQ(node.metadata.label(kBetaZoneLabel), "rack-row-1");
  EXPECT_EQ(node.metadata.label(kRegionLabel), "north");
  EXPECT_EQ(node.metadata.label(kBetaRegionLabel), "north");
  EXPECT_THAT(CloudWorld::reasons(world.tenant), ElementsAre("Synced"));
  world.tenant.clear_calls();
  world.pass(std::chrono::minutes(1));
  EXPECT_EQ(world.tenant.count("patch", "nodes"), 0U);
}

TEST_F(NodeLife, TheTaintStaysUntilEverythingIsKnown) {
  world.put_node(world.tenant, "a");
  world.run();
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
  world.put_machine("a", "");
  world.run();
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
  EXPECT_EQ(world.node("a")->spec.providerID, "kubevirt://a");
  world.change_instance("a", [](auto& vmi) { vmi.status.nodeName = "rack-2"; });
  world.change_instance("a", [](auto& vmi) { vmi.status.interfaces[0].ipAddress = "10.1.0.1"; });
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
  world.change_instance("a", [](auto& vmi) { vmi.status.nodeName = "rack-1"; });
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
}

TEST_F(NodeLife, AMachineOfAnotherNamespaceIsNotOfTheCluster) {
  world.put_machine("a", "10.1.0.66");
  for (const auto& type : {VirtualMachine::kType, VirtualMachineInstance::kType}) {
    Json machine = world.management.peek(type, {"default", "a"}).value();
    world.management.erase_now(type, {"default", "a"});
    JsonObject& metadata = machine.as_object()["metadata"].as_object();
    metadata["namespace"] = "foreign";
    metadata.erase("uid");
    metadata["labels"].as_object()["capk.cluster.x-k8s.io/kubevirt-machine-name"] = "a";
    metadata["labels"].as_object()["capk.cluster.x-k8s.io/kubevirt-machine-namespace"] = "default";
    world.management.put(type, machine);
  }
  world.put_node(world.tenant, "a");
  world.run();
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
  EXPECT_EQ(world.node("a")->spec.providerID, "");
}

TEST_F(NodeLife, FollowsItsMachineToAnotherAddressAndZone) {
  initialize();
  world.put_parent_node("rack-row-2");
  world.change_instance("a", [](auto& vmi) { vmi.status.interfaces[0].ipAddress = "10.1.0.7"; });
  const Node node = world.node("a").value();
  EXPECT_EQ(node.status.addresses[0].address, "10.1.0.7");
  EXPECT_EQ(node.metadata.label(kZoneLabel), "rack-row-2");
  // An address that is not told for a moment is kept.
  world.change_instance("a", [](auto& vmi) { vmi.status.interfaces.clear(); });
  EXPECT_EQ(world.node("a")->status.addresses[0].address, "10.1.0.7");
}

TEST_F(NodeLife, AStoppedMachineTaintsItsNodeAndKeepsIt) {
  initialize();
  world.management.erase_now(VirtualMachineInstance::kType, {"default", "a"});
  world.run();
  ASSERT_TRUE(world.node("a").has_value());
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kShutdownTaint));
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), api::core::kOutOfServiceTaint));
  world.put_machine("a", "10.1.0.1");
  world.run();
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), kShutdownTaint));
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), api::core::kOutOfServiceTaint));
  world.change_instance("a", [](auto& vmi) { vmi.status.phase = "Failed"; });
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kShutdownTaint));
  world.change_instance("a", [](auto& vmi) { vmi.status.phase = "Unknown"; });
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kShutdownTaint));
  // What starts has not come back yet.
  world.change_instance("a", [](auto& vmi) { vmi.status.phase = "Scheduling"; });
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), kShutdownTaint));
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), api::core::kOutOfServiceTaint));
}

TEST_F(NodeLife, ANodeWhoseMachineIsGoneIsRemoved) {
  initialize();
  world.erase_machine("a");
  world.run();
  EXPECT_FALSE(world.node("a").has_value());
  EXPECT_THAT(CloudWorld::reasons(world.tenant), Contains("DeletingNode"));
}

TEST_F(NodeLife, ANodeWhoseMachineWentWhileNobodyLookedIsRemoved) {
  initialize();
  world.stop();
  world.erase_machine("a");
  world.boot();
  world.begin();
  EXPECT_FALSE(world.node("a").has_value());
}

TEST_F(NodeLife, NodesThatAreNoMachinesOfOursAreLeftAlone) {
  Node metal;
  metal.metadata.name = "metal";
  world.tenant.put(metal);
  Node cloud = metal;
  cloud.metadata.name = "elsewhere";
  cloud.spec.providerID = "aws:///eu/i-1";
  world.tenant.put(cloud);
  world.run();
  EXPECT_TRUE(world.node("metal").has_value());
  EXPECT_TRUE(world.node("elsewhere").has_value());
  EXPECT_EQ(world.tenant.count("patch", "nodes"), 0U);
}

TEST_F(NodeLife, AMachineOfAnotherClusterIsNotSeen) {
  world.put_machine("b", "10.1.0.2", "other");
  world.put_node(world.tenant, "b");
  world.run();
  EXPECT_EQ(world.node("b")->spec.providerID, "");
  EXPECT_EQ(world.node("b")->status.addresses.size(), 1U);
}

TEST_F(NodeLife, AClusterMayLeaveItsNodesToAnotherProgram) {
  auto cluster = world.management.peek<api::cluster::Cluster>(world.demo).value();
  cluster.metadata.annotations[std::string(kNodesAnnotation)] = "false";
  world.management.put(cluster);
  initialize();
  EXPECT_TRUE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
  cluster.metadata.annotations.clear();
  world.management.put(cluster);
  world.run();
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
}

TEST_F(NodeLife, ALostRaceIsTriedAgain) {
  world.tenant.fail_next("patch", {Code::kAborted, "conflict", {}}, 2, "nodes");
  initialize();
  world.pass(std::chrono::seconds(5));
  EXPECT_FALSE(CloudWorld::tainted(*world.node("a"), kUninitializedTaint));
}

}  // namespace
}  // namespace nestor::cloud
