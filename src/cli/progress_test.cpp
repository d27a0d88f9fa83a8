#include "cli/progress.hpp"

#include <gtest/gtest.h>

namespace nestor::cli {
namespace {

Json json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : Json();
}

TEST(Progress, FollowsAMachineToItsNode) {
  ClusterState state;
  state.control_plane =
      json(R"({"spec":{"controlPlaneEndpoint":{"host":"192.0.2.1","port":6443}}})");
  state.machines.push_back(json(R"({"metadata":{"name":"m"}})"));
  EXPECT_EQ(milestones(state),
            (std::vector<Milestone>{{"control plane", "starting at 192.0.2.1:6443"},
                                    {"machine m", "waiting for the control plane"}}));
  state.machines[0] = json(R"({"metadata":{"name":"m"},"status":{"nodeRef":{"name":"m"},
               "conditions":[{"type":"NodeReady","status":"False"}]}})");
  EXPECT_EQ(milestones(state)[1].state, "node joined");
  state.machines[0] = json(R"({"metadata":{"name":"m"},
               "status":{"conditions":[{"type":"NodeReady","status":"True"}]}})");
  EXPECT_EQ(milestones(state)[1].state, "node Ready");
}

TEST(Progress, SaysHowFarADeletionIs) {
  ClusterState state;
  state.cluster = json(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}})");
  state.control_plane = json(R"({"metadata":{"name":"c"},
      "status":{"initialization":{"controlPlaneInitialized":true}}})");
  EXPECT_EQ(milestones(state)[0].state, "stays until its machines are gone");
  state.control_plane = state.cluster;
  EXPECT_EQ(milestones(state)[0].state, "deleting");
  state.control_plane = nullptr;
  EXPECT_EQ(milestones(state)[0].state, "gone");
}

TEST(Progress, IsCompleteOnlyWhenEveryWantedNodeIsReadyForTheNewestSpec) {
  ClusterState state;
  EXPECT_FALSE(complete(state));
  state.control_plane = json(R"({"status":{"initialization":{"controlPlaneInitialized":true}}})");
  EXPECT_TRUE(complete(state));
  state.deployments.push_back(json(R"({"metadata":{"generation":2},"spec":{"replicas":2},
      "status":{"observedGeneration":1,"replicas":2,"readyReplicas":2}})"));
  EXPECT_FALSE(complete(state)) << "status is of an older spec";
  state.deployments[0] = json(R"({"metadata":{"generation":2},"spec":{"replicas":2},
      "status":{"observedGeneration":2,"replicas":2,"readyReplicas":1}})");
  EXPECT_FALSE(complete(state));
  state.deployments[0] = json(R"({"metadata":{"generation":2},"spec":{"replicas":2},
      "status":{"observedGeneration":2,"replicas":2,"readyReplicas":2}})");
  EXPECT_TRUE(complete(state));
}

TEST(Progress, SaysWhatIsMissing) {
  ClusterState state;
  state.cluster = json(R"({"status":{"conditions":[
      {"type":"Available","status":"False","message":"no address left"},
      {"type":"Paused","status":"True","message":"x"}]}})");
  EXPECT_EQ(what_is_missing(state), "  cluster: Available: no address left");
}

TEST(Progress, AMissingNumberIsTheAutoscalersMinimum) {
  const auto wanted = [](const char* text) { return wanted_nodes(parse_json(text).value()); };
  EXPECT_EQ(wanted(R"({"spec":{"replicas":0}})"), 0);
  EXPECT_EQ(wanted(R"({"spec":{}})"), 1);
  EXPECT_EQ(wanted(R"({"metadata":{"annotations":{
      "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size":"3"}}})"),
            3);
}

}  // namespace
}  // namespace nestor::cli
