#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "kube/testing/fake_client.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube {
namespace {

using testing::FakeClient;
using testing::widget;
using testing::Widget;

const ObjectKey kPatched{"default", "a"};

class PatchTest : public ::testing::Test {
 protected:
  Result<> patch(const Widget& before, const Widget& after) {
    return run_coroutine<void>(io_, patch_changes(client_, before, after));
  }
  asio::io_context io_;
  FakeClient client_;
};

TEST_F(PatchTest, MakesNoCallWhenNothingDiffers) {
  const Widget object = client_.put(widget("a"));
  EXPECT_TRUE(patch(object, object).has_value());
  EXPECT_TRUE(client_.calls().empty());
}

TEST_F(PatchTest, WritesStatusAndObjectEachItsWay) {
  const Widget before = client_.put(widget("a"));
  Widget after = before;
  after.status.phase = "Running";
  after.metadata.finalizers = {"nestor.dev/x"};
  after.spec.color = "";
  ASSERT_TRUE(patch(before, after).has_value());
  const Widget stored = *client_.peek<Widget>(kPatched);
  EXPECT_EQ(stored.status.phase, "Running");
  EXPECT_EQ(stored.metadata.finalizers, after.metadata.finalizers);
  EXPECT_EQ(stored.spec.color, "");
  ASSERT_EQ(client_.calls().size(), 2U);
  EXPECT_EQ(client_.calls()[0].subresource, "status");
  EXPECT_EQ(client_.calls()[1].subresource, "");
}

TEST_F(PatchTest, LosesARaceInsteadOfOverwriting) {
  const Widget before = client_.put(widget("a"));
  client_.put(widget("a", "blue"));
  Widget after = before;
  after.status.phase = "Running";
  EXPECT_EQ(patch(before, after).error().code, Code::kAborted);
  after = before;
  after.metadata.labels["x"] = "y";
  EXPECT_EQ(patch(before, after).error().code, Code::kAborted);
}

TEST_F(PatchTest, WritesTheStatusBeforeTheLastFinalizerGoes) {
  Widget object = widget("a");
  object.metadata.finalizers = {"nestor.dev/x"};
  client_.put(object);
  client_.erase(Widget::kType, kPatched);
  const Widget before = *client_.peek<Widget>(kPatched);
  Widget after = before;
  after.metadata.finalizers.clear();
  after.status.phase = "Deleted";
  EXPECT_TRUE(patch(before, after).has_value());
  EXPECT_FALSE(client_.peek(Widget::kType, kPatched).has_value());
}

TEST_F(PatchTest, LeavesMembersItDoesNotKnow) {
  Json json = to_object(widget("a"));
  json.as_object()["spec"].as_object()["unknown"] = 5;
  client_.put(Widget::kType, json);
  const Widget before = *client_.peek<Widget>(kPatched);
  Widget after = before;
  after.spec.color = "blue";
  ASSERT_TRUE(patch(before, after).has_value());
  EXPECT_EQ(find(*client_.peek(Widget::kType, kPatched), {"spec", "unknown"})->to_number<int>(), 5);
}

}  // namespace
}  // namespace nestor::kube
