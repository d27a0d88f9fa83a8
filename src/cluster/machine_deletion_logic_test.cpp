#include "cluster/machine_deletion_logic.hpp"

#include <gtest/gtest.h>

namespace nestor::cluster {
namespace {

using enum MachineDeleteStep;
using Infrastructure = MachineDeleteView::Infrastructure;

constexpr const char* kPreDrain = "pre-drain.delete.hook.machine.cluster.x-k8s.io/a";
constexpr const char* kPreTerminate = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/a";

struct MachineDeletionLogic : ::testing::Test {
  MachineDeletionLogic() {
    machine.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    kube::Condition ready;
    ready.type = "Ready";
    ready.status = "True";
    node.status.conditions = {ready};
    view.machine = &machine;
    view.node = &node;
    view.infrastructure = Infrastructure::kThere;
    view.bootstrap_exists = true;
    view.now = *parse_rfc3339("2026-01-01T00:00:00Z");
  }
  MachineDeleteStep next() { return next_delete_step(view); }

  api::cluster::Machine machine;
  api::core::Node node;
  MachineDeleteView view;
};

TEST_F(MachineDeletionLogic, GoesInOrder) {
  EXPECT_EQ(next(), kDrain);
  view.drained = true;
  EXPECT_EQ(next(), kVolumes);
  view.detached = true;
  EXPECT_EQ(next(), kInfrastructure);
  view.infrastructure = Infrastructure::kGone;
  EXPECT_EQ(next(), kBootstrap);
  view.bootstrap_exists = false;
  EXPECT_EQ(next(), kNode);
  view.node = nullptr;
  EXPECT_EQ(next(), kDone);
}

TEST_F(MachineDeletionLogic, HooksHoldItUpAtTheirPlaces) {
  machine.metadata.annotations[kPreDrain] = "";
  machine.metadata.annotations[kPreTerminate] = "";
  EXPECT_EQ(next(), kPreDrainHook);
  machine.metadata.annotations.erase(kPreDrain);
  EXPECT_EQ(next(), kDrain);
  view.drained = view.detached = true;
  EXPECT_EQ(next(), kPreTerminateHook);
  view.infrastructure = Infrastructure::kGone;
  EXPECT_EQ(next(), kPreTerminateHook) << "also when somebody else took the machine away";
}

TEST_F(MachineDeletionLogic, ThereIsNoWayBackFromTheInfrastructuresRemoval) {
  view.infrastructure = Infrastructure::kGoing;
  EXPECT_EQ(next(), kInfrastructure);
}

TEST_F(MachineDeletionLogic, ADyingClusterIsNotDrainedNorItsNodesDeleted) {
  view.cluster_deleting = true;
  EXPECT_EQ(next(), kInfrastructure);
  view.infrastructure = Infrastructure::kGone;
  view.bootstrap_exists = false;
  EXPECT_EQ(next(), kDone);
}

TEST_F(MachineDeletionLogic, DrainAndDetachHaveTimeLimits) {
  machine.spec.deletion.nodeDrainTimeoutSeconds = 60;
  mark_step_begun(machine, kDrain, view.now);
  EXPECT_EQ(step_deadline(machine, kDrain), view.now + std::chrono::seconds(60));
  view.now += std::chrono::seconds(59);
  EXPECT_EQ(next(), kDrain);
  view.now += std::chrono::seconds(1);
  EXPECT_EQ(next(), kVolumes);
  machine.spec.deletion.nodeVolumeDetachTimeoutSeconds = 10;
  mark_step_begun(machine, kVolumes, view.now);
  view.now += std::chrono::seconds(10);
  EXPECT_EQ(next(), kInfrastructure);
  machine.spec.deletion.nodeDrainTimeoutSeconds = 0;
  EXPECT_EQ(next(), kDrain) << "0 is no limit";
}

TEST_F(MachineDeletionLogic, AStepBeginsOnce) {
  mark_step_begun(machine, kDrain, view.now);
  mark_step_begun(machine, kDrain, view.now + std::chrono::seconds(5));
  EXPECT_EQ(machine.status.deletion.nodeDrainStartTime, "2026-01-01T00:00:00Z");
  mark_step_begun(machine, kPreDrainHook, view.now);
  mark_step_begun(machine, kPreTerminateHook, view.now);
  EXPECT_FALSE(machine.status.deletion.waitForPreDrainHookStartTime.empty());
  EXPECT_FALSE(machine.status.deletion.waitForPreTerminateHookStartTime.empty());
}

TEST_F(MachineDeletionLogic, AnnotationsLeaveStepsOut) {
  machine.metadata.annotations["machine.cluster.x-k8s.io/exclude-node-draining"] = "";
  EXPECT_EQ(next(), kVolumes);
  machine.metadata.annotations["machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach"] = "";
  EXPECT_EQ(next(), kInfrastructure);
}

TEST_F(MachineDeletionLogic, NobodyDetachesFromANodeThatDoesNotReport) {
  view.drained = true;
  node.status.conditions[0].status = "Unknown";
  EXPECT_EQ(next(), kInfrastructure);
}

TEST_F(MachineDeletionLogic, TheVolumesOfAMachineThatHasEndedAreWaitedFor) {
  view.drained = true;
  node.status.conditions[0].status = "Unknown";
  node.spec.taints.emplace_back().key = api::core::kOutOfServiceTaint;
  EXPECT_EQ(next(), kVolumes);
}

TEST_F(MachineDeletionLogic, ATenantThatCannotBeAskedIsWaitedForAsLongAsTheLimitsSay) {
  view.node = nullptr;
  view.node_unknown = true;
  EXPECT_EQ(next(), kDrain);
  machine.spec.deletion.nodeDrainTimeoutSeconds = 5;
  mark_step_begun(machine, kDrain, view.now);
  view.now += std::chrono::seconds(5);
  EXPECT_EQ(next(), kInfrastructure);
  view.infrastructure = Infrastructure::kGone;
  view.bootstrap_exists = false;
  EXPECT_EQ(next(), kNode);
  view.now += std::chrono::seconds(5);
  EXPECT_EQ(next(), kDone) << "10 s from the deletion on, by default";
  machine.spec.deletion.nodeDeletionTimeoutSeconds = 0;
  EXPECT_EQ(next(), kNode);
}

}  // namespace
}  // namespace nestor::cluster
