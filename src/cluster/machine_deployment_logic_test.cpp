#include "cluster/machine_deployment_logic.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/testing/sets.hpp"

namespace nestor::cluster {
namespace {

using api::cluster::MachineSet;
using testing::deployment_of;
using testing::set_with;

const WallTime kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

TEST(SortSets, TheOldestEqualTemplateIsCurrent) {
  const auto deployment = deployment_of(1);
  const auto sets = sort_sets(deployment,
                              {set_with(1, 1, 1, "v1.37.2", "b"), set_with(1, 1, 1, "v1.36.0", "c"),
                               set_with(1, 1, 1, "v1.37.2", "a")},
                              kNow);
  ASSERT_NE(sets.current, nullptr);
  EXPECT_EQ(sets.current->metadata.name, "a");
  ASSERT_EQ(sets.old.size(), 2U);
  EXPECT_EQ(sets.old[0]->metadata.name, "b");
}

TEST(SameMachines, OnlyWhatNeedsANewMachineCounts) {
  auto a = deployment_of(1).spec.template_;
  auto b = a;
  b.metadata.labels["x"] = "y";
  b.spec.minReadySeconds = 5;
  b.spec.deletion.nodeDrainTimeoutSeconds = 5;
  EXPECT_TRUE(same_machines(a, b));
  EXPECT_EQ(template_hash(a), template_hash(b));
  b.spec.infrastructureRef.name = "another";
  EXPECT_FALSE(same_machines(a, b));
  EXPECT_NE(template_hash(a), template_hash(b));
}

TEST(MachineSetOf, IsMarkedAndCountedOn) {
  auto deployment = deployment_of(2);
  deployment.spec.selector.matchLabels = {{"d", "demo-md"}};
  const auto set = machine_set_of(deployment, "abcde", kNow);
  const auto hash = template_hash(deployment.spec.template_) + "-abcde";
  EXPECT_EQ(set.metadata.name, "demo-md-abcde");
  EXPECT_EQ(set.metadata.label("machine-template-hash"), hash);
  EXPECT_EQ(set.spec.selector.matchLabels.at("machine-template-hash"), hash);
  EXPECT_EQ(set.spec.template_.metadata.labels.at("machine-template-hash"), hash);
  EXPECT_EQ(set.metadata.controller()->uid, "md-uid");
}

TEST(Propagated, KeepsTheMarkOfTheSet) {
  auto deployment = deployment_of(2);
  auto current = set_with(2, 2, 2);
  current->spec.template_.metadata.labels = {{"machine-template-hash", "h"}, {"gone", "x"}};
  deployment.spec.template_.metadata.labels = {{"new", "y"}};
  deployment.spec.template_.spec.minReadySeconds = 9;
  const auto set = propagated(deployment, *current, true);
  const std::map<std::string, std::string> want{{"machine-template-hash", "h"}, {"new", "y"}};
  EXPECT_EQ(set.spec.template_.metadata.labels, want);
  EXPECT_EQ(set.spec.template_.spec.minReadySeconds, 9);
  EXPECT_EQ(set.metadata.annotation("machinedeployment.clusters.x-k8s.io/max-replicas"), "3");
}

TEST(Propagated, AnOldSetOfOnDeleteMakesNoMachines) {
  auto deployment = deployment_of(2);
  deployment.spec.rollout.strategy.type = "OnDelete";
  constexpr const char* kStop = "cluster.x-k8s.io/disable-machine-create";
  auto old = propagated(deployment, *set_with(2, 2, 2, "v1.36.0"), false);
  EXPECT_EQ(old.metadata.annotations.count(kStop), 1U);
  EXPECT_EQ(old.spec.template_.spec.version, "v1.36.0");
  EXPECT_EQ(propagated(deployment, old, true).metadata.annotations.count(kStop), 0U);
}

TEST(CurrentRevision, IsAboveAllOthers) {
  constexpr const char* kRevision = "machinedeployment.clusters.x-k8s.io/revision";
  auto old = set_with(1, 1, 1, "v1.36.0");
  old->metadata.annotations[kRevision] = "4";
  EXPECT_EQ(current_revision({.current = nullptr, .old = {old}}), 5);
  auto current = set_with(1, 1, 1);
  current->metadata.annotations[kRevision] = "7";
  EXPECT_EQ(current_revision({.current = current, .old = {old}}), 7);
  current->metadata.annotations[kRevision] = "3";
  EXPECT_EQ(current_revision({.current = current, .old = {old}}), 5) << "rolled back";
}

TEST(RolloutAfter, MakesOlderSetsOutdatedAtItsTime) {
  auto deployment = deployment_of(1);
  auto set = set_with(1, 1, 1);
  set->metadata.creationTimestamp = "2025-12-31T23:00:00Z";
  deployment.spec.rollout.after = "2026-01-01T00:00:10Z";
  EXPECT_TRUE(outdated_because(deployment, *set, kNow).empty());
  EXPECT_EQ(until_rollout(deployment, kNow), std::chrono::seconds(10));
  EXPECT_EQ(sort_sets(deployment, {set}, kNow).current, set);
  const auto then = kNow + std::chrono::seconds(10);
  EXPECT_EQ(outdated_because(deployment, *set, then).size(), 1U);
  EXPECT_EQ(until_rollout(deployment, then), std::nullopt);
  EXPECT_EQ(sort_sets(deployment, {set}, then).current, nullptr);
  set->metadata.creationTimestamp = "2026-01-01T00:00:10Z";
  EXPECT_EQ(sort_sets(deployment, {set}, then).current, set);
}

TEST(RolloutAfter, ASetThatWasMadeForItIsNotTooOldForIt) {
  auto deployment = deployment_of(1);
  deployment.spec.rollout.after = "2026-01-01T00:00:10.200Z";
  const auto then = kNow + std::chrono::seconds(11);
  const auto made = [&](WallTime now, const char* created) {
    auto set = std::make_shared<MachineSet>(machine_set_of(deployment, "abcde", now));
    // Of another clock, without the fraction.
    set->metadata.creationTimestamp = created;
    return set;
  };
  const auto early = made(kNow, "2026-01-01T00:00:00Z");
  EXPECT_EQ(sort_sets(deployment, {early}, then).current, nullptr);
  const auto set = made(then, "2026-01-01T00:00:08Z");
  EXPECT_EQ(sort_sets(deployment, {early, set}, then).current, set);
  EXPECT_TRUE(outdated_because(deployment, *set, then).empty());
  deployment.spec.rollout.after = "2026-01-01T00:00:20Z";
  EXPECT_EQ(sort_sets(deployment, {set}, then).current, set);
  EXPECT_EQ(sort_sets(deployment, {set}, then + std::chrono::seconds(10)).current, nullptr);
}

TEST(OutdatedBecause, NamesEachDifference) {
  const auto deployment = deployment_of(1);
  auto set = set_with(1, 1, 1, "v1.36.0");
  set->spec.template_.spec.infrastructureRef.name = "old";
  EXPECT_EQ(outdated_because(deployment, *set, kNow).size(), 2U);
}

TEST(MissingReplicas, AnAutoscaledDeploymentKeepsWhatItHas) {
  auto deployment = deployment_of(1);
  EXPECT_EQ(missing_replicas(deployment, {set_with(4, 4, 4)}), 1);
  auto& notes = deployment.metadata.annotations;
  notes["cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"] = "2";
  notes["cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"] = "6";
  EXPECT_EQ(missing_replicas(deployment, {}), 2);
  EXPECT_EQ(missing_replicas(deployment, {set_with(3, 3, 3), set_with(1, 1, 1)}), 4);
  EXPECT_EQ(missing_replicas(deployment, {set_with(9, 9, 9)}), 6);
}

TEST(ObserveDeployment, CountsAllSetsAndNamesThePhase) {
  MachineSets sets{.current = set_with(1, 1, 1), .old = {set_with(2, 2, 1, "old")}};
  const auto after = observe(deployment_of(3), sets, "2026-01-01T00:00:00Z");
  EXPECT_EQ(after.status.replicas, 3);
  EXPECT_EQ(after.status.upToDateReplicas, 1);
  EXPECT_EQ(after.status.availableReplicas, 2);
  EXPECT_TRUE(kube::condition_true(after.status.conditions, "RollingOut"));
  EXPECT_FALSE(kube::condition_true(after.status.conditions, "Available"));
  EXPECT_EQ(after.status.phase, "Running");
}

}  // namespace
}  // namespace nestor::cluster
