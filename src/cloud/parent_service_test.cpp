#include "cloud/parent_service.hpp"

#include <gtest/gtest.h>

#include <set>

#include "cloud/names.hpp"
#include "cloud/testing/world.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using testing::CloudWorld;

const WallTime kNow = parse_rfc3339("2026-01-01T00:00:00Z").value();

struct ParentServiceTest : ::testing::Test {
  ParentServiceTest() {
    cluster.metadata.name = "demo";
    cluster.metadata.namespace_ = "team";
    cluster.metadata.uid = "cluster-uid";
    tenant.metadata.uid = "0f8fad5b-d9cb-469f-a165-70867728950e";
  }
  Service parent() { return parent_service(input()).value(); }
  ParentInput input(const Service* current = nullptr) {
    return {.name = parent_name(tenant),
            .cluster = cluster,
            .tenant = tenant,
            .settings = settings,
            .passed_annotations = passed,
            .current = current};
  }
  api::cluster::Cluster cluster;
  Service tenant = CloudWorld::balancer("web");
  Settings settings;
  std::vector<std::string> passed = {"*"};
};

TEST_F(ParentServiceTest, PassesOnlyAnnotationsThatTheOperatorNamed) {
  const std::vector<std::string> given{
      "example.org/a",           "example.org/ab",         "example.net/x",
      "kubectl.kubernetes.io/y", "nestor.dev/applied-not", "nestor.dev/load-balancer-address"};
  for (const auto& key : given) tenant.metadata.annotations[key] = "10.9.0.1";
  const auto taken = [&](std::vector<std::string> entries) {
    passed = std::move(entries);
    std::set<std::string> out;
    for (const auto& [key, value] : parent().metadata.annotations) out.insert(key);
    EXPECT_EQ(out.erase("nestor.dev/applied"), 1U);
    EXPECT_EQ(out.erase("nestor.dev/load-balancer-address"), 1U);
    return out;
  };
  using Keys = std::set<std::string>;
  EXPECT_EQ(taken({}), Keys());
  EXPECT_EQ(taken({"example.org/a"}), Keys{"example.org/a"});
  EXPECT_EQ(taken({"example.org/*"}), (Keys{"example.org/a", "example.org/ab"}));
  EXPECT_EQ(taken({"kubectl.kubernetes.io/y"}), Keys());
  EXPECT_EQ(taken({"*"}).size(), 4U);
}

TEST_F(ParentServiceTest, HasUpstreamsNameLabelsAndTargets) {
  settings.selectorless = false;
  tenant.spec.ports[0].name = "http";
  tenant.spec.ports[0].appProtocol = "kubernetes.io/h2c";
  const Service made = parent();
  EXPECT_EQ(made.metadata.name, "a0f8fad5bd9cb469fa16570867728950");
  EXPECT_EQ(made.metadata.namespace_, "team");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/tenant-service-name"), "web");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/tenant-service-namespace"), "shop");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/cluster-name"), "demo");
  EXPECT_EQ(made.spec.type, "LoadBalancer");
  ASSERT_EQ(made.spec.ports.size(), 1U);
  EXPECT_EQ(made.spec.ports[0].name, "http");
  EXPECT_EQ(made.spec.ports[0].port, 80);
  EXPECT_EQ(made.spec.ports[0].targetPort, Json(30080));
  EXPECT_EQ(made.spec.ports[0].nodePort, std::nullopt);
  EXPECT_EQ(made.spec.ports[0].appProtocol, "kubernetes.io/h2c");
  const std::map<std::string, std::string> selector{{"cluster.x-k8s.io/role", "worker"},
                                                    {"cluster.x-k8s.io/cluster-name", "demo"}};
  EXPECT_EQ(made.spec.selector, selector);
  EXPECT_TRUE(is_parent_of(made, cluster, tenant));
}

TEST_F(ParentServiceTest, TakesWhatIsTheServicesOwnAndNothingThatReachesBeyondIt) {
  tenant.metadata.annotations["example.org/pool"] = "gold";
  tenant.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  tenant.spec.loadBalancerIP = "10.9.0.2";
  tenant.spec.loadBalancerSourceRanges = {"192.0.2.0/24"};
  tenant.spec.sessionAffinity = "ClientIP";
  tenant.spec.externalIPs = {"192.0.2.1"};
  tenant.spec.healthCheckNodePort = 31000;
  tenant.spec.ipFamilyPolicy = "RequireDualStack";
  tenant.spec.ipFamilies = {"IPv6", "IPv4"};
  const Service made = parent();
  EXPECT_EQ(made.metadata.annotation("example.org/pool"), "gold");
  EXPECT_FALSE(
      made.metadata.annotations.contains("kubectl.kubernetes.io/last-applied-configuration"));
  EXPECT_EQ(made.spec.loadBalancerIP, "10.9.0.2");
  EXPECT_EQ(made.spec.loadBalancerSourceRanges, tenant.spec.loadBalancerSourceRanges);
  EXPECT_EQ(made.spec.sessionAffinity, "ClientIP");
  EXPECT_TRUE(made.spec.externalIPs.empty());
  EXPECT_EQ(made.spec.healthCheckNodePort, std::nullopt);
  EXPECT_EQ(made.spec.ipFamilyPolicy, "PreferDualStack");
  EXPECT_TRUE(made.spec.ipFamilies.empty());
}

TEST_F(ParentServiceTest, WithoutNodePortsItSaysWhatToDo) {
  tenant.spec.ports[0].nodePort.reset();
  const auto made = parent_service(input());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kFailedPrecondition);
  EXPECT_NE(made.error().message.find("allocateLoadBalancerNodePorts"), std::string::npos);
}

TEST_F(ParentServiceTest, LocalAndSelectorlessHaveNoSelector) {
  EXPECT_TRUE(parent().spec.selector.empty());
  settings.selectorless = false;
  EXPECT_FALSE(parent().spec.selector.empty());
  tenant.spec.externalTrafficPolicy = "Local";
  EXPECT_TRUE(parent().spec.selector.empty());
  EXPECT_EQ(parent().spec.externalTrafficPolicy, "Local");
}

TEST_F(ParentServiceTest, AClassIsGivenOnceAndStays) {
  settings.parent_class = "example.org/gold";
  Service current = parent();
  EXPECT_EQ(current.spec.loadBalancerClass, "example.org/gold");
  settings.parent_class = "example.org/silver";
  const auto again = parent_service(input(&current));
  EXPECT_EQ(again->spec.loadBalancerClass, "example.org/gold");
}

TEST_F(ParentServiceTest, TakesNoNodePortsWhereNobodyNeedsThem) {
  EXPECT_EQ(parent().spec.allocateLoadBalancerNodePorts, std::nullopt);
  ParentInput pooled = input();
  pooled.node_ports = false;
  EXPECT_EQ(parent_service(pooled)->spec.allocateLoadBalancerNodePorts, false);
  // Another's class may need them.
  settings.parent_class = "example.org/gold";
  EXPECT_EQ(parent_service(pooled)->spec.allocateLoadBalancerNodePorts, std::nullopt);
}

TEST_F(ParentServiceTest, IsKnownByItsOwnerWhenItsLabelsAreGone) {
  Service made = parent();
  made.metadata.labels.clear();
  EXPECT_TRUE(is_parent_of(made, cluster, tenant));
  made.metadata.ownerReferences.clear();
  EXPECT_FALSE(is_parent_of(made, cluster, tenant));
}

TEST_F(ParentServiceTest, UpToDateSeesEveryChangeAndNoOtherOnes) {
  Service current = parent();
  current.spec.clusterIP = "10.96.0.7";
  current.spec.ports[0].nodePort = 31234;
  current.metadata.annotations["example.org/by-another"] = "x";
  EXPECT_TRUE(up_to_date(current, parent()));
  tenant.metadata.annotations["a"] = "b";
  EXPECT_FALSE(up_to_date(current, parent()));
  tenant.metadata.annotations.clear();
  tenant.spec.ports[0].protocol = "UDP";
  EXPECT_FALSE(up_to_date(current, parent()));
  tenant.spec.ports[0].protocol = "TCP";
  EXPECT_TRUE(up_to_date(current, parent()));
  tenant.spec.externalTrafficPolicy = "Local";
  EXPECT_FALSE(up_to_date(current, parent()));
}

TEST_F(ParentServiceTest, UpToDateSeesWhatIsNoLongerWanted) {
  tenant.metadata.annotations["a"] = "b";
  tenant.spec.loadBalancerSourceRanges = {"192.0.2.0/24"};
  const Service current = parent();
  EXPECT_TRUE(up_to_date(current, parent()));
  tenant.metadata.annotations.clear();
  EXPECT_FALSE(up_to_date(current, parent()));
  tenant.metadata.annotations["a"] = "b";
  tenant.spec.loadBalancerSourceRanges.clear();
  EXPECT_FALSE(up_to_date(current, parent()));
}

TEST_F(ParentServiceTest, ServesNoClassOrOurs) {
  EXPECT_TRUE(wants_balancer(tenant));
  tenant.spec.loadBalancerClass = "nestor.dev/load-balancer";
  EXPECT_TRUE(wants_balancer(tenant));
  tenant.spec.loadBalancerClass = "example.org/other";
  EXPECT_FALSE(wants_balancer(tenant));
  tenant.spec.loadBalancerClass.clear();
  tenant.spec.type = "NodePort";
  EXPECT_FALSE(wants_balancer(tenant));
}

TEST_F(ParentServiceTest, WritesBackAddressHostnameAndMode) {
  Service made = parent();
  made.status.loadBalancer.ingress.resize(2);
  made.status.loadBalancer.ingress[0].ip = "10.9.0.1";
  made.status.loadBalancer.ingress[0].ipMode = "VIP";
  made.status.loadBalancer.ingress[1].hostname = "lb.example.org";
  const Service after = with_balancer(tenant, made, kNow);
  EXPECT_EQ(after.status.loadBalancer, made.status.loadBalancer);
  EXPECT_TRUE(kube::condition_true(after.status.conditions, kBalancerReady));
  const Service none = without_balancer(after);
  EXPECT_TRUE(none.status.loadBalancer.ingress.empty());
  EXPECT_TRUE(none.status.conditions.empty());
}

}  // namespace
}  // namespace nestor::cloud
