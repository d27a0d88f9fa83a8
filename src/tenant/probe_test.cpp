#include "tenant/probe.hpp"

#include <gtest/gtest.h>

namespace nestor::tenant {
namespace {

Result<> failed(Code code) { return fail(code, "no"); }

TEST(ProbeTracker, OneSuccessConnectsAndProbesEveryTenSeconds) {
  ProbeTracker tracker;
  const ProbeStep step = tracker.next({});
  EXPECT_TRUE(step.connected);
  EXPECT_EQ(step.wait, std::chrono::seconds(10));
}

TEST(ProbeTracker, FiveFailuresInARowDisconnect) {
  ProbeTracker tracker;
  tracker.next({});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(tracker.next(failed(Code::kUnavailable)).connected);
  const ProbeStep step = tracker.next(failed(Code::kUnavailable));
  EXPECT_FALSE(step.connected);
  EXPECT_FALSE(step.rebuild);
}

TEST(ProbeTracker, ASuccessResetsTheCount) {
  ProbeTracker tracker;
  tracker.next({});
  for (int i = 0; i < 4; ++i) tracker.next(failed(Code::kUnavailable));
  tracker.next({});
  EXPECT_TRUE(tracker.next(failed(Code::kUnavailable)).connected);
}

TEST(ProbeTracker, RefusedCredentialsDisconnectAtOnceAndRebuild) {
  ProbeTracker tracker;
  tracker.next({});
  const ProbeStep step = tracker.next(failed(Code::kUnauthenticated));
  EXPECT_FALSE(step.connected);
  EXPECT_TRUE(step.rebuild);
}

TEST(ProbeTracker, ANewTenantWhoseRightsComeIsTriedAtOnce) {
  ProbeTracker tracker;
  for (int i = 0; i < 5; ++i) tracker.next(failed(Code::kUnavailable));
  EXPECT_EQ(tracker.next(failed(Code::kPermissionDenied)).wait, std::chrono::milliseconds(200));
  for (int i = 0; i < 60; ++i) tracker.next(failed(Code::kPermissionDenied));
  EXPECT_EQ(tracker.next(failed(Code::kPermissionDenied)).wait, std::chrono::seconds(10));
}

TEST(ProbeTracker, ANewTenantIsTriedSoonAndThenLessOften) {
  ProbeTracker tracker;
  EXPECT_EQ(tracker.next(failed(Code::kUnavailable)).wait, std::chrono::milliseconds(500));
  EXPECT_EQ(tracker.next(failed(Code::kUnavailable)).wait, std::chrono::seconds(1));
  for (int i = 0; i < 10; ++i) tracker.next(failed(Code::kUnavailable));
  EXPECT_EQ(tracker.next(failed(Code::kUnavailable)).wait, std::chrono::seconds(2));
  for (int i = 0; i < 60; ++i) tracker.next(failed(Code::kUnavailable));
  EXPECT_EQ(tracker.next(failed(Code::kUnavailable)).wait, std::chrono::seconds(10));
}

}  // namespace
}  // namespace nestor::tenant
