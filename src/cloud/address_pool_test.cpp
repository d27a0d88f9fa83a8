#include "cloud/address_pool.hpp"

#include <gtest/gtest.h>

#include "cloud/cloud.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using Kind = Decision::Kind;

AddressPool pool() { return AddressPool::parse("10.9.0.1-10.9.0.3").value(); }

Service balancer(std::string name, std::string held = {}) {
  Service out;
  out.metadata.namespace_ = "default";
  out.metadata.creationTimestamp = "2026-01-01T00:00:00Z";
  out.metadata.name = std::move(name);
  out.spec.type = "LoadBalancer";
  if (!held.empty()) out.status.loadBalancer.ingress.emplace_back().ip = std::move(held);
  return out;
}

Decision decide_for(const Service& service, std::vector<Service> others = {}) {
  std::vector<std::shared_ptr<const Service>> all{std::make_shared<const Service>(service)};
  for (Service& other : others) all.push_back(std::make_shared<const Service>(std::move(other)));
  return decide(pool(), service, all);
}

TEST(AddressPool, RefusesWhatIsNoRange) {
  EXPECT_FALSE(AddressPool::parse("10.0.0.2-10.0.0.1"));
  EXPECT_FALSE(AddressPool::parse("-10.0.0.1"));
  EXPECT_FALSE(AddressPool::parse("fd00::1-fd00::2"));
  EXPECT_EQ(AddressPool::parse("10.0.0.1-10.0.0.1")->size(), 1u);
}

TEST(AddressPool, IsReadFromOneText) {
  const auto read = AddressPool::parse("10.0.0.1-10.0.0.9").value();
  EXPECT_EQ(read.size(), 9u);
  EXPECT_TRUE(read.contains("10.0.0.1"));
  EXPECT_TRUE(read.contains("10.0.0.9"));
  for (const char* wrong : {"10.0.0.1", "-", "10.0.0.1-", "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0"}) {
    EXPECT_FALSE(AddressPool::parse(wrong)) << wrong;
  }
}

TEST(AddressPool, EndsAtTheHighestAddress) {
  const auto top = AddressPool::parse("255.255.255.255-255.255.255.255").value();
  EXPECT_EQ(top.lowest_free({}).value(), "255.255.255.255");
  EXPECT_FALSE(top.lowest_free({"255.255.255.255"}));
}

TEST(Decide, GivesTheLowestFreeAddress) {
  const auto decision = decide_for(balancer("b"), {balancer("a", "10.9.0.1")});
  EXPECT_EQ(decision.kind, Kind::kAssign);
  EXPECT_EQ(decision.address, "10.9.0.2");
}

TEST(Decide, KeepsWhatAServiceHas) {
  EXPECT_EQ(decide_for(balancer("b", "10.9.0.3"), {balancer("a")}).kind, Kind::kKeep);
}

TEST(Decide, OneThatAsksForAnAddressGetsThatOrNone) {
  Service wanting = balancer("b");
  wanting.metadata.annotations[std::string(kAddressAnnotation)] = "10.9.0.3";
  EXPECT_EQ(decide_for(wanting).address, "10.9.0.3");
  EXPECT_EQ(decide_for(wanting, {balancer("a", "10.9.0.3")}).reason, "AddressTaken");
  wanting.metadata.annotations[std::string(kAddressAnnotation)] = "10.8.0.3";
  const auto outside = decide_for(wanting);
  EXPECT_EQ(outside.kind, Kind::kWait);
  EXPECT_EQ(outside.reason, "AddressNotInPool");
}

TEST(Decide, HonoursLoadBalancerIp) {
  Service wanting = balancer("b");
  wanting.spec.loadBalancerIP = "10.9.0.2";
  EXPECT_EQ(decide_for(wanting).address, "10.9.0.2");
}

TEST(Decide, MovesWhenTheRequestedAddressIsFree) {
  Service wanting = balancer("b", "10.9.0.1");
  wanting.metadata.annotations[std::string(kAddressAnnotation)] = "10.9.0.2";
  EXPECT_EQ(decide_for(wanting).address, "10.9.0.2");
  EXPECT_EQ(decide_for(wanting, {balancer("a", "10.9.0.2")}).kind, Kind::kKeep);
}

TEST(Decide, SaysThatNothingIsLeft) {
  const auto decision =
      decide_for(balancer("d"),
                 {balancer("a", "10.9.0.1"), balancer("b", "10.9.0.2"), balancer("c", "10.9.0.3")});
  EXPECT_EQ(decision.kind, Kind::kWait);
  EXPECT_EQ(decision.reason, "NoAddressLeft");
  EXPECT_EQ(decision.message, "all 3 addresses of the load-balancer pool are taken");
}

TEST(Decide, KeepsAShareForOthersThanTenants) {
  const AddressPool eight = AddressPool::parse("10.9.0.1-10.9.0.8").value();
  std::vector<std::shared_ptr<const Service>> all;
  for (int i = 1; i <= 7; ++i) {
    const std::string address = "10.9.0." + std::to_string(i);
    all.push_back(std::make_shared<const Service>(balancer(address, address)));
  }
  Service parent = balancer("parent");
  parent.metadata.labels["cluster.x-k8s.io/tenant-service-name"] = "web";
  EXPECT_EQ(decide(eight, parent, all).kind, Kind::kWait);
  EXPECT_EQ(decide(eight, parent, all).reason, "NoAddressLeft");
  parent.spec.loadBalancerIP = "10.9.0.8";
  EXPECT_EQ(decide(eight, parent, all).kind, Kind::kWait);
  EXPECT_EQ(decide(eight, balancer("control-plane"), all).address, "10.9.0.8");
  all.pop_back();
  EXPECT_EQ(decide(eight, parent, all).kind, Kind::kAssign);
}

TEST(Decide, LetsTheOlderOfTwoKeepAnAddress) {
  Service older = balancer("z", "10.9.0.1");
  Service younger = balancer("a", "10.9.0.1");
  younger.metadata.creationTimestamp = "2026-01-02T00:00:00Z";
  EXPECT_EQ(decide_for(older, {younger}).kind, Kind::kKeep);
  const auto moved = decide_for(younger, {older});
  EXPECT_EQ(moved.kind, Kind::kAssign);
  EXPECT_EQ(moved.address, "10.9.0.2");
}

TEST(Decide, ServesOurClassAndLeavesOthersAlone) {
  Service ours = balancer("a");
  ours.spec.loadBalancerClass = std::string(kPoolClass);
  EXPECT_EQ(decide_for(ours).kind, Kind::kAssign);
  Service foreign = balancer("a");
  foreign.spec.loadBalancerClass = "example.org/other";
  EXPECT_EQ(decide_for(foreign).kind, Kind::kKeep);
  Service elsewhere = balancer("a", "192.0.2.1");
  EXPECT_EQ(decide_for(elsewhere).kind, Kind::kKeep);
}

TEST(Decide, ReleasesWhenTheTypeChanges) {
  Service changed = balancer("a", "10.9.0.1");
  changed.spec.type = "ClusterIP";
  EXPECT_EQ(decide_for(changed).kind, Kind::kRelease);
  Service never = balancer("b");
  never.spec.type = "ClusterIP";
  EXPECT_EQ(decide_for(never).kind, Kind::kKeep);
}

TEST(Decide, CountsExternalIpsAsTaken) {
  Service external;
  external.metadata.name = "x";
  external.spec.externalIPs = {"10.9.0.1"};
  EXPECT_EQ(decide_for(balancer("b"), {external}).address, "10.9.0.2");
  external.metadata.creationTimestamp = "2026-01-02T00:00:00Z";
  EXPECT_EQ(decide_for(balancer("b"), {external}).address, "10.9.0.2");
  EXPECT_EQ(decide_for(balancer("b", "10.9.0.1"), {external}).kind, Kind::kKeep);
}

}  // namespace
}  // namespace nestor::cloud
