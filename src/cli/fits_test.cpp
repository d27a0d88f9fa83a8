#include "cli/fits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nestor::cli {
namespace {

using testing::HasSubstr;

api::core::Node node(const std::string& cpu, const std::string& memory) {
  api::core::Node node;
  node.status.allocatable = {{"cpu", cpu}, {"memory", memory}};
  node.status.images = {{{"nestor.dev/worker:v1.37.2"}, 1}};
  node.metadata.annotations["nestor.dev/worker-images"] = "a,nestor.dev/worker:v1.36.0";
  return node;
}

std::string refusal(const WorkerSize& worker) {
  const auto done = fits(worker, {node("2", "8Gi"), node("500m", "16Gi")});
  return done ? "" : done.error().message;
}

TEST(Fits, TakesWhatOneNodeCanHold) {
  EXPECT_EQ(refusal({.group = "a", .cpu = 20, .memory = "16Gi"}), "");
}

TEST(Fits, RefusesMoreThanTheLargestNodeHas) {
  EXPECT_THAT(refusal({.group = "a", .memory = "17Gi"}), HasSubstr("the largest has 16Gi"));
  EXPECT_THAT(refusal({.group = "a", .cpu = 21}), HasSubstr("which do for 20"));
}

TEST(Fits, RefusesAVersionWithoutAnImage) {
  EXPECT_THAT(refusal({.group = "a", .image = "nestor.dev/worker:v1.35.0"}),
              HasSubstr("v1.35.0 is on the nodes, there is v1.36.0, v1.37.2"));
  EXPECT_EQ(refusal({.group = "a", .image = "nestor.dev/worker:v1.36.0"}), "");
}

TEST(Fits, AsksNothingOfAnImageThatAPersonNames) {
  EXPECT_EQ(refusal({.group = "a", .image = "own:1"}), "");
}

TEST(Fits, RefusesNothingWithoutNodes) { EXPECT_TRUE(fits({.group = "a", .memory = "1Ti"}, {})); }

TEST(Fits, ReadsTheSizesOfNodeGroups) {
  const auto objects = parse_yaml_documents(R"(
kind: KubevirtMachineTemplate
metadata: {name: demo-web-1}
spec: {template: {spec: {virtualMachineTemplate: {spec: {template: {spec: {
  domain: {cpu: {cores: 4}, memory: {guest: 8Gi}},
  volumes: [{name: x, containerDisk: {image: "own:1"}}]}}}}}}}
---
kind: MachineDeployment
metadata: {name: demo-web}
spec: {replicas: 1, template: {spec: {infrastructureRef: {name: demo-web-1}}}}
---
kind: MachineDeployment
metadata: {name: demo-none}
spec: {replicas: 0, template: {spec: {infrastructureRef: {name: demo-web-1}}}}
)")
                           .value();
  EXPECT_EQ(worker_sizes(objects), (std::vector<WorkerSize>{{"demo-web", 4, "8Gi", "own:1"}}));
}

}  // namespace
}  // namespace nestor::cli
