#include "cli/fits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nestor::cli {
namespace {

using testing::HasSubstr;

api::core::Node node(const std::string& cpu, const std::string& memory) {
  api::core::Node node;
  node.status.allocatable = {{"cpu", cpu}, {"memory", memory}};
  node.status.images = {{{"nestor.dev/worker:v1.37.2"}, 1}, {{"nestor.dev/worker:v1.36.0"}, 1}};
  return node;
}

std::string refusal(const ClusterRequest& request) {
  const auto done = fits(request, {node("2", "8Gi"), node("500m", "16Gi")});
  return done ? "" : done.error().message;
}

TEST(Fits, TakesWhatOneNodeCanHold) {
  EXPECT_EQ(refusal({.name = "a", .cpu = 20, .memory = "16Gi"}), "");
}

TEST(Fits, RefusesMoreThanTheLargestNodeHas) {
  EXPECT_THAT(refusal({.name = "a", .memory = "17Gi"}), HasSubstr("the largest has 16Gi"));
  EXPECT_THAT(refusal({.name = "a", .cpu = 21}), HasSubstr("which do for 20"));
}

TEST(Fits, RefusesAVersionWithoutAnImage) {
  EXPECT_THAT(refusal({.name = "a", .kubernetes_version = "v1.35.0"}),
              HasSubstr("v1.35.0 is on the nodes, there is v1.36.0, v1.37.2"));
  EXPECT_EQ(refusal({.name = "a", .kubernetes_version = "1.36.0"}), "");
}

TEST(Fits, AsksNothingOfAnImageThatAPersonNames) {
  EXPECT_EQ(refusal({.name = "a", .kubernetes_version = "v1.35.0", .worker_image = "own:1"}), "");
}

TEST(Fits, RefusesNothingOfAClusterWithoutWorkersOrWithoutNodes) {
  EXPECT_EQ(refusal({.name = "a", .workers = 0, .memory = "1Ti"}), "");
  EXPECT_TRUE(fits({.name = "a", .memory = "1Ti"}, {}));
}

}  // namespace
}  // namespace nestor::cli
