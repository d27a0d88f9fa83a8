#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "kube/leader.hpp"

namespace nestor::kube {

/// RFC 3339 with microseconds, as Kubernetes writes `metav1.MicroTime`.
std::string format_micro_time(WallTime time);

/// The rules of a Lease, without I/O. A foreign holder is dead when its record did not change for
/// the lease duration by our own monotonic clock: the wall clocks of two machines may differ.
class LeaseKeeper {
 public:
  explicit LeaseKeeper(LeaderOptions options) : options_(std::move(options)) {}

  /// The Lease to create when there is none.
  Json first(WallTime now) const;
  /// What to write over `current` to take or renew it (with its resourceVersion), or nothing while
  /// another holds it.
  std::optional<Json> next(const Json& current, WallTime now, SteadyTime steady_now);
  /// `lease` was written and is ours.
  void held(const Json& lease);
  /// What to write to give it up.
  Json released(WallTime now) const;

  const std::string& holder() const { return holder_; }
  /// Whether the last look saw another holder although it was ours before.
  bool taken_by_other() const { return lost_; }

 private:
  LeaderOptions options_;
  std::string holder_;
  /// holder and renewTime as last seen, and since when.
  std::string record_;
  SteadyTime seen_{};
  Json mine_;
  bool ours_ = false;
  bool lost_ = false;
};

}  // namespace nestor::kube
