#include <gtest/gtest.h>

#include "autoscale/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::api_node;
using testing::api_pod;
using testing::count;
using testing::message;
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
  scene.carry_out(scene.decide(), seconds(1));
  Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, scene.now + minutes(15));
  scene.carry_out(out, minutes(15));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 0);
  EXPECT_EQ(count(out, "ScaleUpTimedOut"), 1);
  EXPECT_EQ(out.groups[0].state.short_since, std::nullopt);
}

TEST(Machines, APersonsNewSizeIsNotTakenBack) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.pod(api_pod("p", "1"));
  scene.carry_out(scene.decide(), seconds(1));
  scene.view.pods.clear();
  scene.view.groups[0].target = 3;
  scene.carry_out(scene.decide(), minutes(16));
  EXPECT_EQ(scene.decide().groups[0].replicas, std::nullopt);
}

/// Four nodes in use; the last came with the group's last growth, hours ago.
struct Grown : ::testing::Test {
  Scene scene;
  Grown() {
    NodeGroup& group = scene.group("a", 1, 9);
    for (const char* name : {"a-1", "a-2", "a-3", "a-4"}) {
      scene.node_of(name);
      scene.pod(api_pod(std::string("p-") + name, "3", name));
    }
    group.state.last_scale_up = group.machines.back().created;
    group.state.scaled_up_to = 4;
  }
  NodeGroup& group() { return scene.view.groups[0]; }
  void lose_node() { scene.view.nodes.pop_back(); }
  void lose_machine() {
    lose_node();
    group().machines.pop_back();
  }
  /// Lets time pass, with a decision each minute: none changes the size or pauses the group.
  void expect_patience(int time) {
    for (int i = 0; i < time; ++i) {
      SCOPED_TRACE(i);
      const Decision out = scene.decide();
      EXPECT_EQ(out.groups[0].replicas, std::nullopt);
      EXPECT_EQ(out.groups[0].state.backoff_until, std::nullopt);
      EXPECT_TRUE(out.groups[0].mark.empty());
      scene.carry_out(out, minutes(1));
    }
  }
};

TEST_F(Grown, AMachineThatIsDrainedToBeReplacedIsNotMissing) {
  group().machines.back().deleting = true;
  expect_patience(60);
  lose_machine();
  expect_patience(5);
  scene.machine("a-5", "", Duration(0));
  expect_patience(14);
  EXPECT_EQ(group().state.short_since, std::nullopt);
}

TEST_F(Grown, AMachineThatIsNotReplacedIsGivenUpAfterItsTime) {
  lose_machine();
  expect_patience(15);
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 3);
  EXPECT_EQ(message(out, "ScaleUpTimedOut"), "1 Machines were not created within 900s");
  EXPECT_EQ(out.groups[0].state.backoff, minutes(5));
}

TEST_F(Grown, AShortfallThatGrowsBeginsAnew) {
  lose_machine();
  expect_patience(14);
  lose_machine();
  expect_patience(15);
  EXPECT_EQ(scene.decide().groups[0].replicas, 2);
}

TEST_F(Grown, TheMinimumHasNothingToGiveUp) {
  group().min = 4;
  lose_machine();
  expect_patience(40);
}

TEST_F(Grown, ARollOutTakesMachinesAwayBeforeItMakesOthers) {
  lose_machine();
  group().rolling = true;
  expect_patience(40);
  group().rolling = false;
  expect_patience(15);
  EXPECT_EQ(scene.decide().groups[0].replicas, 3);
}

TEST_F(Grown, ALostNodeHasItsTimeToComeBack) {
  const auto node = scene.view.nodes.back();
  lose_node();
  Decision out = scene.decide();
  EXPECT_EQ(out.next, scene.now + minutes(15));
  EXPECT_EQ(out.groups[0].report.unregistered, 1);
  EXPECT_EQ(out.groups[0].report.long_unregistered, 0);
  EXPECT_EQ(out.groups[0].report.scale_up, "NoActivity");
  expect_patience(14);
  scene.view.nodes.push_back(node);
  expect_patience(1);
  EXPECT_TRUE(group().state.lost.empty());
  lose_node();
  expect_patience(15);
  out = scene.decide();
  EXPECT_EQ(out.groups[0].report.long_unregistered, 1);
  EXPECT_EQ(out.groups[0].replicas, 3);
  EXPECT_EQ(out.groups[0].mark, std::vector<std::string>{"m-a-4"});
  EXPECT_EQ(message(out, "DeleteUnregistered"), "removing Machine m-a-4, whose Node a-4 is gone");
  // It came once: that is no reason against growing.
  EXPECT_EQ(out.groups[0].state.backoff_until, std::nullopt);
}

TEST_F(Grown, ALostNodeIsGotRidOfThoughPodsWait) {
  group().max = 4;
  lose_node();
  scene.pod(api_pod("waits", "3"));
  expect_patience(15);
  Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 3);
  EXPECT_EQ(out.groups[0].mark, std::vector<std::string>{"m-a-4"});
  EXPECT_EQ(message(out, "NotTriggerScaleUp"),
            "pod didn't trigger scale-up: 1 getting rid of nodes first");
  // Not before its deletion has begun.
  scene.carry_out(out, seconds(1));
  group().machines.back().marked = true;
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_TRUE(out.groups[0].unmark.empty());
  group().machines.back().deleting = true;
  EXPECT_EQ(scene.decide().groups[0].replicas, 4);
}

TEST_F(Grown, WhatDoesNotComeInARollOutPausesTheGroupOnceAndStays) {
  group().rolling = true;
  scene.machine("a-5", "", Duration(0));
  expect_patience(15);
  Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].state.backoff_until, scene.now + minutes(5));
  EXPECT_EQ(message(out, "ScaleUpTimedOut"), "Machine m-a-5 did not become a Node within 900s");
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(out.groups[0].replicas, std::nullopt);
    EXPECT_TRUE(out.groups[0].mark.empty());
    scene.carry_out(out, minutes(1));
    out = scene.decide();
    EXPECT_EQ(count(out, "ScaleUpTimedOut"), 0);
  }
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
