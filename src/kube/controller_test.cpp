#include "kube/controller.hpp"

#include <gtest/gtest.h>

#include "base/signal.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/metrics.hpp"
#include "kube/testing/fake_client.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeClient;
using testing::widget;
using testing::Widget;

/// A reconcile whose answers and length a test decides.
struct Script {
  std::vector<ObjectKey> calls;
  std::map<ObjectKey, int> flying;
  int together = 0;
  int most_together = 0;
  bool overlap = false;
  /// While true calls do not end.
  bool hold = false;
  Signal release;
  Result<ReconcileResult> answer;
  bool throws = false;

  Task<ReconcileResult> run(ObjectKey key) {
    calls.push_back(key);
    if (throws) throw std::runtime_error("thrown");
    if (++flying[key] > 1) overlap = true;
    most_together = std::max(most_together, ++together);
    Result<> held;
    while (hold && held) held = co_await release.wait();
    --flying[key];
    --together;
    if (!held) co_return std::unexpected(std::move(held).error());
    co_return answer;
  }
  Reconcile reconcile() {
    return [this](ObjectKey key) { return run(std::move(key)); };
  }
};

class ControllerTest : public ::testing::Test {
 protected:
  ~ControllerTest() override {
    run_coroutine(io_, tasks_.close());
    run_coroutine(io_, set_.close());
  }
  Controller& start(ControllerOptions options = {}) {
    controller_ = std::make_unique<Controller>("test", clock_, io_.get_executor(),
                                               script_.reconcile(), std::move(options));
    return *controller_;
  }
  void run() {
    tasks_.spawn("controller", controller_->run());
    settle(io_);
  }
  void pass(Duration time) {
    clock_.advance(time);
    settle(io_);
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  FakeClient client_;
  InformerSet set_{client_, clock_, io_.get_executor()};
  Script script_;
  std::unique_ptr<Controller> controller_;
  TaskGroup tasks_{io_.get_executor()};
};

const ObjectKey kWidget{"default", "a"};

TEST_F(ControllerTest, ReconcilesEachObjectOnceSyncedAndOnChange) {
  client_.put(widget("a"));
  client_.put(widget("b"));
  start().watch(set_.of<Widget>());
  run();
  EXPECT_EQ(script_.calls.size(), 2U);
  client_.put(widget("a", "blue"));
  settle(io_);
  ASSERT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(script_.calls.back(), kWidget);
  client_.erase(Widget::kType, kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 4U);
}

TEST_F(ControllerTest, DoesNothingBeforeItsCachesAreSynced) {
  client_.fail_next("list", {Code::kUnavailable, "refused", {}});
  start().watch(set_.of<Widget>());
  controller_->enqueue(kWidget);
  run();
  EXPECT_TRUE(script_.calls.empty());
  pass(seconds(31));
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(ControllerTest, NeverHasOneKeyInFlightTwice) {
  script_.hold = true;
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  for (int i = 0; i < 5; ++i) controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 1U);
  script_.hold = false;
  script_.release.notify();
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 2U);
  EXPECT_FALSE(script_.overlap);
}

TEST_F(ControllerTest, HasNoMoreKeysInFlightThanAllowed) {
  script_.hold = true;
  ControllerOptions options;
  options.concurrency = 2;
  start(options);
  run();
  for (const char* name : {"a", "b", "c", "d"}) controller_->enqueue({"default", name});
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 2U);
  script_.hold = false;
  script_.release.notify();
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 4U);
  EXPECT_EQ(script_.most_together, 2);
}

TEST_F(ControllerTest, AGroupThatDoesNotReturnLeavesOthersTheirWorkers) {
  script_.hold = true;
  start({.concurrency = 20, .group = [](const ObjectKey& key) { return key.ns; }});
  run();
  for (int i = 0; i < 20; ++i) controller_->enqueue({"a", std::to_string(i)});
  controller_->enqueue({"b", "0"});
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 6U);
  EXPECT_EQ(script_.calls.back(), (ObjectKey{"b", "0"}));
  script_.hold = false;
  script_.release.notify();
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 21U);
}

TEST_F(ControllerTest, SlowsDownWhatIsToKeepAPace) {
  start();
  run();
  for (int i = 0; i < 5; ++i) {
    controller_->enqueue_after(kWidget, seconds(1));
    pass(milliseconds(200));
    EXPECT_EQ(script_.calls.size(), i < 4 ? 0U : 1U);
  }
  pass(seconds(5));
  EXPECT_EQ(script_.calls.size(), 1U);
}

TEST_F(ControllerTest, ComesBackAfterTheAskedTime) {
  script_.answer = ReconcileResult{seconds(30)};
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 1U);
  pass(seconds(29));
  EXPECT_EQ(script_.calls.size(), 1U);
  pass(seconds(1));
  EXPECT_EQ(script_.calls.size(), 2U);
  // A change in between moves the next visit instead of adding one.
  pass(seconds(10));
  controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 3U);
  pass(seconds(20));
  EXPECT_EQ(script_.calls.size(), 3U);
  pass(seconds(10));
  EXPECT_EQ(script_.calls.size(), 4U);
}

TEST_F(ControllerTest, RetriesFailuresWithGrowingDelays) {
  script_.answer = fail(Code::kUnavailable, "down");
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 1U);
  pass(milliseconds(5));
  EXPECT_EQ(script_.calls.size(), 2U);
  pass(milliseconds(9));
  EXPECT_EQ(script_.calls.size(), 2U);
  pass(milliseconds(1));
  EXPECT_EQ(script_.calls.size(), 3U);
  script_.answer = ReconcileResult{};
  pass(milliseconds(20));
  EXPECT_EQ(script_.calls.size(), 4U);
  pass(seconds(3600));
  EXPECT_EQ(script_.calls.size(), 4U);
}

TEST_F(ControllerTest, RepeatsALostRaceAtOnceButOnlyOnce) {
  script_.answer = fail(Code::kAborted, "conflict");
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.calls.size(), 2U);
  pass(milliseconds(10));
  EXPECT_EQ(script_.calls.size(), 3U);
}

TEST_F(ControllerTest, RetriesSlowlyWhatAnotherTryHardlyMends) {
  script_.answer = fail(Code::kInvalidArgument, "bad spec");
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  pass(milliseconds(999));
  EXPECT_EQ(script_.calls.size(), 1U);
  pass(milliseconds(1));
  EXPECT_EQ(script_.calls.size(), 2U);
}

TEST_F(ControllerTest, WaitsAsLongAsThePeerAsks) {
  script_.answer = std::unexpected(Error{Code::kResourceExhausted, "slow down", seconds(7)});
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  pass(seconds(6));
  EXPECT_EQ(script_.calls.size(), 1U);
  pass(seconds(1));
  EXPECT_EQ(script_.calls.size(), 2U);
}

TEST_F(ControllerTest, SurvivesAnException) {
  script_.throws = true;
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  script_.throws = false;
  pass(milliseconds(5));
  EXPECT_EQ(script_.calls.size(), 2U);
}

TEST_F(ControllerTest, ReconcilesOwnersOfThatKindOnly) {
  const ResourceType owner_type{"test.nestor.dev", "v2", "Set", "sets"};
  start().watch_owned(set_.of<Widget>(), owner_type);
  run();
  Widget child = widget("child");
  child.metadata.ownerReferences.push_back(
      {"test.nestor.dev/v1", "Set", "mine", "u1", std::nullopt, std::nullopt});
  child.metadata.ownerReferences.push_back(
      {"other.dev/v1", "Set", "foreign", "u2", true, std::nullopt});
  client_.put(child);
  settle(io_);
  ASSERT_EQ(script_.calls.size(), 1U);
  EXPECT_EQ(script_.calls[0], (ObjectKey{"default", "mine"}));
}

TEST_F(ControllerTest, CountsWhatItDid) {
  Metrics metrics;
  set_metrics(&metrics);
  start();
  set_metrics(nullptr);
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  script_.answer = fail(Code::kUnavailable, "down");
  controller_->enqueue(kWidget);
  settle(io_);
  const Labels done{{"controller", "test"}, {"result", "done"}};
  const Labels failed{{"controller", "test"}, {"result", "failed"}};
  const std::string help = "Reconciles that ended, by result";
  EXPECT_EQ(metrics.counter("nestor_reconcile_total", help, done).value(), 1);
  EXPECT_EQ(metrics.counter("nestor_reconcile_total", help, failed).value(), 1);
  run_coroutine(io_, tasks_.close());
}

TEST_F(ControllerTest, StopsWhileKeysAreInFlightAndWaiting) {
  script_.hold = true;
  start();
  run();
  controller_->enqueue(kWidget);
  settle(io_);
  EXPECT_EQ(script_.together, 1);
  run_coroutine(io_, tasks_.close());
  EXPECT_EQ(script_.together, 0);
}

}  // namespace
}  // namespace nestor::kube
