#include "api/meta.hpp"

#include <gtest/gtest.h>

#include "api/apps/deployment.hpp"
#include "api/core/secret.hpp"
#include "base/json_convert.hpp"

namespace nestor::api {
namespace {

TEST(LabelSelector, AllPartsMustHold) {
  const LabelSelector selector{{{"app", "web"}}, {{"tier", "In", {"front", "back"}}}};
  EXPECT_TRUE(matches(selector, {{"app", "web"}, {"tier", "back"}, {"x", "y"}}));
  EXPECT_FALSE(matches(selector, {{"app", "web"}}));
  EXPECT_FALSE(matches(selector, {{"app", "db"}, {"tier", "back"}}));
}

TEST(LabelSelector, OperatorsOnAnAbsentLabel) {
  const auto on_absent = [](const char* op) {
    return matches({{}, {{"a", op, {"1"}}}}, {{"b", "1"}});
  };
  EXPECT_FALSE(on_absent("In"));
  EXPECT_TRUE(on_absent("NotIn"));
  EXPECT_FALSE(on_absent("Exists"));
  EXPECT_TRUE(on_absent("DoesNotExist"));
  EXPECT_FALSE(on_absent("Perhaps"));
}

TEST(LabelSelector, EmptySelectsEverythingAlsoWithNull) {
  const auto selector = from_json<LabelSelector>(*parse_json(R"({"matchLabels": null})"));
  ASSERT_TRUE(selector);
  EXPECT_TRUE(selector->empty());
  EXPECT_TRUE(matches(*selector, {}));
}

TEST(LabelSelector, TextIsThatOfListRequests) {
  const LabelSelector selector{{{"b", "2"}, {"a", "1"}},
                               {{"c", "In", {"x", "y"}},
                                {"d", "NotIn", {"z"}},
                                {"e", "Exists", {}},
                                {"f", "DoesNotExist", {}}}};
  EXPECT_EQ(to_selector_text(selector), "a=1,b=2,c in (x,y),d notin (z),e,!f");
}

TEST(LabelSelector, OperatorKeepsItsJsonName) {
  const LabelSelector selector{{}, {{"k", "Exists", {}}}};
  EXPECT_EQ(to_text(to_json(selector)),
            R"({"matchExpressions":[{"key":"k","operator":"Exists"}]})");
}

TEST(Secret, ValueIsStoredAsBase64) {
  core::Secret secret;
  core::set_secret_value(secret, "value", "kube\n");
  EXPECT_EQ(secret.data.at("value"), "a3ViZQo=");
  EXPECT_EQ(*core::secret_value(secret, "value"), "kube\n");
  EXPECT_EQ(core::secret_value(secret, "other").error().code, Code::kNotFound);
  secret.data["value"] = "%%";
  EXPECT_EQ(core::secret_value(secret, "value").error().code, Code::kInvalidArgument);
}

TEST(Deployment, RolledOutOnlyWhenTheNewSpecIsSeenAndAllAvailable) {
  apps::Deployment deployment;
  deployment.metadata.generation = 2;
  deployment.spec.replicas = 2;
  deployment.status.observedGeneration = 2;
  deployment.status.replicas = 2;
  deployment.status.updatedReplicas = 2;
  deployment.status.availableReplicas = 2;
  EXPECT_TRUE(apps::rolled_out(deployment));
  deployment.status.observedGeneration = 1;
  EXPECT_FALSE(apps::rolled_out(deployment));
  deployment.status.observedGeneration = 2;
  deployment.status.replicas = 3;
  EXPECT_FALSE(apps::rolled_out(deployment)) << "an old pod is left";
  deployment.status.replicas = 2;
  deployment.status.availableReplicas = 1;
  EXPECT_FALSE(apps::rolled_out(deployment));
}

}  // namespace
}  // namespace nestor::api
