#include <gmock/gmock.h>

#include "cloud/settings.hpp"
#include "cloud/testing/load_balancers.hpp"

namespace nestor::cloud {
namespace {

using api::cluster::Cluster;
using api::core::Service;
using api::discovery::EndpointSlice;
using testing::CloudWorld;
using ::testing::ElementsAre;

using LocalTraffic = testing::LoadBalancersTest;

TEST_F(LocalTraffic, LocalTrafficGoesToTheMachinesWithAPod) {
  put_worker("a", "10.1.0.1");
  put_worker("b", "10.1.0.2");
  put_tenant_slice("web", {"a"});
  Service service = CloudWorld::balancer("web");
  service.spec.externalTrafficPolicy = "Local";
  service.spec.healthCheckNodePort = 31000;
  put(service);
  const Service parent = world.parents().at(0);
  EXPECT_TRUE(parent.spec.selector.empty());
  EXPECT_EQ(parent.spec.externalTrafficPolicy, "Local");
  ASSERT_EQ(slices().size(), 1U);
  EXPECT_EQ(slices()[0].endpoints.at(0).nodeName, "rack-1");
  EXPECT_EQ(slices()[0].ports.at(0).port, 30080);
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
  put_tenant_slice("web", {"b"});
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.2"));
  world.change_instance("b", [](auto& vmi) { vmi.status.interfaces[0].ipAddress = "10.1.0.9"; });
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.9"));
  world.change_instance("b", [](auto& vmi) { vmi.status.phase = "Failed"; });
  EXPECT_THAT(endpoint_addresses(), ElementsAre());
}

TEST_F(LocalTraffic, ATenantsSlicesAreWatchedOnlyWhenNeeded) {
  put(CloudWorld::balancer("web"));
  EXPECT_EQ(world.tenant.count("watch", "endpointslices"), 0U);
  change("web", [](Service& service) { service.spec.externalTrafficPolicy = "Local"; });
  EXPECT_EQ(world.tenant.count("watch", "endpointslices"), 1U);
}

TEST_F(LocalTraffic, ChangingThePolicyLeavesNoOldSlices) {
  let_select();
  put_worker("a", "10.1.0.1");
  put(CloudWorld::balancer("web"));
  const Service parent = world.parents().at(0);
  // What the management cluster makes of the selector.
  EndpointSlice theirs;
  theirs.metadata.name = parent.metadata.name + "-x7";
  theirs.metadata.namespace_ = "default";
  theirs.metadata.labels = parent.metadata.labels;
  theirs.metadata.labels["kubernetes.io/service-name"] = parent.metadata.name;
  theirs.metadata.labels["endpointslice.kubernetes.io/managed-by"] =
      "endpointslice-controller.k8s.io";
  world.management.put(theirs);
  put_tenant_slice("web", {"a"});
  change("web", [](Service& service) { service.spec.externalTrafficPolicy = "Local"; });
  ASSERT_EQ(slices().size(), 1U);
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
  EXPECT_EQ(world.management.count("delete", "endpoints"), 1U);

  change("web", [](Service& service) { service.spec.externalTrafficPolicy = "Cluster"; });
  EXPECT_FALSE(world.parents().at(0).spec.selector.empty());
  // Ours stay until the management cluster's own are there.
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
  world.management.put(theirs);
  world.run();
  ASSERT_EQ(slices().size(), 1U);
  EXPECT_EQ(slices()[0].metadata.name, theirs.metadata.name);
}

TEST_F(LocalTraffic, OtherTrafficGoesToAllMachinesWhoseNodesAreReady) {
  put_worker("a", "10.1.0.1");
  put_worker("b", "10.1.0.2");
  world.put_machine("c", "10.1.0.3", "other");
  put(CloudWorld::balancer("web"));
  EXPECT_TRUE(world.parents().at(0).spec.selector.empty());
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1", "10.1.0.2"));
  // It runs, but nobody listens there yet.
  world.put_machine("d", "10.1.0.4");
  world.run();
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1", "10.1.0.2"));
  auto node = world.node("a").value();
  node.status.conditions[0].status = "Unknown";
  world.tenant.put(node);
  world.run();
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.2"));
  node = world.node("b").value();
  node.status.conditions[0].status = "Unknown";
  world.tenant.put(node);
  world.run();
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1", "10.1.0.2"));
}

TEST_F(LocalTraffic, NobodyLosesTrafficWhileTheNodesAreNotKnownYet) {
  put_worker("a", "10.1.0.1");
  put(CloudWorld::balancer("web"));
  ASSERT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
  world.tenant.fail_next("list", {Code::kUnavailable, "refused", {}}, 1000, "nodes");
  world.restart();
  world.pass(std::chrono::seconds(30));
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
}

TEST_F(LocalTraffic, ASelectorThatSomebodyElseSetGoes) {
  put_worker("a", "10.1.0.1");
  put(CloudWorld::balancer("web"));
  Service parent = world.parents().at(0);
  parent.spec.selector = {{"cluster.x-k8s.io/role", "worker"}};
  world.management.put(parent);
  world.run();
  EXPECT_TRUE(world.parents().at(0).spec.selector.empty());
}

TEST_F(LocalTraffic, AnEarlierVersionsSelectorGoesOnceOurSlicesAreThere) {
  let_select();
  put_worker("a", "10.1.0.1");
  put(CloudWorld::balancer("web"));
  EXPECT_FALSE(world.parents().at(0).spec.selector.empty());
  let_select(false);
  EXPECT_TRUE(world.parents().at(0).spec.selector.empty());
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1"));
}

TEST_F(LocalTraffic, AMachineThatEndsWhileTheTenantIsAwayGetsNothing) {
  put_worker("a", "10.1.0.1");
  put_worker("b", "10.1.0.2");
  put(CloudWorld::balancer("web"));
  ASSERT_THAT(endpoint_addresses(), ElementsAre("10.1.0.1", "10.1.0.2"));
  world.tenant.fail_next("raw", {Code::kUnavailable, "refused", {}}, 1000);
  while (world.sessions->find(world.demo)) world.pass(std::chrono::seconds(1));
  world.erase_machine("a");
  world.run();
  EXPECT_THAT(endpoint_addresses(), ElementsAre("10.1.0.2"));
}

}  // namespace
}  // namespace nestor::cloud
