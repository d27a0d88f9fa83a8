#include "cluster/cluster_logic.hpp"

#include <gtest/gtest.h>

namespace nestor::cluster {
namespace {

Json json(const char* text) { return parse_json(text).value(); }

struct ClusterLogic : ::testing::Test {
  ClusterLogic() {
    view.cluster.metadata.name = "demo";
    view.cluster.spec.infrastructureRef = {"i", "KubevirtCluster", "demo"};
    view.cluster.spec.controlPlaneRef = {"c", "KamajiControlPlane", "demo"};
    view.now = "2026-01-01T00:00:00Z";
  }
  const kube::Condition& condition(const api::cluster::Cluster& cluster, const char* type) {
    static const kube::Condition kNone;
    const auto* found = kube::find_condition(cluster.status.conditions, type);
    return found == nullptr ? kNone : *found;
  }
  ClusterView view;
};

TEST_F(ClusterLogic, WaitsForInfrastructureAndEndpoint) {
  EXPECT_EQ(observe(view).status.phase, "Provisioning");
  EXPECT_EQ(condition(observe(view), "InfrastructureReady").status, "False");
  view.infrastructure =
      json(R"({"spec":{"controlPlaneEndpoint":{"host":"10.0.0.1","port":6443}},"status":{}})");
  EXPECT_FALSE(observe(view).spec.controlPlaneEndpoint.valid());
  // Either contract's field will do.
  for (const char* status : {R"({"ready":true})", R"({"initialization":{"provisioned":true}})"}) {
    view.infrastructure->as_object()["status"] = json(status);
    const auto cluster = observe(view);
    EXPECT_EQ(cluster.spec.controlPlaneEndpoint.host, "10.0.0.1");
    EXPECT_EQ(cluster.status.phase, "Provisioned");
    EXPECT_EQ(cluster.status.initialization.infrastructureProvisioned, true);
  }
}

TEST_F(ClusterLogic, TakesTheControlPlanesEndpointWhenThereIsNoOther) {
  view.infrastructure = json(R"({"status":{"ready":true}})");
  view.control_plane = json(R"({"spec":{"controlPlaneEndpoint":{"host":"10.0.0.2","port":443}}})");
  EXPECT_EQ(observe(view).spec.controlPlaneEndpoint.host, "10.0.0.2");
}

TEST_F(ClusterLogic, AnEndpointOnceSetIsKept) {
  view.cluster.spec.controlPlaneEndpoint = {"first", 6443};
  view.infrastructure = json(
      R"({"spec":{"controlPlaneEndpoint":{"host":"second","port":1}},"status":{"ready":true}})");
  EXPECT_EQ(observe(view).spec.controlPlaneEndpoint.host, "first");
}

TEST_F(ClusterLogic, WhatWasProvisionedStaysProvisioned) {
  view.infrastructure = json(R"({"status":{"ready":true}})");
  view.control_plane = json(R"({"status":{"initialization":{"controlPlaneInitialized":true}}})");
  view.cluster = observe(view);
  view.infrastructure = json(R"({"status":{"ready":false}})");
  view.control_plane = json("{}");
  const auto after = observe(view);
  EXPECT_EQ(after.status.initialization.infrastructureProvisioned, true);
  EXPECT_EQ(after.status.initialization.controlPlaneInitialized, true);
}

TEST_F(ClusterLogic, IsAvailableWhenAllPartsAre) {
  view.infrastructure =
      json(R"({"spec":{"controlPlaneEndpoint":{"host":"h","port":1}},"status":{"ready":true}})");
  view.control_plane = json(R"({"status":{"ready":true,
      "initialization":{"controlPlaneInitialized":true}}})");
  view.remote_message = "refused";
  auto cluster = observe(view);
  EXPECT_EQ(condition(cluster, "Available").status, "False");
  EXPECT_NE(condition(cluster, "Available").message.find("refused"), std::string::npos);
  view.remote_connected = true;
  view.remote_message.clear();
  EXPECT_EQ(condition(observe(view), "Available").status, "True");
  view.deployments.resize(1);
  view.deployments[0].metadata.name = "md";
  EXPECT_EQ(condition(observe(view), "Available").status, "False");
}

TEST_F(ClusterLogic, NoConditionHasAnEmptyReason) {
  for (const bool connected : {false, true}) {
    view.remote_connected = connected;
    view.infrastructure = json(R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})");
    view.control_plane = json(R"({"status":{}})");
    for (const auto& one : observe(view).status.conditions) {
      EXPECT_FALSE(one.reason.empty()) << one.type;
      EXPECT_FALSE(one.lastTransitionTime.empty()) << one.type;
    }
  }
}

TEST_F(ClusterLogic, ObservingAgainChangesNothing) {
  view.infrastructure = json(R"({"status":{"ready":true}})");
  view.control_plane = json(R"({"spec":{"replicas":2},"status":{"ready":true}})");
  view.cluster = observe(view);
  view.now = "2026-01-01T05:00:00Z";
  EXPECT_EQ(observe(view), view.cluster);
}

TEST(ClusterDeletion, GoesFromTheInsideOut) {
  using enum DeleteStep;
  EXPECT_EQ(next_delete_step({.workers = true, .control_plane = true, .infrastructure = true}),
            kWorkers);
  EXPECT_EQ(next_delete_step({.control_plane = true, .infrastructure = true}), kControlPlane);
  EXPECT_EQ(next_delete_step({.infrastructure = true}), kInfrastructure);
  EXPECT_EQ(next_delete_step({}), kDone);
}

}  // namespace
}  // namespace nestor::cluster
