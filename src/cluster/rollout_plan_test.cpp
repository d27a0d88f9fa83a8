#include "cluster/rollout_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "cluster/replica_logic.hpp"
#include "cluster/testing/sets.hpp"

namespace nestor::cluster {
namespace {

using testing::deployment_of;
using testing::set_with;

TEST(ResolveCount, TakesNumbersAndPercentages) {
  EXPECT_EQ(resolve_count(Json(2), 10, true, 1), 2);
  EXPECT_EQ(resolve_count(Json("25%"), 10, true, 1), 3);
  EXPECT_EQ(resolve_count(Json("25%"), 10, false, 1), 2);
  EXPECT_EQ(resolve_count(Json("3"), 10, false, 1), 3);
  EXPECT_EQ(resolve_count(Json(nullptr), 10, true, 7), 7);
  EXPECT_EQ(resolve_count(Json("many"), 10, true, 7), 7);
  EXPECT_EQ(resolve_count(Json("25 percent"), 10, true, 7), 7);
}

TEST(ResolveCount, StaysInRangeForAnyNumber) {
  const int much = std::numeric_limits<std::int32_t>::max();
  const Json percent(std::to_string(much) + "%");
  EXPECT_EQ(resolve_count(percent, 100, true, 1), 1'000'000);
  EXPECT_EQ(resolve_count(percent, much, true, 1), 1'000'000);
  EXPECT_EQ(resolve_count(Json(std::to_string(much)), 10, false, 1), 1'000'000);
  EXPECT_EQ(resolve_count(Json(much), 10, true, 1), 1'000'000);
  EXPECT_EQ(resolve_count(Json(-1), 10, true, 1), 0);
  EXPECT_EQ(resolve_count(Json("99999999999%"), 10, true, 7), 7);
  MachineSets sets{.current = set_with(0, 0, 0), .old = {set_with(3, 3, 3, "old")}};
  EXPECT_EQ(plan_rollout(deployment_of(3, percent, percent), sets).current, 3);
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

TEST(PlanRollout, OnDeleteTakesNothingFromASetThatIsNotCounted) {
  auto deployment = deployment_of(3);
  deployment.spec.rollout.strategy.type = "OnDelete";
  auto old = set_with(3, 2, 2, "old");
  old->metadata.generation = 2;
  old->status.observedGeneration = 1;
  MachineSets sets{.current = set_with(0, 0, 0), .old = {old}};
  EXPECT_EQ(plan_rollout(deployment, sets).old, std::vector<int>{3});
  EXPECT_EQ(plan_rollout(deployment, sets).current, 0);
  old->status = {};
  EXPECT_EQ(plan_rollout(deployment, sets).old, std::vector<int>{3});
  old->status.replicas = 2;
  old->status.observedGeneration = 2;
  EXPECT_EQ(plan_rollout(deployment, sets).old, std::vector<int>{2});
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

TEST(PlanRollout, BrokenOldAndNewOnesDoNotWaitForEachOther) {
  MachineSets sets{.current = set_with(1, 1, 0), .old = {set_with(3, 3, 2, "old")}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{2});
  // A step that is under way is waited for.
  sets.old = {set_with(2, 3, 2, "old")};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{2});
  // Not one after the other while no new one becomes available.
  sets = {.current = set_with(2, 2, 0), .old = {set_with(2, 2, 1, "old")}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{2});
}

TEST(PlanRollout, OldOnesThatMayServeDoNotMakeRoomForNewOnes) {
  MachineSets sets{.current = set_with(1, 1, 0), .old = {set_with(3, 3, 0, "old")}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{2});
  auto away = set_with(3, 3, 0, "old");
  kube::Condition ready;
  ready.type = "MachinesReady";
  ready.status = "Unknown";
  away->status.conditions = {ready};
  sets.old = {away};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{3});
  auto waiting = set_with(3, 3, 0, "old");
  waiting->status.readyReplicas = 3;
  sets.old = {waiting};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, std::vector<int>{3}) << "minReadySeconds";
}

TEST(PlanRollout, UnhealthyOldOnesGoBeforeTheOldest) {
  MachineSets sets{.current = set_with(2, 2, 2),
                   .old = {set_with(1, 1, 1, "a", "a"), set_with(1, 1, 0, "b", "b")}};
  EXPECT_EQ(plan_rollout(deployment_of(3), sets).old, (std::vector<int>{1, 0}));
}

TEST(PlanRollout, OnDeleteShrinksTheOldWhenFewerAreWanted) {
  auto deployment = deployment_of(1);
  deployment.spec.rollout.strategy.type = "OnDelete";
  MachineSets sets{.current = set_with(0, 0, 0), .old = {set_with(3, 3, 3, "old")}};
  const auto plan = plan_rollout(deployment, sets);
  EXPECT_EQ(plan.old, std::vector<int>{1});
  EXPECT_EQ(plan.current, 0);
}

std::shared_ptr<MachineSet> counted(int spec, const std::string& name, int desired, int most) {
  auto set = set_with(spec, spec, spec, "v1.37.2", name);
  auto& notes = set->metadata.annotations;
  notes["machinedeployment.clusters.x-k8s.io/desired-replicas"] = std::to_string(desired);
  notes["machinedeployment.clusters.x-k8s.io/max-replicas"] = std::to_string(most);
  return set;
}

TEST(PlanPaused, SpreadsANewNumberInProportion) {
  MachineSets sets{.current = counted(4, "c", 10, 11), .old = {counted(6, "o", 10, 11)}};
  auto plan = plan_paused(deployment_of(10), sets);
  EXPECT_EQ(plan.current, 4);
  EXPECT_EQ(plan.old, std::vector<int>{6}) << "nothing was scaled";
  plan = plan_paused(deployment_of(20), sets);
  EXPECT_EQ(plan.current + plan.old[0], 21) << "with the surge of the roll-out under way";
  EXPECT_GT(plan.old[0], 6);
  EXPECT_GT(plan.current, 4);
  plan = plan_paused(deployment_of(5), sets);
  EXPECT_EQ(plan.current + plan.old[0], 6);
  EXPECT_LT(plan.old[0], 6);
  EXPECT_LT(plan.current, 4);
  plan = plan_paused(deployment_of(0), sets);
  EXPECT_EQ(plan.current + plan.old[0], 0);
}

TEST(PlanPaused, OneSetTakesAll) {
  MachineSets sets{.current = nullptr, .old = {counted(2, "o", 2, 3)}};
  EXPECT_EQ(plan_paused(deployment_of(5), sets).old, std::vector<int>{5});
}

}  // namespace
}  // namespace nestor::cluster
