#include "cloud/endpoints.hpp"

#include <gtest/gtest.h>

#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using api::discovery::Endpoint;
using api::discovery::EndpointSlice;
using api::kubevirt::VirtualMachineInstance;

Machine machine(const std::string& name, std::vector<std::string> addresses,
                const std::string& phase = "Running") {
  auto vmi = std::make_shared<VirtualMachineInstance>();
  vmi->metadata.name = name;
  vmi->metadata.labels["cluster.x-k8s.io/role"] = "worker";
  vmi->status.phase = phase;
  vmi->status.nodeName = "rack-" + name;
  vmi->status.interfaces.resize(1);
  vmi->status.interfaces[0].ipAddresses = std::move(addresses);
  return {name, nullptr, vmi};
}

Endpoint on(const std::string& node, std::optional<bool> ready = {},
            std::optional<bool> serving = {}, std::optional<bool> terminating = {}) {
  Endpoint out;
  out.nodeName = node;
  out.conditions = {ready, serving, terminating};
  return out;
}

std::shared_ptr<const EndpointSlice> slice(std::vector<Endpoint> endpoints) {
  EndpointSlice out;
  out.endpoints = std::move(endpoints);
  return std::make_shared<const EndpointSlice>(std::move(out));
}

/// A ready Node for each machine.
NodesByMachine nodes_of(const std::vector<Machine>& machines) {
  NodesByMachine out;
  for (const auto& one : machines) {
    auto node = std::make_shared<api::core::Node>();
    node->metadata.name = one.name;
    node->status.conditions.emplace_back().type = "Ready";
    node->status.conditions[0].status = "True";
    out[one.name] = node;
  }
  return out;
}

std::vector<Backend> local(const std::vector<Machine>& machines,
                           std::vector<std::shared_ptr<const EndpointSlice>> slices) {
  return local_backends(machines, nodes_of(machines), slices);
}

std::vector<Backend> all(const std::vector<Machine>& machines) {
  return all_backends(machines, nodes_of(machines));
}

std::string names(const std::vector<Backend>& backends) {
  std::string out;
  for (const auto& backend : backends) out += backend.name;
  return out;
}

TEST(LocalBackends, OnlyMachinesWithAnEndpointThatServes) {
  const std::vector<Machine> machines{machine("a", {"10.0.0.1"}), machine("b", {"10.0.0.2"}),
                                      machine("c", {"10.0.0.3"})};
  const auto found = local(machines, {slice({on("a"), on("b", false, false)})});
  ASSERT_EQ(names(found), "a");
  EXPECT_EQ(found[0].node, "rack-a");
  EXPECT_TRUE(found[0].ready);
}

TEST(LocalBackends, TheBestEndpointOfAMachineCounts) {
  const std::vector<Machine> machines{machine("a", {"10.0.0.1"})};
  const auto both = local(machines, {slice({on("a", false, true, true)}), slice({on("a")})});
  EXPECT_TRUE(both.at(0).ready);
  EXPECT_FALSE(both.at(0).terminating);
  const auto ending = local(machines, {slice({on("a", false, true, true)})});
  EXPECT_FALSE(ending.at(0).ready);
  EXPECT_TRUE(ending.at(0).serving);
  EXPECT_TRUE(ending.at(0).terminating);
}

TEST(LocalBackends, EndpointsWithoutANodeDoNotCountUnlessThereAreNoOthers) {
  const std::vector<Machine> machines{machine("a", {"10.0.0.1"}), machine("b", {"10.0.0.2"})};
  EXPECT_EQ(names(local(machines, {slice({on(""), on("b")})})), "b");
  EXPECT_EQ(names(local(machines, {slice({on("")})})), "ab");
  EXPECT_EQ(names(local(machines, {})), "");
}

TEST(LocalBackends, FindsTheMachineOfANodeByMoreThanItsName) {
  const std::vector<Machine> machines{machine("vm-a", {"10.0.0.1"})};
  auto node = std::make_shared<api::core::Node>();
  node->metadata.name = "a";
  EXPECT_EQ(names(local_backends(machines, {{"vm-a", node}}, {slice({on("a")})})), "vm-a");
}

TEST(Backends, AMachineWithoutAReadyNodeServesNothing) {
  const std::vector<Machine> machines{machine("a", {"10.0.0.1"})};
  EXPECT_EQ(names(all_backends(machines, {})), "");
  auto node = std::make_shared<api::core::Node>();
  EXPECT_EQ(names(all_backends(machines, {{"a", node}})), "");
  // Of policy Local the pods' readiness decides.
  EXPECT_EQ(names(all_backends(machines, {{"a", node}}, true)), "a");
}

TEST(TakesTraffic, NotWhenExcludedOrLeaving) {
  api::core::Node node;
  EXPECT_TRUE(takes_traffic(node, true));
  node.metadata.labels[std::string(kExcludeBalancersLabel)] = "";
  EXPECT_FALSE(takes_traffic(node, true));
  node.metadata.labels.clear();
  node.spec.taints.emplace_back().key = kToBeDeletedTaint;
  EXPECT_FALSE(takes_traffic(node, true));
}

TEST(Backends, AMachineThatDoesNotRunServesNothing) {
  EXPECT_EQ(names(all({machine("a", {"10.0.0.1"}, "Scheduling"),
                       machine("b", {}),
                       machine("c", {"10.0.0.3"}),
                       {"d", nullptr, nullptr}})),
            "c");
}

TEST(Backends, OnlyWorkersAndReadyAsTheGuestIs) {
  auto vmi = std::make_shared<VirtualMachineInstance>(*machine("a", {"10.0.0.1"}).vmi);
  vmi->metadata.labels["cluster.x-k8s.io/role"] = "control-plane";
  EXPECT_EQ(names(all({{"a", nullptr, vmi}})), "");
  vmi->metadata.labels.clear();
  vmi->status.conditions.emplace_back().type = "Ready";
  const auto found = all({{"a", nullptr, vmi}});
  ASSERT_EQ(names(found), "a");
  EXPECT_FALSE(found[0].ready);
}

Service parent() {
  Service out;
  out.metadata.name = "a1";
  out.metadata.namespace_ = "team";
  out.metadata.uid = "u";
  out.metadata.labels["cluster.x-k8s.io/cluster-name"] = "demo";
  out.spec.ports.resize(2);
  out.spec.ports[0] = {"dns", "UDP", "", 53, Json(30053), {}};
  out.spec.ports[1] = {"dns-tcp", "TCP", "", 53, Json(30054), {}};
  return out;
}

TEST(SlicesOf, OneOfEachFamilyWithAllPorts) {
  const auto slices =
      slices_of(parent(), all({machine("a", {"10.0.0.1", "fd00::1"}), machine("b", {"10.0.0.2"})}));
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[0].metadata.name, "a1-ipv4-0");
  EXPECT_EQ(slices[0].addressType, "IPv4");
  EXPECT_EQ(slices[0].endpoints.size(), 2U);
  EXPECT_EQ(slices[0].endpoints[1].nodeName, "rack-b");
  EXPECT_EQ(slices[1].addressType, "IPv6");
  EXPECT_EQ(slices[1].endpoints.size(), 1U);
  EXPECT_EQ(slices[1].endpoints[0].addresses[0], "fd00::1");
  ASSERT_EQ(slices[0].ports.size(), 2U);
  EXPECT_EQ(slices[0].ports[0].port, 30053);
  EXPECT_EQ(slices[0].ports[0].protocol, "UDP");
  EXPECT_EQ(slices[0].ports[1].name, "dns-tcp");
  EXPECT_EQ(slices[0].metadata.label("kubernetes.io/service-name"), "a1");
  EXPECT_EQ(slices[0].metadata.label("endpointslice.kubernetes.io/managed-by"),
            "kubevirt-eps-controller");
  EXPECT_EQ(slices[0].metadata.label("cluster.x-k8s.io/cluster-name"), "demo");
  EXPECT_EQ(slices[0].metadata.ownerReferences.at(0).name, "a1");
}

TEST(SlicesOf, NoMoreThanAHundredEndpointsEach) {
  std::vector<Machine> machines;
  for (int i = 0; i < 250; ++i) {
    machines.push_back(machine("m" + std::to_string(i), {"10.0.1." + std::to_string(i)}));
  }
  const auto slices = slices_of(parent(), all(machines));
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[2].endpoints.size(), 50U);
  EXPECT_EQ(slices[2].metadata.name, "a1-ipv4-2");
}

TEST(SlicesOf, AnEmptyOneShowsWhoseTheyAre) {
  const auto slices = slices_of(parent(), {});
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_TRUE(slices[0].endpoints.empty());
}

}  // namespace
}  // namespace nestor::cloud
