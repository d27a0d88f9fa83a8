#include <gtest/gtest.h>

#include "autoscale/testing/room.hpp"

namespace nestor::autoscale {
namespace {

using api::cluster::Machine;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AutoscaleRoom;

TEST_F(AutoscaleRoom, MachinesThatDoNotComeMakeItPause) {
  add_group(0, 3, 0);
  annotate("capacity.cluster-autoscaler.kubernetes.io/cpu", "4");
  annotate("capacity.cluster-autoscaler.kubernetes.io/memory", "4Gi");
  add_pod("new", "2");
  world.pass(seconds(2));
  ASSERT_EQ(replicas(), 1);
  follow(false);
  world.pass(minutes(15));
  world.pass(seconds(30));
  EXPECT_EQ(replicas(), 0);
  follow(false);
  EXPECT_EQ(world.management.all<Machine>().size(), 0U);
  EXPECT_FALSE(group().metadata.annotation("autoscaler.nestor.dev/backoff-until").empty());
  restart();
  world.pass(minutes(4));
  EXPECT_EQ(replicas(), 0);
  world.pass(minutes(2));
  EXPECT_EQ(replicas(), 1);
}

/// Two nodes in use, the second of them by growing.
struct GrownRoom : AutoscaleRoom {
  const kube::ObjectKey second{"default", "w2"};
  GrownRoom() {
    add_group(1, 3, 1);
    add_pod("old", "3", "w1");
    add_pod("new", "3");
    world.pass(seconds(2));
    follow();
    add_pod("new", "3", "w2");
    world.pass(minutes(60));
  }
  bool paused() {
    return !group().metadata.annotation("autoscaler.nestor.dev/backoff-until").empty();
  }
};

TEST_F(GrownRoom, AMachineThatIsDrainedToBeReplacedIsNotMissing) {
  auto machine = world.management.peek<Machine>(second).value();
  machine.metadata.finalizers = {"machine.cluster.x-k8s.io"};
  world.management.put(machine);
  world.management.erase(Machine::kType, second);
  world.pass(minutes(10));
  restart();
  world.pass(minutes(10));
  EXPECT_EQ(replicas(), 2);
  EXPECT_FALSE(paused());
  world.management.erase_now(Machine::kType, second);
  world.tenant.erase(api::core::Node::kType, {"", second.name});
  follow();
  add_pod("new", "3", "w3");
  world.pass(minutes(20));
  EXPECT_EQ(replicas(), 2);
  EXPECT_FALSE(paused());
}

TEST_F(GrownRoom, ARestartDoesNotForgetSinceWhenANodeIsGone) {
  world.tenant.erase(api::core::Node::kType, {"", second.name});
  world.pass(minutes(10));
  restart();
  world.pass(minutes(4));
  EXPECT_EQ(replicas(), 2);
  world.pass(minutes(2));
  EXPECT_EQ(replicas(), 1);
  EXPECT_FALSE(paused());
}

TEST_F(GrownRoom, ARestartDoesNotForgetHowLongAMachineIsMissing) {
  world.management.erase(Machine::kType, second);
  world.pass(minutes(10));
  restart();
  world.pass(minutes(4));
  EXPECT_EQ(replicas(), 2);
  EXPECT_FALSE(paused());
  world.pass(minutes(2));
  EXPECT_EQ(replicas(), 1);
  EXPECT_TRUE(paused());
}

}  // namespace
}  // namespace nestor::autoscale
