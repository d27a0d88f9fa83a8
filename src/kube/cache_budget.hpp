#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "base/result.hpp"

/// Inner part of kube/informer.hpp.
namespace nestor::kube {

class CacheShare;

/// What the caches of one API server may hold together, measured in bytes of the JSON that they
/// were read from.
struct CacheBudget {
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  std::size_t limit = kNoLimit;
  std::size_t used = 0;
  /// Caches that could not be filled, and why.
  std::map<const CacheShare*, Error> failed = {};
};

/// One cache's part of a budget, given back at its end. Thread: event loop.
class CacheShare {
 public:
  explicit CacheShare(std::shared_ptr<CacheBudget> budget) : budget_(std::move(budget)) {}
  ~CacheShare() {
    set(0);
    budget_->failed.erase(this);
  }
  CacheShare(const CacheShare&) = delete;
  CacheShare& operator=(const CacheShare&) = delete;

  std::size_t bytes() const { return bytes_; }
  void set(std::size_t bytes) {
    budget_->used += bytes - bytes_;
    bytes_ = bytes;
  }
  /// Whether all caches together are within the budget.
  Result<> check() const {
    if (budget_->used <= budget_->limit) return {};
    return fail(Code::kResourceExhausted, "the API server's objects are larger than the " +
                                              std::to_string(budget_->limit >> 20) +
                                              " MiB that are kept of them");
  }
  /// How the last list went.
  void report(const Result<>& listed) {
    budget_->failed.erase(this);
    // With a time to wait the server was busy, and the list not too large.
    if (listed || listed.error().code != Code::kResourceExhausted) return;
    if (!listed.error().retry_after) budget_->failed.emplace(this, listed.error());
  }

 private:
  std::shared_ptr<CacheBudget> budget_;
  std::size_t bytes_ = 0;
};

}  // namespace nestor::kube
