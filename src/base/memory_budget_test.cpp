#include "base/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nestor {
namespace {

constexpr std::size_t kMiB = 1UL << 20;

/// Grows by a MiB at a time, up to `most`.
std::size_t fill(MemoryBudget& budget, std::size_t most) {
  while (budget.used < most && budget.check(kMiB)) budget.change(0, kMiB);
  return budget.used;
}

struct CommonMemoryTest : ::testing::Test {
  MemoryBudget& add() {
    budgets.push_back(std::make_unique<MemoryBudget>(256 * kMiB, common));
    return *budgets.back();
  }

  std::shared_ptr<CommonMemory> common =
      std::make_shared<CommonMemory>(CommonMemory{.limit = 640 * kMiB, .assured = 16 * kMiB});
  std::vector<std::unique_ptr<MemoryBudget>> budgets;
};

TEST_F(CommonMemoryTest, ManyTogetherNeverTakeMoreThanThereIs) {
  for (int i = 0; i < 100; ++i) fill(add(), 15 * kMiB);
  EXPECT_LE(common->used, common->limit);
  for (auto& budget : budgets) fill(*budget, 15 * kMiB);
  EXPECT_LE(common->used, common->limit);
  EXPECT_GT(common->used, common->limit / 2);
}

TEST_F(CommonMemoryTest, WhoTakesMuchLeavesTheOthersTheirPlace) {
  EXPECT_EQ(fill(add(), 1000 * kMiB), 256 * kMiB);
  EXPECT_EQ(fill(add(), 1000 * kMiB), 224 * kMiB);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(fill(add(), 1000 * kMiB), 16 * kMiB);
  EXPECT_EQ(common->assured_each(), 16 * kMiB);
  EXPECT_EQ(common->used, 608 * kMiB);
  for (int i = 0; i < 30; ++i) add();
  EXPECT_EQ(common->assured_each(), 4 * kMiB);
  budgets.clear();
  EXPECT_EQ(common->assured_each(), 16 * kMiB);
}

TEST(MemoryCharge, CountsWhatIsLargeUntilItsEnd) {
  const auto budget = std::make_shared<MemoryBudget>(kMiB);
  {
    MemoryCharge charge(budget);
    EXPECT_TRUE(charge.set(MemoryCharge::kFree));
    EXPECT_EQ(budget->used, 0U);
    EXPECT_TRUE(charge.set(kMiB));
    EXPECT_EQ(budget->used, kMiB - MemoryCharge::kFree);
    MemoryCharge other(budget);
    EXPECT_EQ(other.set(kMiB).error().code, Code::kResourceExhausted);
    EXPECT_TRUE(other.set(MemoryCharge::kFree));
    EXPECT_TRUE(charge.set(0));
    EXPECT_EQ(budget->used, 0U);
    EXPECT_TRUE(other.set(kMiB));
  }
  EXPECT_EQ(budget->used, 0U);
  EXPECT_TRUE(MemoryCharge(nullptr).set(100 * kMiB));
}

}  // namespace
}  // namespace nestor
