#include "cli/upgrade_plan.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>

namespace nestor::cli {
namespace {

Json parsed(const std::string& text) { return parse_json(text).value(); }

ClusterState cluster(const std::string& control_plane, const std::vector<std::string>& groups) {
  ClusterState state;
  state.control_plane = parsed(R"({"spec":{"version":")" + control_plane + R"(","replicas":1},
                                "status":{"version":")" +
                               control_plane + R"(","readyReplicas":1}})");
  for (const std::string& version : groups) {
    state.deployments.push_back(parsed(R"({"metadata":{"generation":2},"spec":{"replicas":2,
        "template":{"spec":{"version":")" +
                                       version + R"("}}},
        "status":{"observedGeneration":2,"replicas":2,"upToDateReplicas":2,"readyReplicas":2}})"));
  }
  return state;
}

std::string refusal(const ClusterState& state, const std::string& target) {
  const auto plan = plan_upgrade(state, target);
  return plan ? "allowed" : plan.error().message;
}

TEST(UpgradePlan, FirstTheControlPlaneThenTheNodes) {
  const auto plan = plan_upgrade(cluster("v1.36.4", {"v1.36.4", "v1.35.1"}), "1.37.2").value();
  EXPECT_TRUE(plan.control_plane);
  EXPECT_TRUE(plan.nodes);
  EXPECT_EQ(plan.from, "v1.36.4");
  EXPECT_EQ(plan.nodes_from, "v1.35.1");
}

TEST(UpgradePlan, GoesOnWhereItStopped) {
  const auto plan = plan_upgrade(cluster("v1.37.2", {"v1.36.4"}), "v1.37.2").value();
  EXPECT_FALSE(plan.control_plane);
  EXPECT_TRUE(plan.nodes);
  EXPECT_TRUE(plan_upgrade(cluster("v1.37.2", {"v1.37.2"}), "v1.37.2")->nothing());
}

TEST(UpgradePlan, RefusesWhatKubernetesDoes) {
  const auto state = cluster("v1.35.4", {"v1.35.4"});
  EXPECT_EQ(refusal(state, "v1.36.0"), "allowed");
  EXPECT_EQ(refusal(state, "v1.35.9"), "allowed");
  EXPECT_EQ(refusal(state, "v1.35.3"),
            "the cluster runs v1.35.4; Kubernetes cannot go back to v1.35.3");
  EXPECT_EQ(refusal(state, "v1.37.0"),
            "from v1.35.4 to v1.37.0 skips a minor version: upgrade to v1.36 first");
  EXPECT_EQ(refusal(state, "latest"), "Kubernetes version 'latest' must look like v1.37.2");
  EXPECT_EQ(refusal(cluster("v1.36.0", {"v1.33.0"}), "v1.37.0"),
            "nodes run v1.33.0, too old for a v1.37.0 control plane: upgrade them first");
  for (const char* absurd : {"v1.2147483647.0", "v1.-36.0", "v1.36", "latest"}) {
    EXPECT_EQ(refusal(cluster(absurd, {}), "v1.37.0"),
              "the cluster has no control plane with a version yet")
        << absurd;
  }
  EXPECT_EQ(refusal({}, "v1.37.0"), "the cluster has no control plane with a version yet");
}

TEST(UpgradePlan, ImagesThatWouldStayAreToBeNamed) {
  const auto refused = [](const std::string& values, const std::vector<std::string>& sets) {
    const auto valid = validate_images(parsed(values), sets, "1.37.2");
    return valid ? "" : valid.error().message;
  };
  EXPECT_EQ(refused("{}", {}), "");
  EXPECT_EQ(refused(R"({"nodeGroups":{"a":{"cpu":2},"gone":null}})", {}), "");
  EXPECT_EQ(
      refused(R"({"nodeGroups":{"a":{"image":"r/w:v1.37.2"},"b":{"image":"r/w:1.37.2-3"}}})", {}),
      "");
  const std::string old = R"({"nodeGroups":{"a":{"image":"r/w:v1.36.4"},"b":{},
                              "c":{"image":"r/w:v1.37.21"}}})";
  const std::string all =
      "node groups have images of their own, which stay when the version changes; name those of "
      "v1.37.2 with";
  const std::string a = "\n  --set nodeGroups.a.image=IMAGE   (now r/w:v1.36.4)";
  const std::string c = "\n  --set nodeGroups.c.image=IMAGE   (now r/w:v1.37.21)";
  EXPECT_EQ(refused(old, {}), all + a + c);
  EXPECT_EQ(refused(old, {"nodeGroups.a.image=r/w:v1.37.2"}), all + c);
  EXPECT_EQ(refused(old, {"nodeGroups.a.image=r/w:stable,nodeGroups.c.image=r/w:stable"}), "");
}

TEST(UpgradePlan, KnowsWhenItIsDone) {
  auto state = cluster("v1.37.2", {"v1.37.2"});
  EXPECT_TRUE(control_plane_at(state, "v1.37.2"));
  EXPECT_TRUE(nodes_at(state, "v1.37.2"));
  state.control_plane.as_object()["status"].as_object()["version"] = "v1.36.4";
  EXPECT_FALSE(control_plane_at(state, "v1.37.2"));
  auto& status = state.deployments[0].as_object()["status"].as_object();
  status["upToDateReplicas"] = 1;
  EXPECT_FALSE(nodes_at(state, "v1.37.2"));
  status["upToDateReplicas"] = 2;
  // A change that the controller has not seen yet.
  status["observedGeneration"] = 1;
  EXPECT_FALSE(nodes_at(state, "v1.37.2"));
}

}  // namespace
}  // namespace nestor::cli
