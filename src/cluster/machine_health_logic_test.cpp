#include "cluster/machine_health_logic.hpp"

#include <gtest/gtest.h>

#include "api/cluster/labels.hpp"

namespace nestor::cluster {
namespace {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineHealthCheck;
using std::chrono::seconds;

constexpr const char* kStart = "2026-01-01T00:00:00Z";

kube::Condition since(std::string type, std::string status, std::string time = kStart) {
  kube::Condition out;
  out.type = std::move(type);
  out.status = std::move(status);
  out.lastTransitionTime = std::move(time);
  return out;
}

struct MachineHealth : ::testing::Test {
  MachineHealth() {
    check.spec.clusterName = "demo";
    check.spec.selector.matchLabels["pool"] = "a";
    check.spec.checks.nodeStartupTimeoutSeconds = 600;
    check.spec.checks.unhealthyNodeConditions = {{"Ready", "Unknown", 300},
                                                 {"Ready", "False", 100}};
    cluster.status.initialization = {true, true};
    machine.metadata.name = "m";
    machine.metadata.creationTimestamp = kStart;
    machine.metadata.labels["pool"] = "a";
    machine.spec.clusterName = "demo";
    machine.status.nodeRef.name = "m";
    node.status.conditions = {since("Ready", "True")};
    now = *parse_rfc3339(kStart);
  }
  Health health(bool with_node = true) {
    HealthTarget target{std::make_shared<Machine>(machine), nullptr};
    if (with_node) target.node = std::make_shared<api::core::Node>(node);
    return judge(check, cluster, target, now, until_settled);
  }
  /// At `at` after the start, and noted in the check's status.
  Allowance allow(int total, int unhealthy, seconds at = seconds(0)) {
    const auto out = allowance(check, total, unhealthy, now + at);
    const HealthTarget target{std::make_shared<Machine>(machine), nullptr};
    const std::vector<HealthTarget> targets(static_cast<std::size_t>(total), target);
    check = observe(check, targets, total - unhealthy, out, format_rfc3339(now + at));
    return out;
  }
  MachineHealthCheck check;
  Cluster cluster;
  Machine machine;
  api::core::Node node;
  WallTime now;
  std::optional<Duration> until_settled;
};

TEST_F(MachineHealth, ANodeConditionCountsOnceItLasted) {
  EXPECT_TRUE(health().healthy());
  EXPECT_EQ(health().until_unhealthy, std::nullopt);
  node.status.conditions = {since("Ready", "Unknown")};
  now += seconds(299);
  EXPECT_TRUE(health().healthy());
  EXPECT_EQ(health().until_unhealthy, seconds(1));
  now += seconds(1);
  EXPECT_EQ(health().reason, "UnhealthyNode");
}

TEST_F(MachineHealth, MachineConditionsCountToo) {
  check.spec.checks.unhealthyMachineConditions = {{"InfrastructureReady", "False", 60}};
  machine.status.conditions = {since("InfrastructureReady", "False")};
  EXPECT_EQ(health().until_unhealthy, seconds(60));
  now += seconds(60);
  EXPECT_EQ(health().reason, "UnhealthyMachine");
}

TEST_F(MachineHealth, AMachineThatHasFailedIsNotWaitedFor) {
  machine.status.conditions = {since("InfrastructureReady", "False")};
  EXPECT_TRUE(health().healthy());
  machine.status.conditions[0].reason = api::cluster::kInfrastructureFailed;
  EXPECT_EQ(health().reason, "UnhealthyMachine");
  machine.status.conditions[0].reason = api::cluster::kInfrastructureDeleted;
  EXPECT_EQ(health().reason, "UnhealthyMachine");
}

TEST_F(MachineHealth, AMachineThatFailedBeforeItWasANodeIsReplacedAfterAPause) {
  machine.status.nodeRef.name.clear();
  machine.status.conditions = {since("InfrastructureReady", "False")};
  machine.status.conditions[0].reason = api::cluster::kInfrastructureFailed;
  now += seconds(30);
  EXPECT_TRUE(health(false).healthy());
  EXPECT_EQ(health(false).until_unhealthy, seconds(90));
  now += seconds(90);
  EXPECT_EQ(health(false).reason, "UnhealthyMachine");
}

TEST_F(MachineHealth, TheStartIsCountedFromWhereEverythingWasThere) {
  machine.status.nodeRef.name.clear();
  cluster.status.conditions = {since("ControlPlaneInitialized", "True", "2026-01-01T00:10:00Z")};
  now += seconds(900);
  EXPECT_TRUE(health(false).healthy());
  EXPECT_EQ(health(false).until_unhealthy, seconds(300));
  now += seconds(300);
  EXPECT_EQ(health(false).reason, "NodeStartupTimeout");
  check.spec.checks.nodeStartupTimeoutSeconds = 0;
  EXPECT_TRUE(health(false).healthy());
}

TEST_F(MachineHealth, ANodeThatWasThereAndIsGoneIsUnhealthy) {
  EXPECT_EQ(health(false).reason, "NodeDeleted");
}

TEST_F(MachineHealth, AClusterThatIsNotUpIsNotJudged) {
  cluster.status.initialization.controlPlaneInitialized = false;
  EXPECT_TRUE(health(false).healthy());
  machine.metadata.annotations[std::string(api::cluster::kRemediateMachineAnnotation)] = "";
  EXPECT_EQ(health(false).reason, "HasRemediateAnnotation") << "a person's word counts always";
}

TEST_F(MachineHealth, ATenantThatHasJustComeIsNotJudgedYet) {
  node.status.conditions = {since("Ready", "Unknown")};
  now += seconds(900);
  ASSERT_FALSE(health().healthy());
  until_settled = seconds(20);
  EXPECT_TRUE(health().healthy());
  EXPECT_TRUE(health().repeated);
  EXPECT_EQ(health().until_unhealthy, seconds(20));
  EXPECT_TRUE(health(false).healthy()) << "a Node that is gone";
  machine.status.nodeRef.name.clear();
  EXPECT_TRUE(health(false).healthy()) << "a Node that did not come";
  machine.status.conditions = {since("HealthCheckSucceeded", "False")};
  machine.status.conditions[0].reason = "UnhealthyNode";
  EXPECT_EQ(health().reason, "UnhealthyNode") << "as it was said before";
  EXPECT_TRUE(health().repeated);
  machine.status.conditions = {since("InfrastructureReady", "False")};
  machine.status.conditions[0].reason = api::cluster::kInfrastructureFailed;
  EXPECT_EQ(health().reason, "UnhealthyMachine") << "no matter of the tenant's";
}

TEST_F(MachineHealth, OnlyNewsOfANodeNeedASecondLook) {
  EXPECT_FALSE(newly_blames_node(machine, health()));
  EXPECT_TRUE(newly_blames_node(machine, health(false)));
  node.status.conditions = {since("Ready", "False")};
  now += seconds(100);
  EXPECT_TRUE(newly_blames_node(machine, health()));
  machine.status.conditions = {since("HealthCheckSucceeded", "False")};
  EXPECT_FALSE(newly_blames_node(machine, health()));
}

TEST_F(MachineHealth, LooksOnlyAtItsOwn) {
  EXPECT_TRUE(is_target(check, machine));
  auto other = machine;
  other.metadata.labels["pool"] = "b";
  EXPECT_FALSE(is_target(check, other));
  other = machine;
  other.spec.clusterName = "x";
  EXPECT_FALSE(is_target(check, other));
  other = machine;
  other.metadata.deletionTimestamp = kStart;
  EXPECT_FALSE(is_target(check, other));
  for (const auto note :
       {api::cluster::kSkipRemediationAnnotation, api::cluster::kPausedAnnotation}) {
    other = machine;
    other.metadata.annotations[std::string(note)] = "";
    EXPECT_FALSE(is_target(check, other));
  }
}

TEST_F(MachineHealth, TheLimitIsANumberAPercentageOrARange) {
  EXPECT_TRUE(allow(5, 5).allowed) << "no limit";
  auto& trigger = check.spec.remediation.triggerIf;
  trigger.unhealthyLessThanOrEqualTo = "40%";
  EXPECT_TRUE(allow(5, 2).allowed);
  EXPECT_EQ(allow(5, 1).remaining, 1);
  EXPECT_FALSE(allow(5, 3).allowed);
  EXPECT_NE(allow(5, 3).message, "");
  trigger.unhealthyLessThanOrEqualTo = 0;
  EXPECT_FALSE(allow(5, 1).allowed);
  trigger.unhealthyInRange = "[2-3]";
  EXPECT_FALSE(allow(5, 1).allowed);
  EXPECT_TRUE(allow(5, 2).allowed);
  EXPECT_EQ(allow(5, 2).remaining, 1);
  EXPECT_FALSE(allow(5, 4).allowed);
}

TEST_F(MachineHealth, ALimitThatCannotBeUnderstoodAllowsNothing) {
  auto& trigger = check.spec.remediation.triggerIf;
  trigger.unhealthyLessThanOrEqualTo = "most";
  EXPECT_FALSE(allow(5, 1).allowed);
  trigger.unhealthyLessThanOrEqualTo = Json();
  trigger.unhealthyInRange = "[5-2]";
  EXPECT_FALSE(allow(5, 3).allowed);
  EXPECT_FALSE(allow(5, 1).allowed);
  EXPECT_NE(allow(5, 1).message.find("[5-2]"), std::string::npos);
}

TEST_F(MachineHealth, WaitsForOthersToRecoverWhenThereWereTooMany) {
  check.spec.remediation.triggerIf.unhealthyLessThanOrEqualTo = 2;
  EXPECT_EQ(allow(5, 1).wait, std::nullopt) << "there never were too many";
  EXPECT_EQ(allow(5, 2, seconds(1)).wait, std::nullopt);
  EXPECT_FALSE(allow(5, 3, seconds(2)).allowed);
  const auto again = allow(5, 2, seconds(10));
  EXPECT_EQ(again.wait, kTenantGrace);
  EXPECT_FALSE(may_remediate(machine, again));
  EXPECT_TRUE(kube::condition_true(check.status.conditions, "RemediationAllowed"));
  EXPECT_EQ(allow(5, 2, seconds(40)).wait, kTenantGrace - seconds(30));
  auto asked = machine;
  asked.metadata.annotations[std::string(api::cluster::kRemediateMachineAnnotation)] = "";
  EXPECT_TRUE(may_remediate(asked, again));
  EXPECT_TRUE(may_remediate(machine, allow(5, 2, seconds(100))));
  EXPECT_EQ(allow(5, 1, seconds(101)).wait, std::nullopt);
  EXPECT_EQ(kube::find_condition(check.status.conditions, "RemediationAllowed")->message, "");
}

TEST_F(MachineHealth, WaitsForNobodyWhenThereWereTooFew) {
  check.spec.remediation.triggerIf.unhealthyInRange = "[2-3]";
  EXPECT_FALSE(allow(5, 1).allowed);
  const auto enough = allow(5, 2, seconds(5));
  EXPECT_TRUE(enough.allowed);
  EXPECT_EQ(enough.wait, std::nullopt);
}

TEST_F(MachineHealth, MarksUnhealthyAndTakesItBack) {
  const Health bad{
      .reason = "UnhealthyNode", .message = "why", .until_unhealthy = {}, .repeated = false};
  auto after = marked(machine, bad, false, kStart);
  EXPECT_FALSE(awaits_remediation(after)) << "too many are unhealthy";
  after = marked(after, bad, true, kStart);
  EXPECT_TRUE(awaits_remediation(after));
  EXPECT_EQ(marked(after, bad, true, "2026-01-01T01:00:00Z"), after);
  after = marked(after, {}, false, kStart);
  EXPECT_TRUE(kube::condition_true(after.status.conditions, "HealthCheckSucceeded"));
  EXPECT_EQ(kube::find_condition(after.status.conditions, "OwnerRemediated"), nullptr);
}

}  // namespace
}  // namespace nestor::cluster
