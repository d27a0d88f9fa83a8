#include "kube/testing/fake_client.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "kube/testing/selector.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube::testing {
namespace {

const ObjectKey kA{"default", "a"};

class FakeClientTest : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return run_coroutine<T>(io_, std::move(task));
  }
  asio::io_context io_;
  FakeClient client_;
};

TEST_F(FakeClientTest, RefusesWhatTheRealOneRefuses) {
  ASSERT_TRUE(run(create(client_, widget("a"))).has_value());
  EXPECT_EQ(run(create(client_, widget("a"))).error().code, Code::kAlreadyExists);
  EXPECT_EQ(run(get<Widget>(client_, {"default", "b"})).error().code, Code::kNotFound);
  Json stale = *client_.peek(Widget::kType, kA);
  client_.put(widget("a", "blue"));
  stale.as_object()["spec"].as_object()["color"] = "green";
  EXPECT_EQ(run(client_.update(Widget::kType, stale)).error().code, Code::kAborted);
  EXPECT_EQ(run(create(client_, widget(""))).error().code, Code::kInvalidArgument);
}

TEST_F(FakeClientTest, KeepsTheStatusApart) {
  Widget object = widget("a");
  object.status.phase = "Early";
  ASSERT_TRUE(run(create(client_, object)).has_value());
  EXPECT_EQ(client_.peek<Widget>(kA)->status.phase, "");
  Json body = parse_json(R"({"status":{"phase":"Up"},"spec":{"color":"blue"}})").value();
  PatchOptions options{"status"};
  ASSERT_TRUE(run(client_.patch(Widget::kType, kA, PatchType::kMerge, body, options)).has_value());
  EXPECT_EQ(client_.peek<Widget>(kA)->status.phase, "Up");
  EXPECT_EQ(client_.peek<Widget>(kA)->spec.color, "red");
  EXPECT_EQ(client_.peek<Widget>(kA)->metadata.generation, 1);
  ASSERT_TRUE(run(client_.patch(Widget::kType, kA, PatchType::kMerge, body)).has_value());
  EXPECT_EQ(client_.peek<Widget>(kA)->metadata.generation, 2);
}

TEST_F(FakeClientTest, HoldsADeletedObjectUntilItsFinalizersAreGone) {
  Widget object = widget("a");
  object.metadata.finalizers = {"x"};
  client_.put(object);
  ASSERT_TRUE(run(client_.remove(Widget::kType, kA)).has_value());
  ASSERT_TRUE(client_.peek<Widget>(kA)->metadata.deleting());
  Json more = parse_json(R"({"metadata":{"finalizers":["x","y"]}})").value();
  EXPECT_FALSE(run(client_.patch(Widget::kType, kA, PatchType::kMerge, more)).has_value());
  Json none = parse_json(R"({"metadata":{"finalizers":null}})").value();
  ASSERT_TRUE(run(client_.patch(Widget::kType, kA, PatchType::kMerge, none)).has_value());
  EXPECT_FALSE(client_.peek(Widget::kType, kA).has_value());
  EXPECT_TRUE(run(ensure_deleted(client_, Widget::kType, kA)).has_value());
}

TEST_F(FakeClientTest, ApplyOwnsWhatItSetAndTakesBackWhatItDrops) {
  Widget mine = widget("a");
  mine.metadata.labels = {{"one", "1"}, {"two", "2"}};
  ASSERT_TRUE(run(apply(client_, mine, "me")).has_value());
  Widget theirs = widget("a", "");
  theirs.metadata.labels = {{"three", "3"}};
  ASSERT_TRUE(run(apply(client_, theirs, "them")).has_value());
  mine.metadata.labels.erase("two");
  ASSERT_TRUE(run(apply(client_, mine, "me")).has_value());
  const Widget stored = *client_.peek<Widget>(kA);
  EXPECT_EQ(stored.metadata.labels,
            (std::map<std::string, std::string>{{"one", "1"}, {"three", "3"}}));
  EXPECT_EQ(stored.spec.color, "red");
}

TEST_F(FakeClientTest, AnApplyThatChangesNothingMakesNoVersion) {
  ASSERT_TRUE(run(apply(client_, widget("a"), "me")).has_value());
  const std::string before = client_.resource_version();
  ASSERT_TRUE(run(apply(client_, widget("a"), "me")).has_value());
  EXPECT_EQ(client_.resource_version(), before);
}

TEST_F(FakeClientTest, ASubresourceIsCreatedOfAnObjectThatIsThere) {
  const Json request = to_object(widget("a"));
  EXPECT_EQ(run(client_.create(Widget::kType, "default", request, "eviction")).error().code,
            Code::kNotFound);
  client_.put(widget("a"));
  EXPECT_TRUE(run(client_.create(Widget::kType, "default", request, "eviction")).has_value());
  EXPECT_EQ(client_.calls().back().subresource, "eviction");
}

TEST_F(FakeClientTest, CollectsOwnedObjectsWhenAsked) {
  client_.collect_garbage(true);
  const Widget owner = client_.put(widget("owner"));
  Widget child = widget("child");
  child.metadata.ownerReferences = {owner_reference(owner)};
  const Widget stored = client_.put(child);
  Widget grandchild = widget("grandchild");
  grandchild.metadata.ownerReferences = {owner_reference(stored)};
  client_.put(grandchild);
  client_.erase(Widget::kType, owner.metadata.key());
  EXPECT_TRUE(client_.all<Widget>().empty());
}

TEST_F(FakeClientTest, FailsTheCallsItWasToldTo) {
  client_.fail_next("get", {Code::kUnavailable, "down", {}}, 1, "widgets");
  client_.put(widget("a"));
  EXPECT_EQ(run(get<Widget>(client_, kA)).error().code, Code::kUnavailable);
  EXPECT_TRUE(run(get<Widget>(client_, kA)).has_value());
  EXPECT_EQ(client_.count("get"), 2U);
}

TEST_F(FakeClientTest, FoldsStringDataOfSecrets) {
  const ResourceType secrets{"", "v1", "Secret", "secrets"};
  const Json stored =
      client_.put(secrets, parse_json(R"({"kind":"Secret","metadata":{"name":"s","namespace":"n"},)"
                                      R"("stringData":{"k":"v"}})")
                               .value());
  EXPECT_EQ(find_string(stored, {"data", "k"}), "dg==");
}

TEST(Selector, KnowsAllForms) {
  const Json object =
      parse_json(R"({"metadata":{"name":"n","labels":{"a":"1","b":"2"}},"spec":{"node":"x"}})")
          .value();
  for (const char* yes : {"", "a=1", "a==1", "a!=2", "c!=1", "a", "!c", "a in (1,2),b=2",
                          "b notin (1)", "c notin (1)"}) {
    EXPECT_TRUE(labels_match(object, yes)) << yes;
  }
  for (const char* no : {"a=2", "a!=1", "c", "!a", "a in (2,3)", "b notin (2)", "a=1,b=1"}) {
    EXPECT_FALSE(labels_match(object, no)) << no;
  }
  EXPECT_TRUE(fields_match(object, "metadata.name=n,spec.node!=y"));
  EXPECT_FALSE(fields_match(object, "spec.node=y"));
}

}  // namespace
}  // namespace nestor::kube::testing
