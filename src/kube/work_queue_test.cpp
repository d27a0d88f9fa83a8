#include "kube/work_queue.hpp"

#include <gtest/gtest.h>

#include "kube/backoff.hpp"

namespace nestor::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kNow{};
const ObjectKey kA{"ns", "a"};
const ObjectKey kB{"ns", "b"};

TEST(WorkQueue, GivesAKeyOnceHoweverOftenItWasAdded) {
  WorkQueue queue;
  queue.add(kA);
  queue.add(kB);
  queue.add(kA);
  EXPECT_EQ(queue.depth(), 2U);
  EXPECT_EQ(queue.next(kNow), kA);
  EXPECT_EQ(queue.next(kNow), kB);
  EXPECT_EQ(queue.next(kNow), std::nullopt);
}

TEST(WorkQueue, HoldsAKeyBackWhileItIsInFlightAndGivesItAgainAfterwards) {
  WorkQueue queue;
  queue.add(kA);
  ASSERT_EQ(queue.next(kNow), kA);
  queue.add(kA);
  queue.add(kA);
  EXPECT_EQ(queue.next(kNow), std::nullopt);
  queue.done(kA);
  EXPECT_EQ(queue.next(kNow), kA);
  queue.done(kA);
  EXPECT_EQ(queue.next(kNow), std::nullopt);
  EXPECT_EQ(queue.in_flight(), 0U);
}

TEST(WorkQueue, GivesDelayedKeysInOrderOfTheirTimes) {
  WorkQueue queue;
  queue.add_at(kA, kNow + seconds(2));
  queue.add_at(kB, kNow + seconds(1));
  EXPECT_EQ(queue.next_due(), kNow + seconds(1));
  EXPECT_EQ(queue.next(kNow), std::nullopt);
  EXPECT_EQ(queue.next(kNow + seconds(1)), kB);
  EXPECT_EQ(queue.next(kNow + seconds(1)), std::nullopt);
  EXPECT_EQ(queue.next(kNow + seconds(2)), kA);
  EXPECT_EQ(queue.next_due(), std::nullopt);
}

TEST(WorkQueue, KeepsTheEarliestOfSeveralDelays) {
  WorkQueue queue;
  queue.add_at(kA, kNow + seconds(5));
  queue.add_at(kA, kNow + seconds(1));
  queue.add_at(kA, kNow + seconds(9));
  EXPECT_EQ(queue.next_due(), kNow + seconds(1));
}

TEST(WorkQueue, DropsTheDelayOfAKeyThatIsTakenEarlier) {
  WorkQueue queue;
  queue.add_at(kA, kNow + seconds(60));
  queue.add(kA);
  ASSERT_EQ(queue.next(kNow), kA);
  queue.done(kA);
  EXPECT_EQ(queue.next(kNow + seconds(60)), std::nullopt);
}

TEST(WorkQueue, MarksADelayedKeyThatIsDueWhileInFlight) {
  WorkQueue queue;
  queue.add(kA);
  ASSERT_EQ(queue.next(kNow), kA);
  queue.add_at(kA, kNow + seconds(1));
  EXPECT_EQ(queue.next(kNow + seconds(2)), std::nullopt);
  queue.done(kA);
  EXPECT_EQ(queue.next(kNow + seconds(2)), kA);
}

TEST(WorkQueue, DoublesTheDelayOfAFailingKeyUpToTheLimit) {
  WorkQueue queue;
  EXPECT_EQ(queue.failed(kA), milliseconds(5));
  EXPECT_EQ(queue.failed(kA), milliseconds(10));
  EXPECT_EQ(queue.failed(kA), milliseconds(20));
  EXPECT_EQ(queue.failed(kB), milliseconds(5));
  for (int i = 0; i < 100; ++i) queue.failed(kA);
  EXPECT_EQ(queue.failed(kA), seconds(1000));
  queue.succeeded(kA);
  EXPECT_EQ(queue.failed(kA), milliseconds(5));
}

/// At most two of a namespace; those of "free" are in no group.
WorkQueue shared_queue() {
  return {[](const ObjectKey& key) { return key.ns == "free" ? std::string() : key.ns; }, 2};
}

TEST(WorkQueue, LetsOthersOvertakeAGroupThatHasItsShareInFlight) {
  WorkQueue queue = shared_queue();
  for (const char* name : {"1", "2", "3", "4"}) queue.add({"a", name});
  queue.add({"b", "1"});
  for (const char* name : {"1", "2", "3"}) queue.add({"free", name});
  std::string order;
  while (const auto key = queue.next(kNow)) order += key->to_string() + " ";
  EXPECT_EQ(order, "a/1 a/2 b/1 free/1 free/2 free/3 ");
  EXPECT_EQ(queue.depth(), 2U);
  EXPECT_EQ(queue.in_flight(), 6U);
  queue.add({"a", "3"});
  EXPECT_EQ(queue.depth(), 2U) << "it waits already";
}

TEST(WorkQueue, GivesWhatItHeldBackAsTheShareBecomesFree) {
  WorkQueue queue = shared_queue();
  for (const char* name : {"1", "2", "3", "4", "5"}) queue.add({"a", name});
  ASSERT_EQ(queue.next(kNow), (ObjectKey{"a", "1"}));
  ASSERT_EQ(queue.next(kNow), (ObjectKey{"a", "2"}));
  ASSERT_EQ(queue.next(kNow), std::nullopt);
  queue.add({"b", "1"});
  queue.add({"a", "1"});
  queue.done({"a", "1"});
  EXPECT_EQ(queue.next(kNow), (ObjectKey{"b", "1"})) << "not before those that waited longer";
  EXPECT_EQ(queue.next(kNow), (ObjectKey{"a", "3"}));
  queue.done({"a", "2"});
  queue.done({"a", "3"});
  std::string order;
  while (const auto key = queue.next(kNow)) {
    order += key->name + " ";
    queue.done(*key);
  }
  EXPECT_EQ(order, "1 4 5 ");
  EXPECT_EQ(queue.depth(), 0U);
}

TEST(WorkQueue, PassesOnThePlaceOfAKeyWhoseGroupIsForgotten) {
  bool known = true;
  WorkQueue queue([&](const ObjectKey& key) { return known ? key.ns : std::string(); }, 1);
  for (const char* name : {"1", "2", "3"}) queue.add({"a", name});
  ASSERT_EQ(queue.next(kNow), (ObjectKey{"a", "1"}));
  ASSERT_EQ(queue.next(kNow), std::nullopt);
  // Their objects are deleted.
  known = false;
  queue.done({"a", "1"});
  ASSERT_EQ(queue.next(kNow), (ObjectKey{"a", "2"}));
  EXPECT_EQ(queue.next(kNow), std::nullopt);
  queue.done({"a", "2"});
  EXPECT_EQ(queue.next(kNow), (ObjectKey{"a", "3"}));
}

TEST(Backoff, GrowsWithJitterUpToTheLimitAndStartsAgain) {
  Backoff backoff(milliseconds(200), seconds(30), 7);
  Duration full = milliseconds(200);
  for (int i = 0; i < 20; ++i) {
    const Duration delay = backoff.next();
    EXPECT_GE(delay, full / 2);
    EXPECT_LE(delay, full);
    full = std::min<Duration>(full * 2, seconds(30));
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), milliseconds(200));
}

}  // namespace
}  // namespace nestor::kube
