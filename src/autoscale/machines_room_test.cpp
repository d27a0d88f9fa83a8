#include <gtest/gtest.h>

#include "autoscale/testing_room.hpp"

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

}  // namespace
}  // namespace nestor::autoscale
