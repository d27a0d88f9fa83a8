#include "kube/object.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>

namespace nestor::kube {
namespace {

TEST(Conditions, MoveTheTransitionTimeOnlyWithTheStatus) {
  std::vector<Condition> conditions;
  EXPECT_TRUE(set_condition(conditions, {"Ready", "False", 1, "", "Waiting", "for x"}, "t1"));
  EXPECT_FALSE(set_condition(conditions, {"Ready", "False", 1, "", "Waiting", "for x"}, "t2"));
  EXPECT_TRUE(set_condition(conditions, {"Ready", "False", 2, "", "Waiting", "for y"}, "t3"));
  EXPECT_EQ(conditions[0].lastTransitionTime, "t1");
  EXPECT_TRUE(set_condition(conditions, {"Ready", "True", 2, "", "Done", ""}, "t4"));
  ASSERT_EQ(conditions.size(), 1U);
  EXPECT_EQ(conditions[0].lastTransitionTime, "t4");
  EXPECT_TRUE(condition_true(conditions, "Ready"));
  EXPECT_FALSE(condition_true(conditions, "Other"));
}

TEST(Conditions, AreMade) {
  EXPECT_EQ(make_condition("Ready", true), (Condition{"Ready", "True", {}, "", "", ""}));
  EXPECT_EQ(make_condition("Ready", false, "Waiting", "for x", 2),
            (Condition{"Ready", "False", 2, "", "Waiting", "for x"}));
  EXPECT_EQ(make_unknown_condition("Ready", "Away"),
            (Condition{"Ready", "Unknown", {}, "", "Away", ""}));
}

TEST(ObjectMeta, FindsItsController) {
  ObjectMeta owner;
  owner.name = "set";
  owner.uid = "u1";
  const ResourceType type{"apps", "v1", "ReplicaSet", "replicasets"};
  ObjectMeta object;
  object.ownerReferences.push_back(owner_reference(type, owner, false));
  EXPECT_EQ(object.controller(), nullptr);
  object.ownerReferences.push_back(owner_reference(type, owner, true));
  ASSERT_NE(object.controller(), nullptr);
  EXPECT_EQ(object.controller()->apiVersion, "apps/v1");
  EXPECT_EQ(object.controller()->uid, "u1");
}

TEST(RawObject, SaysItsKeyAndMetadata) {
  const Json object = {{"metadata", {{"namespace", "a"}, {"name", "b"}, {"uid", "u"}}}};
  EXPECT_EQ(key_of(object), (ObjectKey{"a", "b"}));
  EXPECT_EQ(key_of({"", "v1", "Node", "nodes", false}, object), (ObjectKey{"", "b"}));
  EXPECT_EQ(metadata_of(object).uid, "u");
  EXPECT_EQ(key_of(JsonObject{}), ObjectKey{});
  EXPECT_EQ(metadata_of(JsonObject{}), ObjectMeta{});
  EXPECT_EQ(metadata_of({{"metadata", {{"uid", "u"}, {"labels", 1}}}}), ObjectMeta{});
}

}  // namespace
}  // namespace nestor::kube
