#include "cluster/machine_logic.hpp"

#include <gtest/gtest.h>

namespace nestor::cluster {
namespace {

using api::cluster::Machine;
using api::core::Node;

Json parsed(const char* text) { return parse_json(text).value(); }

const char* const kInfra = R"({"spec":{"providerID":"kubevirt://m"},"status":{"ready":true,
    "addresses":[{"type":"InternalIP","address":"10.0.0.9"}]}})";
const char* const kBootstrap =
    R"({"status":{"dataSecretName":"m","initialization":{"dataSecretCreated":true}}})";

kube::Condition condition(std::string type, std::string status) {
  kube::Condition out;
  out.type = std::move(type);
  out.status = std::move(status);
  return out;
}

struct MachineLogic : ::testing::Test {
  MachineLogic() {
    view.machine.metadata.name = "m";
    view.machine.metadata.namespace_ = "default";
    view.machine.spec.clusterName = "demo";
    view.machine.spec.bootstrap.configRef = {"b", "KubeadmConfig", "m"};
    view.machine.spec.infrastructureRef = {"i", "KubevirtMachine", "m"};
    view.now = parse_rfc3339("2026-01-01T00:00:00Z").value();
    view.connected = true;
    node.metadata.name = "m";
    node.spec.providerID = "kubevirt://m";
    node.status.conditions = {condition("Ready", "True")};
    node.status.nodeInfo.emplace().kubeletVersion = "v1.37.2";
  }
  bool is(const Machine& machine, const char* type) {
    return kube::condition_true(machine.status.conditions, type);
  }
  MachineView view;
  Node node;
};

TEST_F(MachineLogic, AHeartbeatIsNoNews) {
  const auto news = [&](const std::function<void(Node&)>& change) {
    Node now = node;
    change(now);
    return tells_news(node, now);
  };
  EXPECT_FALSE(news([](Node& now) {
    now.metadata.resourceVersion = "2";
    now.status.capacity["cpu"] = "4";
  }));
  EXPECT_TRUE(news([](Node& now) { now.status.conditions[0].status = "Unknown"; }));
  EXPECT_TRUE(news([](Node& now) { now.status.conditions[0].message = "no network"; }));
  EXPECT_TRUE(news([](Node& now) { now.status.nodeInfo->kubeletVersion = "v1.38.0"; }));
  EXPECT_TRUE(news([](Node& now) { now.status.volumesAttached.emplace_back("pv"); }));
  EXPECT_TRUE(news([](Node& now) { now.spec.taints.resize(1); }));
  EXPECT_TRUE(news([](Node& now) { now.metadata.annotations["a"] = "b"; }));
}

TEST_F(MachineLogic, GoesThroughItsPhases) {
  EXPECT_EQ(observe(view).status.phase, "Pending");
  view.bootstrap = parsed(kBootstrap);
  view.infrastructure = parsed("{}");
  EXPECT_EQ(observe(view).status.phase, "Provisioning");
  EXPECT_EQ(observe(view).spec.bootstrap.dataSecretName, "m");
  view.infrastructure = parsed(kInfra);
  EXPECT_EQ(observe(view).status.phase, "Provisioned");
  EXPECT_EQ(observe(view).spec.providerID, "kubevirt://m");
  EXPECT_EQ(observe(view).status.addresses.size(), 1U);
  EXPECT_FALSE(is(observe(view), "Ready"));
  view.node = &node;
  const auto running = observe(view);
  EXPECT_EQ(running.status.phase, "Running");
  EXPECT_EQ(running.status.nodeRef.name, "m");
  EXPECT_EQ(find_string(running.status.nodeInfo, {"kubeletVersion"}), "v1.37.2");
  EXPECT_TRUE(is(running, "Ready"));
  EXPECT_TRUE(is(running, "Available"));
}

TEST_F(MachineLogic, ProvisionedInfrastructureWithoutProviderIdIsWaitedFor) {
  view.infrastructure = parsed(R"({"status":{"ready":true}})");
  EXPECT_NE(observe(view).status.initialization.infrastructureProvisioned, true);
}

TEST_F(MachineLogic, OnceProvisionedItStaysSoWhenTheObjectGoes) {
  view.infrastructure = parsed(kInfra);
  view.machine = observe(view);
  view.infrastructure.reset();
  const auto after = observe(view);
  EXPECT_EQ(after.status.initialization.infrastructureProvisioned, true);
  const auto* ready = kube::find_condition(after.status.conditions, "InfrastructureReady");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->status, "False");
  EXPECT_EQ(ready->reason, "Deleted");
}

TEST_F(MachineLogic, FailedInfrastructureFailsTheMachine) {
  view.infrastructure = parsed(kInfra);
  view.machine = observe(view);
  view.infrastructure->as_object()["status"].as_object()["failureReason"] = "UpdateError";
  view.infrastructure->as_object()["status"].as_object()["failureMessage"] = "it has ended";
  const auto after = observe(view);
  const auto* ready = kube::find_condition(after.status.conditions, "InfrastructureReady");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->status, "False");
  EXPECT_EQ(ready->message, "it has ended");
  EXPECT_EQ(after.status.phase, "Failed");
}

TEST_F(MachineLogic, ALostNodeIsFalse) {
  view.bootstrap = parsed(kBootstrap);
  view.infrastructure = parsed(kInfra);
  view.node = &node;
  view.machine = observe(view);
  view.node = nullptr;
  EXPECT_EQ(kube::find_condition(observe(view).status.conditions, "NodeHealthy")->status, "False");
  EXPECT_EQ(observe(view).status.phase, "Running");
}

TEST_F(MachineLogic, ATenantThatIsAwayMakesItsNodesUnknownOnlyAfterAWhile) {
  view.bootstrap = parsed(kBootstrap);
  view.infrastructure = parsed(kInfra);
  view.connected = false;
  const auto healthy = [&] {
    return kube::find_condition(observe(view).status.conditions, "NodeHealthy")->status;
  };
  EXPECT_EQ(healthy(), "Unknown") << "nothing was said before";
  view.connected = true;
  view.node = &node;
  view.machine = observe(view);
  view.connected = false;
  view.node = nullptr;
  view.now += std::chrono::minutes(1);
  EXPECT_EQ(observe(view), view.machine);
  view.lost = true;
  EXPECT_EQ(healthy(), "Unknown");
  EXPECT_FALSE(is(observe(view), "Ready"));
}

TEST_F(MachineLogic, BecomesAvailableAfterMinReadySeconds) {
  view.bootstrap = parsed(kBootstrap);
  view.infrastructure = parsed(kInfra);
  view.node = &node;
  view.machine.spec.minReadySeconds = 30;
  view.machine = observe(view);
  EXPECT_TRUE(is(view.machine, "Ready"));
  EXPECT_FALSE(is(view.machine, "Available"));
  const auto wait = until_available(view.machine, view.now);
  ASSERT_TRUE(wait.has_value());
  view.now += *wait;
  EXPECT_TRUE(is(observe(view), "Available"));
  EXPECT_FALSE(until_available(observe(view), view.now).has_value());
}

TEST_F(MachineLogic, ObservingAgainChangesNothing) {
  view.bootstrap = parsed(kBootstrap);
  view.infrastructure = parsed(kInfra);
  view.node = &node;
  view.machine = observe(view);
  view.now += std::chrono::hours(1);
  EXPECT_EQ(observe(view), view.machine);
}

TEST_F(MachineLogic, TheNodeGetsLabelsAndLosesTheTaint) {
  api::core::Taint taint;
  taint.key = "node.cluster.x-k8s.io/uninitialized";
  taint.effect = "NoSchedule";
  api::core::Taint own = taint;
  own.key = "gpu";
  node.spec.taints = {taint, own};
  view.machine.metadata.labels = {{"node-role.kubernetes.io/worker", ""}, {"team", "a"}};
  auto wanted = wanted_node(node, view.machine);
  ASSERT_EQ(wanted.spec.taints.size(), 1U);
  EXPECT_EQ(wanted.spec.taints[0].key, "gpu");
  EXPECT_TRUE(wanted.metadata.labels.contains("node-role.kubernetes.io/worker"));
  EXPECT_FALSE(wanted.metadata.labels.contains("team"));
  EXPECT_EQ(wanted.metadata.annotation("cluster.x-k8s.io/machine"), "m");
  EXPECT_EQ(wanted_node(wanted, view.machine), wanted);

  view.machine.metadata.labels.erase("node-role.kubernetes.io/worker");
  wanted.metadata.labels["of-the-node"] = "x";
  const auto later = wanted_node(wanted, view.machine);
  EXPECT_FALSE(later.metadata.labels.contains("node-role.kubernetes.io/worker"));
  EXPECT_TRUE(later.metadata.labels.contains("of-the-node"));
}

TEST(IsNodeLabel, OnlyTheDomainsOfNodes) {
  EXPECT_TRUE(is_node_label("node-role.kubernetes.io/worker"));
  EXPECT_TRUE(is_node_label("node.cluster.x-k8s.io/pool"));
  EXPECT_TRUE(is_node_label("a.node-restriction.kubernetes.io/b"));
  EXPECT_FALSE(is_node_label("xnode.cluster.x-k8s.io/pool"));
  EXPECT_FALSE(is_node_label("app"));
}

}  // namespace
}  // namespace nestor::cluster
