#include "kube/events.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/testing/fake_client.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube {
namespace {

using testing::FakeClient;
using testing::widget;
using testing::Widget;

constexpr ResourceType kEvents{"", "v1", "Event", "events"};

class EventsTest : public ::testing::Test {
 protected:
  ~EventsTest() override { run_coroutine(io_, events_.close()); }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  FakeClient client_{&clock_};
  EventRecorder events_{client_, clock_, io_.get_executor(), "nestor"};
};

TEST_F(EventsTest, WritesWhatHappenedToWhich) {
  Widget object = client_.put(widget("a"));
  events_.warning(object, "Broken", "it broke");
  settle(io_);
  const auto all = client_.all(kEvents);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(find_string(all[0], {"type"}), "Warning");
  EXPECT_EQ(find_string(all[0], {"reason"}), "Broken");
  EXPECT_EQ(find_string(all[0], {"involvedObject", "kind"}), "Widget");
  EXPECT_EQ(find_string(all[0], {"involvedObject", "uid"}), object.metadata.uid);
  EXPECT_EQ(find_string(all[0], {"lastTimestamp"}), "2026-01-02T03:04:05Z");
}

TEST_F(EventsTest, CountsEqualEventsInsteadOfWritingThemAgain) {
  const Widget object = widget("a");
  events_.normal(object, "Made", "made it");
  settle(io_);
  clock_.advance(std::chrono::seconds(60));
  events_.normal(object, "Made", "made it");
  events_.normal(object, "Made", "made it");
  settle(io_);
  auto all = client_.all(kEvents);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(find(all[0], {"count"})->to_number<int>(), 3);
  EXPECT_EQ(find_string(all[0], {"lastTimestamp"}), "2026-01-02T03:05:05Z");
  // The API server forgot it: it starts anew.
  client_.erase(kEvents, {"default", std::string(find_string(all[0], {"metadata", "name"}))});
  events_.normal(object, "Made", "made it");
  settle(io_);
  all = client_.all(kEvents);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(find(all[0], {"count"})->to_number<int>(), 1);
}

TEST_F(EventsTest, LosesAnEventRatherThanItsCaller) {
  client_.fail_next("create", {Code::kPermissionDenied, "no", {}});
  events_.normal(widget("a"), "One", "1");
  events_.normal(widget("a"), "Two", "2");
  settle(io_);
  ASSERT_EQ(client_.all(kEvents).size(), 1U);
}

TEST_F(EventsTest, WritesWhatWaitsBeforeItCloses) {
  for (int i = 0; i < 20; ++i) events_.normal(widget("a"), "Step", std::to_string(i));
  run_coroutine(io_, events_.close());
  EXPECT_EQ(client_.all(kEvents).size(), 20U);
}

}  // namespace
}  // namespace nestor::kube
