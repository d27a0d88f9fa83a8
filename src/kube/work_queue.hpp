#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "base/clock.hpp"
#include "kube/object.hpp"

namespace nestor::kube {

/// The queue of a controller, without I/O or time of its own. A key waits once however often it is
/// added, is in flight at most once, and is queued again after its flight if it was added
/// meanwhile. Back-off of a failing key: 5 ms doubled up to 1,000 s (client-go's item exponential
/// limiter).
class WorkQueue {
 public:
  static constexpr Duration kFirstDelay = std::chrono::milliseconds(5);
  static constexpr Duration kMaxDelay = std::chrono::seconds(1000);

  void add(const ObjectKey& key);
  /// Adds at `when`; of several times for one key the earliest counts.
  void add_at(const ObjectKey& key, SteadyTime when);
  /// Takes the next key that is ready; it is in flight until done(). Its delayed addition is
  /// dropped, for what comes out of the flight decides anew.
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
  std::size_t depth() const { return ready_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  std::deque<ObjectKey> ready_;
  std::set<ObjectKey> queued_;
  std::set<ObjectKey> in_flight_;
  std::set<ObjectKey> dirty_;
  std::map<ObjectKey, SteadyTime> delayed_;
  std::set<std::pair<SteadyTime, ObjectKey>> due_;
  std::map<ObjectKey, std::size_t> failures_;
};

}  // namespace nestor::kube
