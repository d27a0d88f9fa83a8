#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/metrics.hpp"

namespace nestor::kube {

/// Where controllers that are made from now on count what they do; nullptr: nowhere (the default).
/// The registry must outlive them. A setting of the process, as the log is; call it before the
/// first controller.
void set_metrics(Metrics* metrics);
/// What was set, or nullptr.
Metrics* metrics();

/// What one controller counts: nestor_reconcile_total{controller,result},
/// nestor_reconcile_seconds{controller}, nestor_queue_depth{controller}.
class ControllerMetrics {
 public:
  explicit ControllerMetrics(const std::string& controller);
  ~ControllerMetrics();

  enum class Outcome { kDone, kRequeued, kFailed };
  void reconciled(Outcome outcome, std::chrono::steady_clock::duration took);
  void depth(std::size_t keys);

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace nestor::kube
