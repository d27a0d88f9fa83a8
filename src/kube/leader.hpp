#pragma once

#include <functional>
#include <string>

#include "kube/client.hpp"

namespace nestor::kube {

/// Lease of coordination.k8s.io/v1; times as controller-runtime's defaults.
struct LeaderOptions {
  std::string ns;
  std::string name;
  /// Unique for this process, e.g. pod name and a random part.
  std::string identity;
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
};

/// Waits until this process holds the lease, then calls `on_started` once and renews; returns with
/// kAborted when the lease is lost (the process must then exit: another may already lead), or
/// kCancelled after releasing it.
Task<> lead(Client& client, Clock& clock, LeaderOptions options, std::function<void()> on_started);

}  // namespace nestor::kube
