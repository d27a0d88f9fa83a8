#include "autoscale/simulation/estimator.hpp"

#include <gtest/gtest.h>

#include "autoscale/simulation/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using testing::asks;
using testing::node;
using testing::shape;

NodeTemplate of(Node one) { return {std::make_shared<const Node>(std::move(one)), {}}; }

struct EstimatorTest : ::testing::Test {
  testing::World world;
  Estimator estimator{world.snapshot};

  Estimate run(const std::vector<PodIndex>& pods, const NodeTemplate& node_template,
               int limit = 100) {
    return estimator.estimate(group_pods(world.snapshot, pods), node_template, limit);
  }
};

TEST_F(EstimatorTest, PacksTheBigOnesFirst) {
  auto pods = world.pending(shape(asks("1")), 2);
  for (const PodIndex pod : world.pending(shape(asks("3")), 2)) pods.push_back(pod);
  const Estimate out = run(pods, of(node("t", 4000)));
  EXPECT_EQ(out.nodes, 2);
  EXPECT_EQ(out.pods.size(), 4U);
  EXPECT_EQ(world.snapshot.node_count(), 0U);
}

TEST_F(EstimatorTest, StopsAtTheLimit) {
  const Estimate out = run(world.pending(shape(asks("2")), 10), of(node("t", 4000)), 3);
  EXPECT_EQ(out.nodes, 3);
  EXPECT_EQ(out.pods.size(), 6U);
}

TEST_F(EstimatorTest, LooksAtNoPodAfterItsDeadlineButAppliesWhatWasEstimated) {
  const auto groups = group_pods(world.snapshot, world.pending(shape(asks("2")), 3));
  Estimator late(world.snapshot, Deadline(std::chrono::seconds(-1)));
  EXPECT_EQ(late.estimate(groups, of(node("t", 4000)), 9).nodes, 0);
  EXPECT_EQ(late.apply(groups, of(node("t", 4000)), 9).nodes, 2);
}

TEST_F(EstimatorTest, SaysWhyAPodDoesNotFit) {
  const auto pods = world.pending(shape(asks("5")), 1);
  const Estimate out = run(pods, of(node("t", 4000)));
  EXPECT_EQ(out.nodes, 0);
  EXPECT_EQ(out.refused.at(world.snapshot.class_of(pods[0])), "Insufficient cpu");
}

TEST_F(EstimatorTest, DaemonsTakeTheirPartOfEachNode) {
  NodeTemplate with_daemon = of(node("t", 4000));
  with_daemon.daemons.push_back(world.of(shape(asks("500m"))));
  const auto pods = world.pending(shape(asks("2")), 4);
  EXPECT_EQ(run(pods, of(node("t", 4000))).nodes, 2);
  EXPECT_EQ(run(pods, with_daemon).nodes, 4);
}

TEST_F(EstimatorTest, AntiAffinityByHostTakesANodeEach) {
  const auto lonely = shape(
      asks("100m", "1Mi",
           "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
           "[{labelSelector: {matchLabels: {app: db}}, topologyKey: kubernetes.io/hostname}]}}"),
      "{app: db}");
  EXPECT_EQ(run(world.pending(lonely, 3), of(node("t"))).nodes, 3);
}

TEST_F(EstimatorTest, SpreadByHostAddsNodesEvenly) {
  const auto even =
      shape(asks("1m", "1Mi",
                 "topologySpreadConstraints: [{maxSkew: 2, topologyKey: kubernetes.io/hostname, "
                 "labelSelector: {matchLabels: {app: web}}}]"),
            "{app: web}");
  const NodeIndex there = world.add(node("there"));
  world.snapshot.close_node(there);
  // The existing node counts with its none, so each new one takes two.
  EXPECT_EQ(run(world.pending(even, 4), of(node("t"))).nodes, 2);
}

TEST_F(EstimatorTest, CompanyMayComeWithTheSamePods) {
  const auto leader = shape(asks("1"), "{app: leader}");
  const auto follower = shape(asks(
      "1", "1Mi",
      "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
      "[{labelSelector: {matchLabels: {app: leader}}, topologyKey: kubernetes.io/hostname}]}}"));
  auto pods = world.pending(follower, 1);
  for (const PodIndex pod : world.pending(leader, 1)) pods.push_back(pod);
  const Estimate out = run(pods, of(node("t")));
  EXPECT_EQ(out.pods.size(), 2U);
  EXPECT_EQ(out.nodes, 1);
  EXPECT_TRUE(out.refused.empty());
}

TEST_F(EstimatorTest, ApplyLeavesTheNodes) {
  const auto pods = world.pending(shape(asks("2")), 3);
  const Estimate out = estimator.apply(group_pods(world.snapshot, pods), of(node("t", 4000)), 10);
  EXPECT_EQ(out.nodes, 2);
  EXPECT_EQ(world.snapshot.node_count(), 2U);
  EXPECT_NE(world.snapshot.node(0).name, world.snapshot.node(1).name);
}

}  // namespace
}  // namespace nestor::autoscale
