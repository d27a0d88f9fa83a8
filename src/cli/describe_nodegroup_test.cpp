#include <gtest/gtest.h>

#include "cli/commands.hpp"

namespace nestor::cli {
namespace {

Json group(const std::string& annotations) {
  return parse_yaml_documents("{kind: MachineDeployment, metadata: {name: workers, annotations: {" +
                              annotations +
                              "}}, spec: {clusterName: demo, replicas: 3}, status: "
                              "{replicas: 2, readyReplicas: 1}}")
      .value()
      .front();
}

TEST(DescribeNodegroup, SaysThatAGroupIsNotScaled) {
  const std::string text = nodegroup_text(group(""));
  EXPECT_NE(text.find("3 wanted, 2 there, 1 ready"), std::string::npos) << text;
  EXPECT_NE(text.find("not scaled"), std::string::npos) << text;
}

TEST(DescribeNodegroup, ShowsWhatTheAutoscalerLeft) {
  const std::string text = nodegroup_text(group(
      "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: '1', "
      "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: '3', "
      "autoscaler.nestor.dev/backoff-until: '2026-03-01T12:05:00Z', "
      "autoscaler.nestor.dev/backoff-reason: 'ScaleUpTimedOut: m did not come', "
      "autoscaler.nestor.dev/report: '{\"scaleUp\":\"NotNeeded\",\"scaleUpMessage\":\"cannot help "
      "1 pending pods: max node group size reached\",\"scaleDown\":\"NoCandidates\",\"nodes\":"
      "{\"w1\":\"NotUnderutilized: busy\"},\"faults\":[\"annotation x: wrong\"]}'"));
  for (const char* part :
       {"1 to 3", "until 2026-03-01T12:05:00Z, ScaleUpTimedOut", "max node group size reached",
        "  w1: NotUnderutilized: busy", "annotation x: wrong"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(DescribeNodegroup, SaysWhyItsSizesAreNoLimits) {
  const auto text = [](const std::string& min, const std::string& max) {
    return nodegroup_text(
        group("cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: '" + min +
              "', cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: '" + max + "'"));
  };
  for (const auto& [min, max, why] :
       {std::tuple("3", "1", "not scaled: the maximum size 1 is less than the minimum size 3"),
        std::tuple("1", "many", "expected a whole number, got \"many\""),
        std::tuple("0", "0", "not scaled: that takes both annotations")}) {
    EXPECT_NE(text(min, max).find(why), std::string::npos) << text(min, max);
    EXPECT_EQ(text(min, max).find(min + std::string(" to ") + max), std::string::npos);
  }
}

TEST(DescribeNodegroup, LivesWithAReportItCannotRead) {
  EXPECT_NE(nodegroup_text(group("autoscaler.nestor.dev/report: nonsense")).find("cannot be read"),
            std::string::npos);
}

}  // namespace
}  // namespace nestor::cli
