#include <gmock/gmock.h>

#include "cloud/parent_service.hpp"
#include "cloud/settings.hpp"
#include "cloud/testing/load_balancers.hpp"

namespace nestor::cloud {
namespace {

using api::cluster::Cluster;
using api::core::Service;
using ::testing::AllOf;
using testing::CloudWorld;
using ::testing::Contains;
using ::testing::ElementsAre;

using LoadBalancers = testing::LoadBalancersTest;

TEST_F(LoadBalancers, AServiceGetsAParentAndItsAddress) {
  const Service service = put(CloudWorld::balancer("web"));
  ASSERT_EQ(world.parents().size(), 1U);
  const Service parent = world.parents()[0];
  EXPECT_EQ(parent.metadata.name, parent_name(service));
  EXPECT_EQ(parent.metadata.namespace_, "default");
  EXPECT_EQ(parent.metadata.ownerReferences.at(0).kind, "Cluster");
  const Service now = world.service("web").value();
  EXPECT_EQ(CloudWorld::address(now), "10.9.0.1");
  EXPECT_EQ(now.status.loadBalancer.ingress[0].ipMode, "VIP");
  EXPECT_TRUE(now.metadata.has_finalizer("service.kubernetes.io/load-balancer-cleanup"));
  EXPECT_THAT(CloudWorld::reasons(world.tenant),
              ElementsAre("EnsuringLoadBalancer", "EnsuredLoadBalancer"));
  EXPECT_TRUE(kube::condition_true(parent.status.conditions, "nestor.dev/TenantService"));
  EXPECT_TRUE(kube::condition_true(parent.status.conditions, kBalancerReady));
  world.management.clear_calls();
  world.tenant.clear_calls();
  world.pass(std::chrono::minutes(5));
  EXPECT_EQ(world.management.count("apply"), 0U);
  EXPECT_EQ(world.tenant.count("patch"), 0U);
}

TEST_F(LoadBalancers, FollowsLaterChanges) {
  put(CloudWorld::balancer("web"));
  change("web", [](Service& service) {
    service.spec.ports[0].port = 8080;
    service.spec.ports.push_back({"dns", "UDP", "", 53, {}, 30053});
    service.spec.loadBalancerSourceRanges = {"192.0.2.0/24"};
    service.metadata.annotations["example.org/x"] = "y";
  });
  Service parent = world.parents().at(0);
  ASSERT_EQ(parent.spec.ports.size(), 2U);
  EXPECT_EQ(parent.spec.ports[0].port, 8080);
  EXPECT_EQ(parent.spec.ports[1].protocol, "UDP");
  EXPECT_EQ(parent.spec.ports[1].targetPort, Json(30053));
  EXPECT_EQ(parent.spec.loadBalancerSourceRanges.size(), 1U);
  EXPECT_EQ(parent.metadata.annotation("example.org/x"), "y");
  change("web", [](Service& service) {
    service.spec.ports.pop_back();
    service.spec.loadBalancerSourceRanges.clear();
    service.metadata.annotations.clear();
  });
  parent = world.parents().at(0);
  EXPECT_EQ(parent.spec.ports.size(), 1U);
  EXPECT_TRUE(parent.spec.loadBalancerSourceRanges.empty());
  EXPECT_EQ(parent.metadata.annotation("example.org/x"), "");
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
}

TEST_F(LoadBalancers, AnAddressThatChangesIsWrittenBack) {
  put(CloudWorld::balancer("web"));
  Service parent = world.parents().at(0);
  parent.status.loadBalancer.ingress[0].ip = "";
  parent.status.loadBalancer.ingress[0].hostname = "lb.example.org";
  world.management.put(parent);
  world.run();
  EXPECT_EQ(world.service("web")->status.loadBalancer.ingress[0].hostname, "lb.example.org");
}

TEST_F(LoadBalancers, WhatSomebodyUndoesIsDoneAgain) {
  put(CloudWorld::balancer("web"));
  Service parent = world.parents().at(0);
  parent.spec.ports[0].targetPort = 1;
  world.management.put(parent);
  world.run();
  EXPECT_EQ(world.parents().at(0).spec.ports[0].targetPort, Json(30080));
  world.management.erase(Service::kType, parent.metadata.key());
  world.run();
  ASSERT_EQ(world.parents().size(), 1U);
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
}

TEST_F(LoadBalancers, LabelsThatSomebodyTookOffComeBack) {
  put(CloudWorld::balancer("web"));
  Service parent = world.parents().at(0);
  parent.metadata.labels.clear();
  world.management.put(parent);
  world.run();
  ASSERT_EQ(world.parents().size(), 1U);
  EXPECT_EQ(world.parents()[0].metadata.label("cluster.x-k8s.io/tenant-service-name"), "web");
}

TEST_F(LoadBalancers, DeletionEndsWhenTheParentIsGone) {
  const Service service = put(CloudWorld::balancer("web"));
  Service parent = world.parents().at(0);
  parent.metadata.finalizers = {"example.org/slow"};
  world.management.put(parent);
  world.run();
  world.tenant.erase(Service::kType, {"shop", "web"});
  world.run();
  ASSERT_TRUE(world.service("web").has_value());
  parent = world.parents().at(0);
  EXPECT_TRUE(parent.metadata.deleting());
  parent.metadata.finalizers.clear();
  world.management.put(parent);
  world.run();
  EXPECT_FALSE(world.service("web").has_value());
  EXPECT_TRUE(world.parents().empty());
  EXPECT_THAT(CloudWorld::reasons(world.tenant),
              AllOf(Contains("DeletingLoadBalancer"), Contains("DeletedLoadBalancer")));
}

TEST_F(LoadBalancers, AnotherTypeCleansUp) {
  put(CloudWorld::balancer("web"));
  change("web", [](Service& service) { service.spec.type = "ClusterIP"; });
  EXPECT_TRUE(world.parents().empty());
  const Service now = world.service("web").value();
  EXPECT_TRUE(now.metadata.finalizers.empty());
  EXPECT_TRUE(now.status.loadBalancer.ingress.empty());
  EXPECT_TRUE(now.status.conditions.empty());
  change("web", [](Service& service) { service.spec.type = "LoadBalancer"; });
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
}

TEST_F(LoadBalancers, AnotherClassIsLeftAlone) {
  Service other = CloudWorld::balancer("web");
  other.spec.loadBalancerClass = "example.org/other";
  // Whoever serves it uses the same finalizer.
  other.metadata.finalizers = {std::string(kBalancerFinalizer)};
  put(other);
  EXPECT_TRUE(world.parents().empty());
  EXPECT_EQ(world.service("web")->metadata.finalizers, other.metadata.finalizers);
  EXPECT_EQ(world.tenant.count("patch"), 0U);
}

TEST_F(LoadBalancers, NoAddressLeftIsSaidAndMendsItself) {
  for (const char* name : {"a", "b", "c"}) put(CloudWorld::balancer(name));
  EXPECT_EQ(CloudWorld::address(*world.service("c")), "");
  EXPECT_EQ(message("c"),
            "False NoAddressLeft: all 2 addresses of the load-balancer pool are taken");
  EXPECT_THAT(CloudWorld::reasons(world.tenant), Contains("SyncLoadBalancerFailed"));
  EXPECT_THAT(CloudWorld::reasons(world.management), Contains("NoAddressLeft"));
  world.tenant.erase(Service::kType, {"shop", "a"});
  world.run();
  EXPECT_EQ(CloudWorld::address(*world.service("c")), "10.9.0.1");
  EXPECT_EQ(message("c"), "True Ensured: ");
}

TEST_F(LoadBalancers, MoreThanATenantMayHaveWaitUntilAnotherGoes) {
  world.stop();
  world.options.max_load_balancers = 2;
  world.boot();
  world.begin();
  // All at once: none may see the room that another takes.
  for (const char* name : {"a", "b", "c", "d"}) world.tenant.put(CloudWorld::balancer(name));
  world.run();
  ASSERT_EQ(world.parents().size(), 2U);
  const std::string told =
      "False TooManyLoadBalancers: the cluster has its 2 load balancers: this one waits until "
      "another goes";
  EXPECT_EQ(message("a"), "True Ensured: ");
  EXPECT_EQ(message("c"), told);
  EXPECT_EQ(message("d"), told);
  EXPECT_THAT(CloudWorld::reasons(world.tenant), Contains("SyncLoadBalancerFailed"));
  world.tenant.erase(Service::kType, {"shop", "c"});
  world.run();
  EXPECT_FALSE(world.service("c").has_value());
  world.tenant.erase(Service::kType, {"shop", "a"});
  world.run();
  EXPECT_EQ(message("d"), "True Ensured: ");
  EXPECT_EQ(world.parents().size(), 2U);
  // Those that are there stay when the bound is lowered.
  world.stop();
  world.options.max_load_balancers = 1;
  world.boot();
  world.begin();
  EXPECT_EQ(world.parents().size(), 2U);
}

TEST_F(LoadBalancers, OneThatCannotBeMadeTakesNoRoom) {
  world.stop();
  world.options.max_load_balancers = 1;
  world.boot();
  world.begin();
  Service bare = CloudWorld::balancer("a");
  bare.spec.ports[0].nodePort.reset();
  put(bare);
  put(CloudWorld::balancer("b"));
  EXPECT_EQ(message("b"), "True Ensured: ");
}

TEST_F(LoadBalancers, AWantedAddressThatIsTakenIsSaidAndMendsItself) {
  put(CloudWorld::balancer("a"));
  Service wanting = CloudWorld::balancer("b");
  wanting.spec.loadBalancerIP = "10.9.0.1";
  put(wanting);
  EXPECT_EQ(message("b"), "False AddressTaken: the address 10.9.0.1 is taken");
  world.tenant.erase(Service::kType, {"shop", "a"});
  world.run();
  EXPECT_EQ(CloudWorld::address(*world.service("b")), "10.9.0.1");
}

TEST_F(LoadBalancers, ThatNobodyGivesAnAddressIsSaidAfterAMinute) {
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.metadata.annotations[std::string(kParentClassAnnotation)] = "example.org/nobody";
  world.management.put(cluster);
  put(CloudWorld::balancer("web"));
  EXPECT_EQ(message("web"), "False Pending: waiting for an address");
  world.pass(std::chrono::seconds(59));
  EXPECT_THAT(CloudWorld::reasons(world.tenant), ElementsAre("EnsuringLoadBalancer"));
  world.pass(std::chrono::seconds(2));
  EXPECT_EQ(message("web").substr(0, 20), "False NoAddressGiven");
  EXPECT_THAT(CloudWorld::reasons(world.tenant), Contains("SyncLoadBalancerFailed"));
}

TEST_F(LoadBalancers, WithoutNodePortsItIsSaidAndMendsItself) {
  Service bare = CloudWorld::balancer("web");
  bare.spec.ports[0].nodePort.reset();
  put(bare);
  EXPECT_TRUE(world.parents().empty());
  EXPECT_NE(message("web").find("no node port"), std::string::npos);
  EXPECT_THAT(CloudWorld::reasons(world.tenant), Contains("SyncLoadBalancerFailed"));
  change("web", [](Service& service) { service.spec.ports[0].nodePort = 30081; });
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
}

TEST_F(LoadBalancers, ARefusalOfTheManagementClusterIsSaidAndMendsItself) {
  // Twice: telling of the first is a change, which is looked at again at once.
  world.management.fail_next("apply", {Code::kPermissionDenied, "exceeded quota", {}}, 2,
                             "services");
  put(CloudWorld::balancer("web"));
  EXPECT_NE(message("web").find("exceeded quota"), std::string::npos);
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(message("web"), "True Ensured: ");
}

TEST_F(LoadBalancers, GoWithTheirCluster) {
  put(CloudWorld::balancer("web"));
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.metadata.finalizers = {"cluster.cluster.x-k8s.io"};
  world.management.put(cluster);
  world.management.erase(Cluster::kType, world.demo);
  world.run();
  EXPECT_TRUE(world.parents().empty());
}

TEST_F(LoadBalancers, AParentWhoseServiceWentWhileNobodyLookedIsRemoved) {
  put(CloudWorld::balancer("web"));
  world.stop();
  world.tenant.erase_now(Service::kType, {"shop", "web"});
  world.boot();
  world.begin();
  EXPECT_TRUE(world.parents().empty());
}

TEST_F(LoadBalancers, AParentWhoseClusterWentWhileNobodyLookedIsRemoved) {
  put(CloudWorld::balancer("web"));
  world.stop();
  world.management.erase_now(Cluster::kType, world.demo);
  world.boot();
  world.begin();
  EXPECT_TRUE(world.parents().empty());
}

TEST_F(LoadBalancers, AFinalizerLeftByACrashIsTakenOff) {
  Service left = CloudWorld::balancer("web");
  left.spec.type = "ClusterIP";
  left.metadata.finalizers = {std::string(kBalancerFinalizer)};
  put(left);
  EXPECT_TRUE(world.service("web")->metadata.finalizers.empty());
}

TEST_F(LoadBalancers, AServiceThatIsMadeAgainGetsAParentOfItsOwn) {
  const Service first = put(CloudWorld::balancer("web"));
  world.stop();
  world.tenant.erase_now(Service::kType, {"shop", "web"});
  const Service second = world.tenant.put(CloudWorld::balancer("web"));
  world.boot();
  world.begin();
  ASSERT_EQ(world.parents().size(), 1U);
  EXPECT_NE(parent_name(first), parent_name(second));
  EXPECT_EQ(world.parents()[0].metadata.name, parent_name(second));
}

TEST_F(LoadBalancers, ACrashAtAnyCallMendsItself) {
  // Every write of ours fails once, then the manager starts anew.
  for (int step = 0; step < 6; ++step) {
    int writes = 0;
    const auto once = [&writes, step](const kube::testing::FakeCall& call) {
      const bool write = call.verb == "apply" || call.verb == "patch" || call.verb == "delete";
      return write && writes++ >= step ? std::optional<Error>({Code::kUnavailable, "down", {}})
                                       : std::nullopt;
    };
    world.tenant.on_call(once);
    world.management.on_call(once);
    put(CloudWorld::balancer("web"));
    world.tenant.on_call({});
    world.management.on_call({});
    world.restart();
    EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1") << step;

    writes = 0;
    world.tenant.on_call(once);
    world.management.on_call(once);
    world.tenant.erase(Service::kType, {"shop", "web"});
    world.run();
    world.tenant.on_call({});
    world.management.on_call({});
    world.restart();
    EXPECT_FALSE(world.service("web").has_value()) << step;
    EXPECT_TRUE(world.parents().empty()) << step;
  }
}

TEST_F(LoadBalancers, TwoTenantsWithEqualNamesNeverMix) {
  kube::testing::FakeClient second(&world.clock);
  second.set_raw("/readyz", "ok");
  world.others["https://10.0.0.2:6443"] = &second;
  world.add_cluster("other");
  world.add_kubeconfig("https://10.0.0.2:6443", "other");
  world.run();
  put(CloudWorld::balancer("web"));
  Service padding = CloudWorld::balancer("padding");
  padding.spec.type = "ClusterIP";
  second.put(padding);
  second.put(CloudWorld::balancer("web"));
  world.run();
  ASSERT_EQ(world.parents().size(), 2U);
  const auto theirs = second.peek<Service>({"shop", "web"}).value();
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
  EXPECT_EQ(CloudWorld::address(theirs), "10.9.0.2");
  world.tenant.erase(Service::kType, {"shop", "web"});
  world.run();
  ASSERT_EQ(world.parents().size(), 1U);
  EXPECT_EQ(world.parents()[0].metadata.label("cluster.x-k8s.io/cluster-name"), "other");
  world.stop();
}

TEST_F(LoadBalancers, NotEvenEqualUidsMixTwoTenants) {
  // As a tenant restored from another's backup has them.
  kube::testing::FakeClient copy(&world.clock);
  copy.set_raw("/readyz", "ok");
  world.others["https://10.0.0.2:6443"] = &copy;
  world.add_cluster("copy");
  world.add_kubeconfig("https://10.0.0.2:6443", "copy");
  world.run();
  const Service first = put(CloudWorld::balancer("web"));
  Service twin = CloudWorld::balancer("web");
  twin.spec.ports[0].nodePort = 31111;
  twin = copy.put(twin);
  world.run();
  ASSERT_EQ(twin.metadata.uid, first.metadata.uid);
  ASSERT_EQ(world.parents().size(), 2U);
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "10.9.0.1");
  EXPECT_EQ(CloudWorld::address(copy.peek<Service>({"shop", "web"}).value()), "10.9.0.2");
  // When the first goes, the copy keeps the name it has.
  world.tenant.erase(Service::kType, {"shop", "web"});
  copy.erase(Service::kType, {"shop", "none"});
  world.run();
  ASSERT_EQ(world.parents().size(), 1U);
  EXPECT_EQ(world.parents()[0].spec.ports[0].targetPort, Json(31111));
  EXPECT_NE(world.parents()[0].metadata.name, parent_name(first));
  world.stop();
}

TEST_F(LoadBalancers, AClusterMayLeaveThemToAnotherProgram) {
  serve(false);
  put(CloudWorld::balancer("web"));
  EXPECT_TRUE(world.parents().empty());
  serve(true);
  EXPECT_EQ(world.parents().size(), 1U);
}

TEST_F(LoadBalancers, AreReleasedWhenTheirClusterLeavesThemToAnotherProgram) {
  put(CloudWorld::balancer("web"));
  ASSERT_EQ(world.parents().size(), 1U);
  serve(false);
  EXPECT_TRUE(world.parents().empty());
  Service now = world.service("web").value();
  EXPECT_TRUE(now.metadata.finalizers.empty());
  EXPECT_TRUE(now.metadata.annotations.empty());
  EXPECT_TRUE(now.status.loadBalancer.ingress.empty());
  EXPECT_TRUE(now.status.conditions.empty());
  // What the other program writes from then on stays.
  now.metadata.finalizers = {std::string(kBalancerFinalizer)};
  now.status.loadBalancer.ingress.emplace_back().ip = "192.0.2.1";
  put(now);
  world.tenant.erase(Service::kType, {"shop", "web"});
  world.run();
  ASSERT_TRUE(world.service("web").has_value());
  EXPECT_TRUE(world.service("web")->metadata.has_finalizer(kBalancerFinalizer));
  EXPECT_EQ(CloudWorld::address(*world.service("web")), "192.0.2.1");
}

TEST_F(LoadBalancers, AReleaseThatACrashCutShortGoesOn) {
  // The n-th write and all after it are lost until the manager is started again.
  for (int n = 0; n < 3; ++n) {
    SCOPED_TRACE(n);
    serve(true);
    put(CloudWorld::balancer("web"));
    ASSERT_EQ(world.parents().size(), 1U);
    int writes = 0;
    const auto dead = [&](const kube::testing::FakeCall& call) {
      const bool write = call.verb == "patch" || call.verb == "delete";
      return write && writes++ >= n ? std::optional<Error>({Code::kUnavailable, "down", {}})
                                    : std::nullopt;
    };
    world.tenant.on_call(dead);
    world.management.on_call(dead);
    serve(false);
    EXPECT_GT(writes, n);
    world.tenant.on_call({});
    world.management.on_call({});
    world.restart();
    EXPECT_TRUE(world.parents().empty());
    EXPECT_TRUE(world.service("web")->metadata.finalizers.empty());
    EXPECT_EQ(CloudWorld::address(*world.service("web")), "");
  }
}

TEST_F(LoadBalancers, WaitForATenantThatDoesNotAnswer) {
  put(CloudWorld::balancer("web"));
  world.tenant.fail_next("raw", {Code::kUnavailable, "refused", {}}, 5);
  world.pass(std::chrono::seconds(50));
  ASSERT_EQ(world.sessions->find(world.demo), nullptr);
  world.tenant.erase(Service::kType, {"shop", "web"});
  world.run();
  EXPECT_EQ(world.parents().size(), 1U);
  world.pass(std::chrono::seconds(15));
  EXPECT_TRUE(world.parents().empty());
  EXPECT_FALSE(world.service("web").has_value());
}

}  // namespace
}  // namespace nestor::cloud
