#include <gtest/gtest.h>

#include "autoscale/testing.hpp"

namespace nestor::autoscale {
namespace {

using std::chrono::minutes;
using testing::api_pod;
using testing::count;
using testing::Scene;

TEST(Machines, ThatDoNotComeAreGivenUpAndTheGroupPausesForLongerEachTime) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.pod(api_pod("p", "1"));
  Decision out = scene.decide();
  ASSERT_EQ(out.groups[0].replicas, 1);
  scene.carry_out(out, minutes(0));
  scene.machine("a-1", "", Duration(0));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, scene.now + minutes(15));
  scene.carry_out(out, minutes(15));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 0);
  EXPECT_EQ(out.groups[0].mark, std::vector<std::string>{"m-a-1"});
  EXPECT_EQ(count(out, "ScaleUpTimedOut"), 1);
  EXPECT_EQ(out.groups[0].state.backoff, minutes(5));
  scene.carry_out(out, minutes(6));
  scene.view.groups[0].machines.clear();
  out = scene.decide();
  ASSERT_EQ(out.groups[0].replicas, 1);
  scene.carry_out(out, minutes(0));
  scene.machine("a-2", "", Duration(0)).failed = true;
  out = scene.decide();
  EXPECT_EQ(out.groups[0].state.backoff, minutes(10));
  EXPECT_EQ(count(out, "FailedToScaleUpGroup"), 1);
}

TEST(Machines, ThatWereNeverCreatedAreNotWaitedForForEver) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.pod(api_pod("p", "1"));
  Decision out = scene.decide();
  scene.carry_out(out, minutes(16));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 0);
  EXPECT_EQ(count(out, "ScaleUpTimedOut"), 1);
}

TEST(Machines, APersonsNewSizeIsNotTakenBack) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.pod(api_pod("p", "1"));
  scene.carry_out(scene.decide(), minutes(16));
  scene.view.pods.clear();
  scene.view.groups[0].target = 3;
  EXPECT_EQ(scene.decide().groups[0].replicas, std::nullopt);
}

TEST(Machines, TheBackOffEndsWhenNodesComeAgain) {
  Scene scene;
  NodeGroup& group = scene.group("a", 0, 5);
  group.state.backoff_until = scene.now - minutes(10);
  group.state.backoff = minutes(5);
  group.state.last_scale_up = scene.now - minutes(5);
  scene.node_of("a-1");
  EXPECT_EQ(scene.decide().groups[0].state.backoff_until, std::nullopt);
}

TEST(Minimum, IsEnforcedOnlyWhenAskedFor) {
  Scene scene;
  scene.group("a", 2, 5);
  EXPECT_EQ(scene.decide().groups[0].replicas, std::nullopt);
  scene.view.options.enforce_node_group_min_size = true;
  EXPECT_EQ(scene.decide().groups[0].replicas, 2);
}

}  // namespace
}  // namespace nestor::autoscale
