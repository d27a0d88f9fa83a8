#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"

/// How much memory others may make us hold. Bytes, counted and not allocated. Thread: event loop.
namespace nestor {

/// Memory that several budgets share.
struct CommonMemory {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  /// Up to so much of a budget finds room beyond three quarters of `limit`.
  std::size_t assured = 0;
  std::size_t used = 0;
  /// How many share it.
  std::size_t budgets = 0;

  /// `assured`, or less when there are so many budgets that the last quarter would not hold it for
  /// each.
  std::size_t assured_each() const {
    return std::min(assured, limit / 4 / std::max<std::size_t>(budgets, 1));
  }
};

/// The memory of one that we do not trust.
struct MemoryBudget {
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  explicit MemoryBudget(std::size_t limit_in = kNoLimit,
                        std::shared_ptr<CommonMemory> common_in = {})
      : limit(limit_in), common(std::move(common_in)) {
    if (common) ++common->budgets;
  }
  ~MemoryBudget() {
    if (common) --common->budgets;
  }
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  std::size_t limit;
  /// May be null.
  const std::shared_ptr<CommonMemory> common;
  std::size_t used = 0;

  /// Whether `more` bytes would fit. Errors: kResourceExhausted.
  Result<> check(std::size_t more) const {
    const std::size_t then = used + more;
    if (then > limit) {
      return fail(Code::kResourceExhausted, "the API server's objects take more than the " +
                                                std::to_string(limit >> 20) +
                                                " MiB of memory that there are for them");
    }
    if (!common) return {};
    const std::size_t kept = then > common->assured_each() ? common->limit / 4 : 0;
    if (common->used + more <= common->limit - kept) return {};
    return fail(Code::kResourceExhausted,
                "the manager has no more memory for the API server's objects");
  }
  /// Counts a part of `used` that grew or shrank.
  void change(std::size_t from, std::size_t to) {
    used += to - from;
    if (common) common->used += to - from;
  }
};

/// What is held of an answer while it is read, given back at its end.
class MemoryCharge {
 public:
  /// Bytes that are not counted: what is small is never refused.
  static constexpr std::size_t kFree = 64UL * 1024;

  /// `budget` null: nothing is counted.
  explicit MemoryCharge(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
  ~MemoryCharge() {
    if (budget_) budget_->change(counted_, 0);
  }
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;

  /// Holds `bytes` from now on. Errors: kResourceExhausted; it holds what it held.
  Result<> set(std::size_t bytes) {
    const std::size_t counted = bytes - std::min(bytes, kFree);
    if (!budget_ || counted == counted_) return {};
    if (counted > counted_) NESTOR_TRY_VOID(budget_->check(counted - counted_));
    budget_->change(counted_, counted);
    counted_ = counted;
    return {};
  }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::size_t counted_ = 0;
};

}  // namespace nestor
