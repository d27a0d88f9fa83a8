#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/signal.hpp"
#include "kube/client.hpp"

namespace nestor::kube::testing {

/// "group/plural" of a type.
std::string collection_of(const ResourceType& type);

/// One change in a FakeStore's history. null `before`: an addition; null `after`: a deletion.
struct FakeChange {
  std::uint64_t version = 0;
  std::string collection;
  Json before;
  Json after;
  bool bookmark = false;
};

/// The objects and the history of a FakeClient, and the rules of writing. No I/O.
class FakeStore {
 public:
  using Objects = std::map<ObjectKey, Json>;

  explicit FakeStore(Clock* clock) : clock_(clock) {}

  const Json* find_object(const ResourceType& type, const ObjectKey& key) const;
  const Objects* objects(const ResourceType& type) const;
  Result<Json> create(const ResourceType& type, Json object, bool keep_status);
  /// Stores `object` over the present one by the rules of a write to `subresource`.
  Result<Json> write(const ResourceType& type, const ObjectKey& key, Json object,
                     const std::string& subresource, bool whole = false);
  Result<> remove(const ResourceType& type, const ObjectKey& key, const std::string& uid);
  bool erase_now(const ResourceType& type, const ObjectKey& key);

  std::uint64_t version() const { return version_; }
  /// Appends a bookmark to the history.
  void bookmark();
  void forget_history() { oldest_ = version_; }
  /// Watches from below this version are refused.
  std::uint64_t oldest() const { return oldest_; }
  const std::deque<FakeChange>& history() const { return history_; }

  bool collect_garbage = false;
  Signal changed;

 private:
  std::string now() const;
  void record(const std::string& collection, Json before, Json after);
  void collect(const std::string& dead_uid);

  Clock* clock_;
  std::map<std::string, Objects> collections_;
  std::deque<FakeChange> history_;
  std::uint64_t version_ = 1;
  std::uint64_t oldest_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace nestor::kube::testing
