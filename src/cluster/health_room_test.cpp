#include <gmock/gmock.h>

#include "api/cluster/machine_health_check.hpp"
#include "cluster/machine_health_logic.hpp"
#include "cluster/testing/room.hpp"

namespace nestor::cluster {
namespace {

using namespace testing;
using api::cluster::MachineHealthCheck;
using std::chrono::seconds;
using ::testing::ElementsAreArray;

struct HealthRoom : ClusterRoom {
  HealthRoom() {
    control_plane_up();
    add_deployment(3);
    join_all();
    for (const auto& machine : world.management.all<Machine>()) {
      names.push_back(machine.metadata.name);
    }
    auto check = named<MachineHealthCheck>("workers");
    check.spec.clusterName = "demo";
    check.spec.selector.matchLabels["cluster.x-k8s.io/deployment-name"] = "workers";
    check.spec.checks.unhealthyNodeConditions = {{"Ready", "Unknown", 60}};
    world.management.put(check);
    world.pass(kTenantGrace);
  }
  void silence(const std::string& name) {
    auto node = world.tenant.peek<Node>({"", name}).value();
    node.status.conditions[0].status = "Unknown";
    node.status.conditions[0].lastTransitionTime = format_rfc3339(world.clock.now());
    world.tenant.put(node);
    world.run();
  }
  void speak(const std::string& name) {
    auto node = world.tenant.peek<Node>({"", name}).value();
    node.status.conditions[0].status = "True";
    node.status.conditions[0].lastTransitionTime = format_rfc3339(world.clock.now());
    world.tenant.put(node);
    world.run();
  }
  bool exists(const std::string& name) {
    return world.management.peek<Machine>({"default", name}).has_value();
  }
  void limit(const Json& most) {
    auto check = read<MachineHealthCheck>("workers");
    check.spec.remediation.triggerIf.unhealthyLessThanOrEqualTo = most;
    world.management.put(check);
    world.run();
  }
  MachineHealthCheck check() { return read<MachineHealthCheck>("workers"); }
  std::vector<std::string> names;
};

TEST_F(HealthRoom, CountsItsMachines) {
  const auto status = check().status;
  EXPECT_EQ(status.expectedMachines, 3);
  EXPECT_EQ(status.currentHealthy, 3);
  EXPECT_EQ(status.remediationsAllowed, 3);
  EXPECT_THAT(status.targets, ElementsAreArray(names));
  EXPECT_TRUE(kube::condition_true(status.conditions, "RemediationAllowed"));
  EXPECT_EQ(condition(read<Machine>(names[0]), "HealthCheckSucceeded").status, "True");
  EXPECT_EQ(check().metadata.ownerReferences.at(0).kind, "Cluster");
}

TEST_F(HealthRoom, ReplacesASilentNodesMachineAtTheTimeLimit) {
  silence(names[0]);
  world.pass(seconds(58));
  EXPECT_FALSE(read<Machine>(names[0]).metadata.deleting());
  world.management.clear_calls();
  world.pass(seconds(4));
  // Its Node is unreachable: nothing holds its end up.
  EXPECT_FALSE(world.management.peek<Machine>({"default", names[0]}).has_value());
  EXPECT_EQ(count<Machine>(), 3U);
  join_all();
  world.pass(seconds(1));
  EXPECT_EQ(check().status.currentHealthy, 3);
}

TEST_F(HealthRoom, RemediatesNothingWhenTooManyAreUnhealthy) {
  limit(1);
  silence(names[0]);
  silence(names[1]);
  world.pass(seconds(65));
  EXPECT_EQ(count<Machine>(), 3U);
  EXPECT_EQ(condition(read<Machine>(names[0]), "HealthCheckSucceeded").reason, "UnhealthyNode");
  const auto status = check().status;
  EXPECT_EQ(status.currentHealthy, 1);
  EXPECT_EQ(status.remediationsAllowed, 0);
  const auto* allowed = kube::find_condition(status.conditions, "RemediationAllowed");
  EXPECT_EQ(allowed->reason, "TooManyUnhealthy");
  // One recovers: the other is replaced.
  auto node = world.tenant.peek<Node>({"", names[1]}).value();
  node.status.conditions[0].status = "True";
  world.tenant.put(node);
  world.pass(seconds(2));
  EXPECT_TRUE(exists(names[0])) << "it has a moment to recover as well";
  world.pass(kTenantGrace);
  EXPECT_FALSE(exists(names[0]));
  EXPECT_EQ(condition(read<Machine>(names[1]), "HealthCheckSucceeded").status, "True");
}

TEST_F(HealthRoom, NodesThatRecoverOneAfterAnotherCostNoMachine) {
  limit(1);
  for (const auto& name : names) silence(name);
  world.pass(seconds(65));
  speak(names[0]);
  speak(names[1]);
  world.pass(seconds(5));
  speak(names[2]);
  world.pass(kTenantGrace);
  for (const auto& name : names) EXPECT_TRUE(exists(name));
  EXPECT_EQ(check().status.currentHealthy, 3);
  EXPECT_TRUE(kube::condition_true(check().status.conditions, "RemediationAllowed"));
}

TEST_F(HealthRoom, AMistypedRangeRemediatesNothing) {
  auto mistyped = check();
  mistyped.spec.remediation.triggerIf.unhealthyInRange = "[5-2]";
  world.management.put(mistyped);
  world.run();
  silence(names[0]);
  world.pass(seconds(65));
  EXPECT_FALSE(read<Machine>(names[0]).metadata.deleting());
  const auto status = check().status;
  const auto* allowed = kube::find_condition(status.conditions, "RemediationAllowed");
  EXPECT_EQ(allowed->status, "False");
  EXPECT_EQ(allowed->reason, "InvalidSpec");
  EXPECT_NE(allowed->message.find("spec.remediation.triggerIf.unhealthyInRange"),
            std::string::npos);
  auto mended = check();
  mended.spec.remediation.triggerIf.unhealthyInRange = "[1-2]";
  world.management.put(mended);
  world.pass(seconds(2));
  EXPECT_FALSE(world.management.peek<Machine>({"default", names[0]}).has_value());
}

TEST_F(HealthRoom, AMachineWhoseNodeNeverComesIsReplaced) {
  scale(4);
  std::string late;
  for (const auto& machine : world.management.all<Machine>()) {
    if (machine.status.nodeRef.name.empty()) late = machine.metadata.name;
  }
  world.pass(seconds(595));
  EXPECT_TRUE(world.management.peek<Machine>({"default", late}).has_value());
  world.pass(seconds(10));
  EXPECT_FALSE(world.management.peek<Machine>({"default", late}).has_value());
  EXPECT_EQ(count<Machine>(), 4U);
}

TEST_F(HealthRoom, ATenantThatIsAwayCostsNoMachine) {
  bool away = true;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (!away || call.verb != "raw") return std::nullopt;
    return Error{Code::kUnavailable, "refused", {}};
  });
  world.pass(seconds(60));
  silence(names[0]);
  silence(names[1]);
  world.pass(seconds(120));
  EXPECT_EQ(read<Machine>(names[0]).status.phase, "Running");
  away = false;
  world.pass(seconds(15));
  // Its kubelets were away too, and need a moment.
  speak(names[1]);
  world.pass(seconds(60));
  EXPECT_TRUE(exists(names[0]));
  world.pass(seconds(30));
  EXPECT_FALSE(exists(names[0])) << "it had time to come back";
  EXPECT_TRUE(exists(names[1]));
  EXPECT_EQ(count<Machine>(), 3U);
}

TEST_F(HealthRoom, AStartOfTheManagerGivesTenantsTimeToo) {
  silence(names[0]);
  world.stop();
  world.clock.advance(seconds(300));
  restart();
  world.pass(seconds(80));
  EXPECT_TRUE(exists(names[0]));
  EXPECT_EQ(condition(read<Machine>(names[0]), "HealthCheckSucceeded").status, "True");
  world.pass(seconds(15));
  EXPECT_FALSE(exists(names[0]));
}

TEST_F(HealthRoom, ACacheThatLagsCostsNoMachine) {
  silence(names[0]);
  world.tenant.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "watch" || call.plural != "nodes") return std::nullopt;
    return Error{Code::kUnavailable, "refused", {}};
  });
  world.tenant.break_watches();
  world.run();
  speak(names[0]);
  world.pass(seconds(65));
  EXPECT_TRUE(exists(names[0]));
  EXPECT_EQ(check().status.currentHealthy, 3);
}

TEST_F(HealthRoom, SkipAndRemediateAnnotationsAreAPersonsWord) {
  auto machine = read<Machine>(names[0]);
  machine.metadata.annotations["cluster.x-k8s.io/skip-remediation"] = "";
  world.management.put(machine);
  silence(names[0]);
  world.pass(seconds(65));
  EXPECT_TRUE(world.management.peek<Machine>({"default", names[0]}).has_value());
  EXPECT_EQ(check().status.expectedMachines, 2);
  machine = read<Machine>(names[1]);
  machine.metadata.annotations["cluster.x-k8s.io/remediate-machine"] = "";
  world.management.put(machine);
  world.pass(seconds(2));
  EXPECT_FALSE(world.management.peek<Machine>({"default", names[1]}).has_value());
}

TEST_F(HealthRoom, OnlySoManyAreReplacedAtATime) {
  auto deployment = read<MachineDeployment>("workers");
  deployment.spec.remediation.maxInFlight = 1;
  world.management.put(deployment);
  world.run();
  for (const auto& name : names) {
    auto pod = add_pod("web-" + name, name);
    pod.metadata.finalizers = {"held"};
    world.tenant.put(pod);
    auto machine = read<Machine>(name);
    machine.metadata.annotations["cluster.x-k8s.io/remediate-machine"] = "";
    world.management.put(machine);
  }
  world.pass(seconds(2));
  int going = 0;
  for (const auto& name : names) going += read<Machine>(name).metadata.deleting() ? 1 : 0;
  EXPECT_EQ(going, 1);
}

TEST_F(HealthRoom, APausedCheckDoesNothing) {
  auto paused = check();
  paused.metadata.annotations["cluster.x-k8s.io/paused"] = "";
  world.management.put(paused);
  silence(names[0]);
  world.pass(seconds(65));
  EXPECT_EQ(count<Machine>(), 3U);
  EXPECT_FALSE(read<Machine>(names[0]).metadata.deleting());
  EXPECT_TRUE(kube::condition_true(check().status.conditions, "Paused"));
}

TEST_F(HealthRoom, SomebodyElseMayRemediate) {
  world.management.put(
      {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
       false},
      JsonObject{
          {"metadata", JsonObject{{"name", "rebooters.fix.example.org"},
                                  {"labels", JsonObject{{"cluster.x-k8s.io/v1beta2", "v1"}}}}}});
  world.management.put(
      {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
       false},
      JsonObject{
          {"metadata", JsonObject{{"name", "rebootertemplates.fix.example.org"},
                                  {"labels", JsonObject{{"cluster.x-k8s.io/v1beta2", "v1"}}}}}});
  const kube::ResourceType source{"fix.example.org", "v1", "RebooterTemplate", "rebootertemplates"};
  const kube::ResourceType request{"fix.example.org", "v1", "Rebooter", "rebooters"};
  auto wanted = check();
  wanted.spec.remediation.templateRef = {"fix.example.org/v1", "RebooterTemplate", "soft"};
  world.management.put(wanted);
  silence(names[0]);
  world.pass(seconds(65));
  EXPECT_EQ(condition(read<Machine>(names[0]), "ExternallyRemediated").reason,
            "RemediationTemplateNotFound");
  world.management.put(
      source, JsonObject{{"apiVersion", "fix.example.org/v1"},
                         {"kind", "RebooterTemplate"},
                         {"metadata", JsonObject{{"name", "soft"}, {"namespace", "default"}}}});
  world.pass(seconds(1));
  const auto made = world.management.peek(request, {"default", names[0]});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(find_string(*made, {"metadata", "annotations", "cluster.x-k8s.io/cloned-from-name"}),
            "soft");
  EXPECT_EQ(count<Machine>(), 3U);
  auto node = world.tenant.peek<Node>({"", names[0]}).value();
  node.status.conditions[0].status = "True";
  world.tenant.put(node);
  world.pass(seconds(2));
  EXPECT_FALSE(world.management.peek(request, {"default", names[0]}).has_value());
}

}  // namespace
}  // namespace nestor::cluster
