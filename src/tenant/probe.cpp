#include "tenant/probe.hpp"

#include <algorithm>

namespace nestor::tenant {

ProbeStep ProbeTracker::next(const Result<>& answer) {
  if (answer) {
    connected_ = true;
    ever_connected_ = true;
    failures_ = 0;
    retry_ = kFirstRetry;
    return {.connected = true, .rebuild = false, .wait = kPeriod};
  }
  const bool refused = answer.error().code == Code::kUnauthenticated;
  ++failures_;
  if (refused || failures_ >= kFailuresAllowed) connected_ = false;
  // A tenant that answered a moment ago keeps its usual period; a lost or new one is tried sooner.
  if (connected_) return {.connected = true, .rebuild = false, .wait = kPeriod};
  const bool starting = !ever_connected_ && failures_ < kFirstRetries;
  if (starting && answer.error().code == Code::kPermissionDenied) {
    return {.connected = false, .rebuild = false, .wait = kRightsRetry};
  }
  const Duration wait = std::min(retry_, starting ? kLongestFirstRetry : kLongestRetry);
  retry_ = std::min(retry_ * 2, kLongestRetry);
  return {.connected = false, .rebuild = refused, .wait = wait};
}

}  // namespace nestor::tenant
