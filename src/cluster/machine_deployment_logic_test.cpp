#include "cluster/machine_deployment_logic.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nestor::cluster {
namespace {

using api::cluster::MachineDeployment;
using api::cluster::MachineSet;

MachineDeployment deployment_of(int replicas, Json surge = 1, Json unavailable = 0) {
  MachineDeployment out;
  out.metadata.name = "demo-md";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "md-uid";
  out.spec.clusterName = "demo";
  out.spec.replicas = replicas;
  out.spec.template_.spec.version = "v1.37.2";
  out.spec.rollout.strategy.type = "RollingUpdate";
  out.spec.rollout.strategy.rollingUpdate.maxSurge = std::move(surge);
  out.spec.rollout.strategy.rollingUpdate.maxUnavailable = std::move(unavailable);
  return out;
}

std::shared_ptr<MachineSet> set_with(int spec, int actual, int available,
                                     const std::string& version = "v1.37.2",
                                     const std::string& name = "s") {
  auto out = std::make_shared<MachineSet>();
  out->metadata.name = name;
  out->metadata.creationTimestamp = name;
  out->spec.template_.spec.version = version;
  out->spec.replicas = spec;
  out->status.replicas = actual;
  out->status.availableReplicas = available;
  return out;
}

TEST(ResolveCount, TakesNumbersAndPercentages) {
  EXPECT_EQ(resolve_count(Json(2), 10, true, 1), 2);
  EXPECT_EQ(resolve_count(Json("25%"), 10, true, 1), 3);
  EXPECT_EQ(resolve_count(Json("25%"), 10, false, 1), 2);
  EXPECT_EQ(resolve_count(Json("3"), 10, false, 1), 3);
  EXPECT_EQ(resolve_count(Json(nullptr), 10, true, 7), 7);
  EXPECT_EQ(resolve_count(Json("many"), 10, true, 7), 7);
}

TEST(SortSets, TheOldestEqualTemplateIsCurrent) {
  const auto deployment = deployment_of(1);
  const auto sets =
      sort_sets(deployment, {set_with(1, 1, 1, "v1.37.2", "b"), set_with(1, 1, 1, "v1.36.0", "c"),
                             set_with(1, 1, 1, "v1.37.2", "a")});
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
  auto old = set_with(1, 1, 1, "v1.36.0");
  old->metadata.annotations["machinedeployment.clusters.x-k8s.io/revision"] = "4";
  const auto sets = sort_sets(deployment, {old});
  const auto set = machine_set_of(deployment, sets, "abcde");
  const auto hash = template_hash(deployment.spec.template_) + "-abcde";
  EXPECT_EQ(set.metadata.name, "demo-md-abcde");
  EXPECT_EQ(set.metadata.label("machine-template-hash"), hash);
  EXPECT_EQ(set.spec.selector.matchLabels.at("machine-template-hash"), hash);
  EXPECT_EQ(set.spec.template_.metadata.labels.at("machine-template-hash"), hash);
  EXPECT_EQ(set.metadata.annotation("machinedeployment.clusters.x-k8s.io/revision"), "5");
  EXPECT_EQ(set.metadata.controller()->uid, "md-uid");
}

TEST(Propagated, KeepsTheMarkOfTheSet) {
  auto deployment = deployment_of(2);
  auto current = set_with(2, 2, 2);
  current->spec.template_.metadata.labels = {{"machine-template-hash", "h"}, {"gone", "x"}};
  deployment.spec.template_.metadata.labels = {{"new", "y"}};
  deployment.spec.template_.spec.minReadySeconds = 9;
  const auto set = propagated(deployment, *current);
  const std::map<std::string, std::string> want{{"machine-template-hash", "h"}, {"new", "y"}};
  EXPECT_EQ(set.spec.template_.metadata.labels, want);
  EXPECT_EQ(set.spec.template_.spec.minReadySeconds, 9);
  EXPECT_EQ(set.metadata.annotation("machinedeployment.clusters.x-k8s.io/max-replicas"), "3");
}

TEST(PlanRollout, ScalesTheOnlySetDirectly) {
  MachineSets sets{.current = set_with(1, 1, 1), .old = {}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).current, 3);
  EXPECT_EQ(plan_rollout(deployment_of(0), sets).current, 0);
}

TEST(PlanRollout, BeginsWithTheSurge) {
  MachineSets sets{.current = set_with(0, 0, 0), .old = {set_with(3, 3, 3, "old")}};
  const auto plan = plan_rollout(deployment_of(3), sets);
  EXPECT_EQ(plan.current, 1);
  EXPECT_EQ(plan.old, std::vector<int>{3});
}

TEST(PlanRollout, TakesTheOldAwayOnlyForAvailableNewOnes) {
  MachineSets sets{.current = set_with(1, 1, 0), .old = {set_with(3, 3, 3, "old")}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{3});
  sets.current = set_with(1, 1, 1);
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{2});
}

TEST(PlanRollout, MachinesOfTheOldThatServeNothingGoAtOnce) {
  MachineSets sets{.current = set_with(1, 1, 0), .old = {set_with(3, 3, 1, "old")}};
  // One is still needed: with maxUnavailable 2 the two broken ones may go.
  EXPECT_EQ(plan_rollout(deployment_of(3, 1, 2), sets).old, std::vector<int>{1});
}

TEST(PlanRollout, OnDeleteReplacesOnlyWhatPeopleDeleted) {
  auto deployment = deployment_of(3);
  deployment.spec.rollout.strategy.type = "OnDelete";
  MachineSets sets{.current = set_with(0, 0, 0), .old = {set_with(3, 2, 2, "old")}};
  const auto plan = plan_rollout(deployment, sets);
  EXPECT_EQ(plan.old, std::vector<int>{2});
  EXPECT_EQ(plan.current, 1);
}

/// Machines become what the sets want one by one; the limits must hold at every step, and the
/// rollout must end.
void roll_to_the_end(int replicas, Json surge, Json unavailable, int most, int least) {
  const auto deployment = deployment_of(replicas, std::move(surge), std::move(unavailable));
  auto current = set_with(0, 0, 0);
  auto old = set_with(replicas, replicas, replicas, "old");
  for (int step = 0; step < 200; ++step) {
    const auto plan = plan_rollout(deployment, {.current = current, .old = {old}});
    current->spec.replicas = plan.current;
    old->spec.replicas = plan.old[0];
    // The world moves one notch: an old Machine goes, a new one comes, a new one gets available.
    if (old->status.replicas > old->spec.replicas) {
      --*old->status.replicas;
      old->status.availableReplicas =
          std::min(*old->status.availableReplicas, *old->status.replicas);
    } else if (current->status.replicas < current->spec.replicas) {
      ++*current->status.replicas;
    } else if (current->status.availableReplicas < current->status.replicas) {
      ++*current->status.availableReplicas;
    } else {
      EXPECT_EQ(current->status.availableReplicas, replicas);
      EXPECT_EQ(old->status.replicas, 0);
      return;
    }
    EXPECT_LE(*current->status.replicas + *old->status.replicas, most);
    EXPECT_GE(*current->status.availableReplicas + *old->status.availableReplicas, least);
  }
  FAIL() << "the rollout does not end";
}

TEST(PlanRollout, EndsWithinItsLimits) {
  roll_to_the_end(1, 1, 0, 2, 1);
  roll_to_the_end(5, 1, 0, 6, 5);
  roll_to_the_end(5, 0, 1, 5, 4);
  roll_to_the_end(5, "40%", "20%", 7, 4);
  roll_to_the_end(5, 0, 0, 5, 4);
  roll_to_the_end(10, 3, 2, 13, 8);
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
