#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include "base/memory_budget.hpp"

namespace nestor::kube {

class CacheShare;

/// How much memory the caches of one API server may take together.
struct CacheBudget : MemoryBudget {
  using MemoryBudget::MemoryBudget;

  /// Caches that could not be filled, and why.
  std::map<const CacheShare*, Error> failed = {};
};

/// Inner part of kube/informer.hpp: what one cache takes of a budget, given back at its end. That
/// is the larger of what it holds and what it has read to replace that: otherwise caches that fit
/// would be refused when all are read again, as after a restart of their API server.
class CacheShare {
 public:
  /// A `minor` cache is none of those whose failures the budget tells of.
  explicit CacheShare(std::shared_ptr<CacheBudget> budget, bool minor = false)
      : budget_(std::move(budget)), minor_(minor) {}
  ~CacheShare() {
    set(0);
    end_read();
    budget_->failed.erase(this);
  }
  CacheShare(const CacheShare&) = delete;
  CacheShare& operator=(const CacheShare&) = delete;

  bool minor() const { return minor_; }
  /// Of the objects that are cached.
  std::size_t bytes() const { return bytes_; }
  void set(std::size_t bytes) { take(bytes, read_); }
  /// Whether there is room for a growth.
  Result<> check(std::size_t more) const { return budget_->check(more); }

  /// Takes room for a part of a list that is to replace what is cached.
  Result<> read(std::size_t more) {
    if (read_ + more > bytes_) {
      NESTOR_TRY_VOID(budget_->check(read_ + more - std::max(bytes_, read_)));
    }
    take(bytes_, read_ + more);
    return {};
  }
  /// The list is no more, or to be counted as cached.
  void end_read() { take(bytes_, 0); }

  /// How filling the cache went. One that was too large stays so until a list fits.
  void report(const Result<>& filled) {
    if (filled) {
      budget_->failed.erase(this);
    } else if (!minor_ && filled.error().code == Code::kResourceExhausted &&
               // With a time to wait the server was busy, and the list not too large.
               !filled.error().retry_after) {
      budget_->failed.insert_or_assign(this, filled.error());
    }
  }

 private:
  void take(std::size_t bytes, std::size_t read) {
    budget_->change(std::max(bytes_, read_), std::max(bytes, read));
    bytes_ = bytes;
    read_ = read;
  }

  std::shared_ptr<CacheBudget> budget_;
  const bool minor_;
  std::size_t bytes_ = 0;
  std::size_t read_ = 0;
};

}  // namespace nestor::kube
