#include "kube/applier.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/testing/fake_client.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube {
namespace {

using testing::Widget;
using testing::widget;

class ApplierTest : public ::testing::Test {
 protected:
  ~ApplierTest() override { run_coroutine(io_, informers_.close()); }

  /// Brings the widget to that colour; gives how many calls it took.
  std::size_t ensure(const std::string& color) {
    settle(io_);
    client_.clear_calls();
    auto cache = informers_.of<Widget>();
    settle(io_);
    const auto now = run_coroutine<std::shared_ptr<const Widget>>(
        io_, applier_.ensure<Widget>(client_, cache, to_object(widget("a", color))));
    EXPECT_TRUE(now.has_value());
    EXPECT_EQ((*now)->spec.color, color);
    settle(io_);
    return client_.count("apply");
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  testing::FakeClient client_;
  InformerSet informers_{client_, clock_, io_.get_executor()};
  Applier applier_{"me"};
};

TEST_F(ApplierTest, AppliesWhatChangedAndNothingElse) {
  EXPECT_EQ(ensure("red"), 1U);
  EXPECT_EQ(ensure("red"), 0U);
  EXPECT_EQ(ensure("blue"), 1U);
  EXPECT_EQ(ensure("blue"), 0U);
}

TEST_F(ApplierTest, RepairsWhatOthersChangedOrDeleted) {
  ensure("red");
  client_.put(widget("a", "green"));
  EXPECT_EQ(ensure("red"), 1U);
  client_.erase(Widget::kType, {"default", "a"});
  EXPECT_EQ(ensure("red"), 1U);
  EXPECT_EQ(ensure("red"), 0U);
}

TEST_F(ApplierTest, AStatusIsNoChange) {
  ensure("red");
  Widget reported = *client_.peek<Widget>({"default", "a"});
  reported.status.phase = "Up";
  client_.put(reported);
  EXPECT_EQ(ensure("red"), 0U);
}

TEST_F(ApplierTest, ANewProcessAppliesOnce) {
  ensure("red");
  applier_ = Applier("me");
  EXPECT_EQ(ensure("red"), 1U);
  EXPECT_EQ(ensure("red"), 0U);
}

}  // namespace
}  // namespace nestor::kube
