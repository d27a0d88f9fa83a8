#include <gtest/gtest.h>

#include "autoscale/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using testing::api_node;
using testing::api_pod;
using testing::Scene;

const Deadline kPassed(std::chrono::seconds(-1));

TEST(Decide, EndsAtItsDeadline) {
  Scene scene;
  scene.group("a", 0, 3);
  scene.pod(api_pod("new", "1"));
  const auto out = decide(scene.view, scene.now, scene.random, kPassed);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kDeadlineExceeded);
}

TEST(Decide, AFewNodesAndPodsAreSmall) {
  Scene scene;
  EXPECT_TRUE(is_small(scene.view));
  scene.group("a", 0, 3);
  for (int i = 0; i < 5; ++i) {
    scene.node_of("a-" + std::to_string(i));
    scene.pod(api_pod("p" + std::to_string(i), "1", "a-" + std::to_string(i)));
  }
  EXPECT_TRUE(is_small(scene.view));
}

TEST(Decide, ManyPodsAreNotSmall) {
  Scene scene;
  scene.pod(api_pod("p", "1"));
  scene.view.pods.resize(1000, scene.view.pods.front());
  EXPECT_FALSE(is_small(scene.view));
}

TEST(Decide, OnePodWithManyTermsIsNotSmall) {
  std::string terms;
  for (int i = 0; i < 1000; ++i) {
    terms += "{topologyKey: k, labelSelector: {matchLabels: {app: a" + std::to_string(i) + "}}},";
  }
  Scene scene;
  scene.pod(api_pod("p", "1", "", "",
                    "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
                    "[" +
                        terms + "]}}"));
  EXPECT_FALSE(is_small(scene.view));
}

TEST(Decide, OneNodeOrBudgetOfManyValuesIsNotSmall) {
  Scene nodes;
  auto node = api_node("n");
  for (int i = 0; i < 1000; ++i) node.metadata.labels["label-" + std::to_string(i)] = "x";
  nodes.add(node);
  EXPECT_FALSE(is_small(nodes.view));
  Scene budgets;
  Budget budget;
  budget.selector = Requirements{{"app", Requirement::Operator::kIn, {}}};
  budget.selector->front().values.resize(5000, "web");
  budgets.view.budgets = {budget};
  EXPECT_FALSE(is_small(budgets.view));
}

}  // namespace
}  // namespace nestor::autoscale
