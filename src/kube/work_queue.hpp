#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "kube/object.hpp"

namespace nestor::kube {

/// The queue of a controller, without I/O or time of its own. A key waits once however often it is
/// added, is in flight at most once, and is queued again after its flight if it was added
/// meanwhile. Back-off of a failing key: 5 ms doubled up to 1,000 s (client-go's item exponential
/// limiter). Of the keys of one group only so many are in flight; others overtake those that wait.
class WorkQueue {
 public:
  /// The group of a key, asked when its turn comes; "" for none. One that is held back stays of
  /// that group until its flight ends.
  using GroupOf = std::function<std::string(const ObjectKey&)>;

  static constexpr Duration kFirstDelay = std::chrono::milliseconds(5);
  static constexpr Duration kMaxDelay = std::chrono::seconds(1000);

  WorkQueue() = default;
  /// At most `share` (at least one) keys of a group are in flight.
  WorkQueue(GroupOf group_of, std::size_t share) : group_of_(std::move(group_of)), share_(share) {}

  void add(const ObjectKey& key);
  /// Adds at `when`; of several times for one key the earliest counts.
  void add_at(const ObjectKey& key, SteadyTime when);
  /// Takes the next key that is ready and whose group has its share not in flight yet; it is in
  /// flight until done(). Its delayed addition is dropped, for what comes out of the flight decides
  /// anew.
  std::optional<ObjectKey> next(SteadyTime now);
  /// When the next delayed key becomes ready.
  std::optional<SteadyTime> next_due() const;
  void done(const ObjectKey& key);

  /// Counts a failure; the delay before the next try.
  Duration failed(const ObjectKey& key, Duration first_delay = kFirstDelay);
  /// Forgets the failures of a key.
  void succeeded(const ObjectKey& key);
  std::size_t failures(const ObjectKey& key) const;

  /// Keys that are ready but not in flight.
  std::size_t depth() const { return queued_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  struct Waiting {
    ObjectKey key;
    /// Of one that was held back: whatever becomes of its object, it is for that group that it goes
    /// ahead, and it passes the place on.
    std::optional<std::string> group = {};
  };
  struct Group {
    std::size_t in_flight = 0;
    /// Ready, but met a full share; each that lands sends one back to the end of the queue.
    std::deque<ObjectKey> held;
  };
  /// Whether a key may fly, which it then counts as; else it is held.
  bool admit(const ObjectKey& key, const std::string& group);
  void leave(const std::string& group);

  GroupOf group_of_;
  std::size_t share_ = 0;
  std::deque<Waiting> ready_;
  /// Ready or held.
  std::set<ObjectKey> queued_;
  /// With the group that each counts for.
  std::map<ObjectKey, std::string> in_flight_;
  std::map<std::string, Group> groups_;
  std::set<ObjectKey> dirty_;
  std::map<ObjectKey, SteadyTime> delayed_;
  std::set<std::pair<SteadyTime, ObjectKey>> due_;
  std::map<ObjectKey, std::size_t> failures_;
};

}  // namespace nestor::kube
