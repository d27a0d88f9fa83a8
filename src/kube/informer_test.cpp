#include "kube/informer.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/metadata.hpp"
#include "kube/testing/fake_client.hpp"
#include "kube/testing/widget.hpp"

namespace nestor::kube {
namespace {

using std::chrono::seconds;
using testing::FakeClient;
using testing::widget;
using testing::Widget;

class InformerTest : public ::testing::Test {
 protected:
  ~InformerTest() override { run_coroutine(io_, set_.close()); }

  void run() { settle(io_); }
  static std::shared_ptr<CacheBudget> limit(std::size_t bytes) {
    auto out = std::make_shared<CacheBudget>();
    out->limit = bytes;
    return out;
  }
  /// That takes 8 to 9 KiB in a cache.
  static Widget large(const std::string& name, const std::string& ns = "default") {
    Widget out = widget(name, "red", ns);
    out.metadata.annotations["x"] = std::string(7'000, 'x');
    return out;
  }
  /// Lets a back-off pass.
  void wait() {
    clock_.advance(seconds(31));
    settle(io_);
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  FakeClient client_;
  InformerSet set_{client_, clock_, io_.get_executor()};
};

TEST_F(InformerTest, ListsThenFollowsChanges) {
  client_.put(widget("a"));
  auto informer = set_.of<Widget>();
  EXPECT_FALSE(informer.synced());
  run();
  EXPECT_TRUE(informer.synced());
  ASSERT_NE(informer.get({"default", "a"}), nullptr);

  const auto before = informer.get({"default", "a"});
  client_.put(widget("a", "blue"));
  client_.put(widget("b"));
  run();
  EXPECT_EQ(before->spec.color, "red");
  EXPECT_EQ(informer.get({"default", "a"})->spec.color, "blue");
  EXPECT_EQ(informer.list().size(), 2U);
  client_.erase(Widget::kType, {"default", "a"});
  run();
  EXPECT_EQ(informer.get({"default", "a"}), nullptr);
  EXPECT_EQ(client_.count("list"), 1U);
}

TEST_F(InformerTest, ListsOneNamespaceOrAllInOrder) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"a", "z"}, {"b", "x"}, {"b", "y"}, {"b-c", "w"}, {"c", "v"}};
  for (const auto& [ns, name] : all) client_.put(widget(name, "red", ns));
  const auto informer = set_.of<Widget>();
  run();
  const auto names = [&](std::string_view ns) {
    std::string out;
    for (const auto& one : informer.list(ns)) out += one->metadata.name;
    return out;
  };
  EXPECT_EQ(names(""), "zxywv");
  EXPECT_EQ(names("a"), "z");
  EXPECT_EQ(names("b"), "xy");
  EXPECT_EQ(names("c"), "v");
  EXPECT_EQ(names("aa"), "");
  EXPECT_EQ(names("d"), "");
}

TEST_F(InformerTest, ResumesABrokenWatchWhereItWasWithoutListing) {
  auto informer = set_.of<Widget>();
  run();
  client_.put(widget("a"));
  run();
  client_.break_watches();
  run();
  EXPECT_EQ(client_.open_watches(), 0U);
  client_.put(widget("b"));
  client_.erase(Widget::kType, {"default", "a"});
  wait();
  EXPECT_NE(informer.get({"default", "b"}), nullptr);
  EXPECT_EQ(informer.get({"default", "a"}), nullptr);
  EXPECT_EQ(client_.count("list"), 1U);
  EXPECT_EQ(client_.count("watch"), 2U);
}

TEST_F(InformerTest, ForgetsTheCopyThatKubectlLeaves) {
  Widget object = widget("a");
  object.metadata.annotations = {{"kubectl.kubernetes.io/last-applied-configuration", "{...}"},
                                 {"other", "x"}};
  client_.put(object);
  auto informer = set_.of<Widget>();
  run();
  EXPECT_EQ(informer.get({"default", "a"})->metadata.annotations,
            (std::map<std::string, std::string>{{"other", "x"}}));
}

constexpr ResourceType kWidgets = Widget::kType;

TEST_F(InformerTest, KeepsTheMetadataAloneWhereThatIsAskedFor) {
  client_.put(widget("a"));
  auto informer = set_.of<MetadataOf<kWidgets>>();
  bool whole = false;
  Scope scope;
  scope.metadata_only = true;
  // The same request read as a Widget shows what came over the wire.
  set_.of<Widget>(scope).subscribe(
      [&](const auto&, const auto& now) { whole = whole || !now->spec.color.empty(); });
  run();
  client_.put(widget("b"));
  run();
  ASSERT_NE(informer.get({"default", "a"}), nullptr);
  ASSERT_NE(informer.get({"default", "b"}), nullptr);
  EXPECT_FALSE(informer.get({"default", "b"})->metadata.uid.empty());
  EXPECT_FALSE(whole);
}

TEST_F(InformerTest, ListsAgainWhenTheHistoryIsGoneAndTellsOfDeletions) {
  client_.put(widget("a"));
  client_.put(widget("b"));
  auto informer = set_.of<Widget>();
  std::vector<std::string> log;
  informer.subscribe([&](const auto& old, const auto& now) {
    log.push_back((now ? "+" : "-") + (now ? now : old)->metadata.name);
  });
  run();
  client_.break_watches();
  run();
  client_.erase(Widget::kType, {"default", "a"});
  client_.put(widget("c"));
  client_.forget_history();
  wait();
  wait();
  EXPECT_EQ(client_.count("list"), 2U);
  EXPECT_EQ(informer.get({"default", "a"}), nullptr);
  EXPECT_EQ(log, (std::vector<std::string>{"+a", "+b", "+b", "+c", "-a"}));
}

TEST_F(InformerTest, ABookmarkMovesTheResumePointPastForgottenHistory) {
  set_.of<Widget>();
  run();
  // Changes of another kind raise the version of the server, not what this watch saw.
  const ResourceType other{"", "v1", "Other", "others"};
  client_.put(other, to_object(widget("x")));
  client_.send_bookmarks();
  run();
  client_.break_watches();
  run();
  client_.forget_history();
  wait();
  EXPECT_EQ(client_.count("list"), 1U);
  EXPECT_EQ(client_.open_watches(), 1U);
}

TEST_F(InformerTest, KeepsTryingUntilTheServerAnswers) {
  client_.put(widget("a"));
  client_.fail_next("list", {Code::kUnavailable, "refused", {}}, 3);
  auto informer = set_.of<Widget>();
  run();
  EXPECT_FALSE(informer.synced());
  for (int i = 0; i < 3; ++i) wait();
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(client_.count("list"), 4U);
}

TEST_F(InformerTest, KeepsNoMoreThanItsSetMay) {
  InformerSet limited(client_, clock_, io_.get_executor(), limit(13'000));
  auto informer = limited.of<Widget>();
  Widget first = large("first");
  client_.put(first);
  run();
  ASSERT_TRUE(informer.synced());
  // Growth is no addition.
  for (const char* color : {"a", "b", "c"}) {
    first.spec.color = color;
    client_.put(first);
  }
  run();
  EXPECT_EQ(informer.get({"default", "first"})->spec.color, "c");
  EXPECT_EQ(client_.open_watches(), 1U);

  client_.put(large("second"));
  run();
  EXPECT_EQ(client_.open_watches(), 0U);
  EXPECT_EQ(informer.list().size(), 1U);
  EXPECT_EQ(limited.check_size().error().code, Code::kResourceExhausted);
  wait();
  EXPECT_EQ(client_.count("list"), 1U);
  wait();
  EXPECT_EQ(client_.count("list"), 2U);
  EXPECT_EQ(limited.check_size().error().code, Code::kResourceExhausted);
  EXPECT_TRUE(informer.synced());

  // A failure of another kind does not mean that there is room.
  client_.fail_next("list", {Code::kUnavailable, "refused", {}});
  wait();
  wait();
  EXPECT_EQ(client_.count("list"), 3U);
  EXPECT_EQ(limited.check_size().error().code, Code::kResourceExhausted);

  client_.erase(Widget::kType, {"default", "first"});
  wait();
  wait();
  EXPECT_TRUE(limited.check_size());
  EXPECT_EQ(informer.list().size(), 1U);
  EXPECT_EQ(client_.open_watches(), 1U);
  run_coroutine(io_, limited.close());
}

TEST_F(InformerTest, CountsMemoryAndNotText) {
  Widget labelled = widget("labelled");
  for (int i = 0; i < 100'000; ++i) labelled.metadata.labels[std::to_string(i)] = "";
  client_.put(labelled);
  const auto budget = limit(4UL << 20U);
  InformerSet limited(client_, clock_, io_.get_executor(), budget);
  auto informer = limited.of<Widget>();
  run();
  EXPECT_FALSE(informer.synced());
  EXPECT_FALSE(limited.check_size());
  EXPECT_EQ(budget->used, 0U);
  run_coroutine(io_, limited.close());
}

TEST_F(InformerTest, TheCachesOfASetShareWhatItMayKeep) {
  client_.put(large("a"));
  InformerSet limited(client_, clock_, io_.get_executor(), limit(13'000));
  Scope scope;
  scope.ns = "default";
  auto first = limited.borrow<Widget>(Widget::kType);
  run();
  auto second = limited.of<Widget>(scope);
  run();
  EXPECT_TRUE(first->synced());
  EXPECT_FALSE(second.synced());
  EXPECT_FALSE(limited.check_size());
  // What one cache gave back, another may take.
  first.reset();
  run();
  wait();
  wait();
  EXPECT_TRUE(second.synced());
  EXPECT_TRUE(limited.check_size());
  run_coroutine(io_, limited.close());
}

TEST_F(InformerTest, CachesThatFitStayWhenAllAreListedAgainAtTheSameTime) {
  client_.limit_pages(1);
  for (const char* ns : {"a", "b"}) {
    for (const char* name : {"1", "2", "3"}) client_.put(large(name, ns));
  }
  const auto budget = limit(80'000);
  InformerSet limited(client_, clock_, io_.get_executor(), budget);
  Informer<Widget> a = limited.of<Widget>({.ns = "a"});
  Informer<Widget> b = limited.of<Widget>({.ns = "b"});
  run();
  ASSERT_EQ(a.list().size() + b.list().size(), 6U);
  const std::size_t before = budget->used;
  EXPECT_GT(before, 6 * 8'000U);
  EXPECT_LT(before, 6 * 9'000U);
  // Both hold what they had while they read what is to replace it: together more than the limit.
  client_.break_watches();
  run();
  client_.put(large("4", "a"));
  client_.put(large("4", "b"));
  client_.forget_history();
  wait();
  wait();
  EXPECT_EQ(a.list().size() + b.list().size(), 8U);
  EXPECT_TRUE(limited.check_size());
  EXPECT_GT(budget->used, before);
  EXPECT_EQ(budget->used, before / 6 * 8);
  run_coroutine(io_, limited.close());
}

TEST_F(InformerTest, AListThatExpiresInTheMiddleIsBegunAnew) {
  client_.limit_pages(1);
  for (const char* name : {"1", "2", "3"}) client_.put(large(name));
  const auto budget = limit(30'000);
  InformerSet limited(client_, clock_, io_.get_executor(), budget);
  auto informer = limited.of<Widget>();
  client_.on_call([&](const testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb == "list" && client_.count("list") == 2) client_.forget_history();
    return std::nullopt;
  });
  run();
  EXPECT_EQ(client_.count("list"), 2U);
  EXPECT_FALSE(informer.synced());
  EXPECT_EQ(budget->used, 0U);
  wait();
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(informer.list().size(), 3U);
  EXPECT_EQ(client_.count("list"), 5U);
  run_coroutine(io_, limited.close());
}

TEST_F(InformerTest, SkipsWhatItCannotReadAndKeepsTheRest) {
  Json bad = to_object(widget("bad"));
  bad.as_object()["spec"] = "no object";
  client_.put(Widget::kType, bad);
  client_.put(widget("good"));
  auto informer = set_.of<Widget>();
  run();
  EXPECT_TRUE(informer.synced());
  ASSERT_EQ(informer.list().size(), 1U);
  // A readable object that turns unreadable stays as it was last understood.
  Json worse = to_object(widget("good"));
  worse.as_object()["spec"] = 5;
  client_.put(Widget::kType, worse);
  run();
  EXPECT_EQ(informer.list().size(), 1U);
}

TEST_F(InformerTest, IndexesFollowChanges) {
  client_.put(widget("a"));
  auto informer = set_.of<Widget>();
  run();
  informer.add_index("color", [](const Widget& w) { return std::vector{w.spec.color}; });
  client_.put(widget("b"));
  run();
  EXPECT_EQ(informer.by_index("color", "red").size(), 2U);
  client_.put(widget("a", "blue"));
  client_.erase(Widget::kType, {"default", "b"});
  run();
  EXPECT_TRUE(informer.by_index("color", "red").empty());
  ASSERT_EQ(informer.by_index("color", "blue").size(), 1U);
  EXPECT_EQ(informer.by_index("color", "blue")[0]->metadata.name, "a");
  EXPECT_TRUE(informer.by_index("unknown", "blue").empty());
}

TEST_F(InformerTest, SharesOneWatchForOneScope) {
  set_.of<Widget>();
  set_.of<Widget>();
  Scope scope;
  scope.ns = "other";
  auto narrow = set_.of<Widget>(scope);
  client_.put(widget("a"));
  client_.put(widget("b", "red", "other"));
  run();
  EXPECT_EQ(client_.open_watches(), 2U);
  EXPECT_EQ(narrow.list().size(), 1U);
}

TEST_F(InformerTest, AnObjectThatLeavesTheSelectorIsGone) {
  Scope scope;
  scope.label_selector = "keep=yes";
  auto informer = set_.of<Widget>(scope);
  Widget a = widget("a");
  a.metadata.labels["keep"] = "yes";
  client_.put(a);
  run();
  EXPECT_EQ(informer.list().size(), 1U);
  client_.put(widget("a"));
  run();
  EXPECT_TRUE(informer.list().empty());
}

TEST_F(InformerTest, WaitsUntilAPredicateHoldsOrTimeIsUp) {
  auto informer = set_.of<Widget>();
  run();
  std::optional<Result<>> seen;
  std::optional<Result<>> late;
  const auto wait_for = [&](std::string name, std::optional<Result<>>& out) -> Task<> {
    std::function<bool()> there = [informer, key = ObjectKey{"default", std::move(name)}] {
      return informer.get(key) != nullptr;
    };
    return [](Informer<Widget> in, std::function<bool()> is, auto* result) -> Task<> {
      *result = co_await in.wait_until(std::move(is), seconds(5));
      co_return Result<>();
    }(informer, std::move(there), &out);
  };
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("seen", wait_for("a", seen));
  tasks.spawn("late", wait_for("never", late));
  run();
  EXPECT_FALSE(seen.has_value());
  client_.put(widget("a"));
  run();
  ASSERT_TRUE(seen.has_value());
  EXPECT_TRUE(seen->has_value());
  clock_.advance(seconds(5));
  run();
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(tasks.size(), 0U);
  run_coroutine(io_, tasks.close());
}

TEST_F(InformerTest, AWaiterIsCancelledWithItsGroup) {
  client_.fail_next("list", {Code::kUnavailable, "refused", {}}, 1);
  auto informer = set_.of<Widget>();
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("synced", informer.wait_synced());
  std::function<bool()> never = [] { return false; };
  tasks.spawn("until", informer.wait_until(std::move(never), seconds(5)));
  run();
  EXPECT_EQ(tasks.size(), 2U);
  run_coroutine(io_, tasks.close());
  EXPECT_EQ(tasks.size(), 0U);
}

TEST_F(InformerTest, ABorrowedCacheEndsWithItsLastHolder) {
  client_.put(widget("a", "red"));
  client_.put(widget("b", "blue"));
  Scope named_a;
  named_a.field_selector = "metadata.name=a";
  auto first = set_.borrow<Widget>(Widget::kType, named_a);
  auto second = set_.borrow<Widget>(Widget::kType, named_a);
  run();
  EXPECT_EQ(first, second);
  EXPECT_EQ(client_.open_watches(), 1U);
  EXPECT_EQ(Informer<Widget>(*first).list().size(), 1U);
  first.reset();
  run();
  client_.put(widget("a", "green"));
  run();
  EXPECT_EQ(Informer<Widget>(*second).get({"default", "a"})->spec.color, "green");
  second.reset();
  run();
  EXPECT_EQ(client_.open_watches(), 0U);
  // The next holder gets a fresh one.
  auto third = set_.borrow<Widget>(Widget::kType, named_a);
  EXPECT_FALSE(third->synced());
  run();
  EXPECT_EQ(client_.count("list"), 2U);
}

TEST_F(InformerTest, ABorrowedCacheMayBeLetGoBeforeItBegan) {
  set_.borrow<Widget>(Widget::kType).reset();
  run();
  EXPECT_EQ(client_.open_watches(), 0U);
}

}  // namespace
}  // namespace nestor::kube
