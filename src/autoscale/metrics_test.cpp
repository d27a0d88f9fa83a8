#include "autoscale/metrics.hpp"

#include <gtest/gtest.h>

#include "autoscale/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

TEST(AutoscaleMetrics, HaveUpstreamsNamesAndTheTenantsLabels) {
  testing::Scene scene;
  scene.group("a", 0, 3);
  scene.pod(testing::api_pod("new", "1"));
  scene.pod(testing::api_pod("huge", "64"));
  Metrics metrics;
  record(metrics, {"ns", "demo"}, scene.view, scene.decide(), std::chrono::milliseconds(2));
  const std::string text = metrics.serialize();
  for (const char* line :
       {"cluster_autoscaler_node_group_target_count{cluster=\"demo\",namespace=\"ns\","
        "node_group=\"MachineDeployment/ns/a\"} 1\n",
        "cluster_autoscaler_scaled_up_nodes_total{cluster=\"demo\",namespace=\"ns\"} 1\n",
        "cluster_autoscaler_unschedulable_pods_count{cluster=\"demo\",namespace=\"ns\"} 1\n",
        "cluster_autoscaler_cluster_safe_to_autoscale{cluster=\"demo\",namespace=\"ns\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace nestor::autoscale
