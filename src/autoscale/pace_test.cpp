#include "autoscale/pace.hpp"

#include <gtest/gtest.h>

namespace nestor::autoscale {
namespace {

const SteadyTime kStart{std::chrono::hours(1)};

TEST(Pace, NothingIsDueUntilSomethingHappens) {
  Pace pace;
  EXPECT_EQ(pace.due(), std::nullopt);
  pace.urgent(kStart);
  EXPECT_EQ(pace.due(), kStart + Pace::kBatch);
  // Those that follow do not put it off.
  pace.urgent(kStart + Duration(200));
  EXPECT_EQ(pace.due(), kStart + Pace::kBatch);
  pace.decided(kStart + Pace::kBatch);
  EXPECT_EQ(pace.due(), std::nullopt);
}

TEST(Pace, WhatCanWaitWaitsForItsTurn) {
  Pace pace;
  pace.decided(kStart);
  pace.relaxed(kStart + std::chrono::seconds(1));
  EXPECT_EQ(pace.due(), kStart + Pace::kRelaxed);
  pace.urgent(kStart + std::chrono::seconds(2));
  EXPECT_EQ(pace.due(), kStart + std::chrono::seconds(2) + Pace::kBatch);
}

TEST(Pace, ATimeIsKept) {
  Pace pace;
  pace.wake_at(kStart + std::chrono::minutes(10));
  EXPECT_EQ(pace.due(), kStart + std::chrono::minutes(10));
  pace.relaxed(kStart + std::chrono::minutes(1));
  EXPECT_LT(pace.due(), kStart + std::chrono::minutes(2));
}

TEST(Pace, LongDecisionsAreRare) {
  Pace pace;
  pace.decided(kStart);
  pace.took(kStart + std::chrono::seconds(2), std::chrono::seconds(2));
  pace.urgent(kStart + std::chrono::seconds(2));
  EXPECT_EQ(pace.due(), kStart + std::chrono::seconds(20));
}

}  // namespace
}  // namespace nestor::autoscale
