#pragma once

#include <array>
#include <functional>

#include "base/signal.hpp"
#include "cli/context.hpp"
#include "cli/progress.hpp"
#include "kube/informer.hpp"

namespace nestor::cli {

/// Watches one tenant cluster's objects. Thread: event loop. close() before destruction.
class ClusterWatch {
 public:
  ClusterWatch(Context& context, kube::ObjectKey cluster);

  ClusterState state() const;
  /// Waits until `predicate` holds of the state; `changed` is called with every new state before.
  /// Errors: kDeadlineExceeded, kCancelled.
  Task<> wait_until(std::function<bool(const ClusterState&)> predicate,
                    std::function<void(const ClusterState&)> changed, Duration timeout);
  asio::awaitable<void> close();

 private:
  std::array<kube::InformerCore*, 4> informers();
  Task<> until(std::function<bool(const ClusterState&)> predicate,
               std::function<void(const ClusterState&)> changed);

  Context& context_;
  kube::ObjectKey cluster_;
  // Of the cluster's namespace.
  kube::InformerCore clusters_;
  kube::InformerCore control_planes_;
  kube::InformerCore deployments_;
  kube::InformerCore machines_;
  /// An object has changed.
  Signal changed_;
  TaskGroup tasks_;
};

/// Prints each milestone once, with the time since the printer was made.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(Clock& clock) : clock_(clock), start_(clock.steady_now()) {}
  void print(const ClusterState& state);
  void line(const std::string& text);

 private:
  Clock& clock_;
  SteadyTime start_;
  std::vector<Milestone> printed_;
};

/// Waits until `predicate` holds and prints the way there. Errors: kDeadlineExceeded: "WHAT after
/// 10m", that it goes on all the same and `then`, and what is missing.
Task<> wait_and_print(Context& context, kube::ObjectKey cluster, ProgressPrinter& printer,
                      std::function<bool(const ClusterState&)> predicate, Duration timeout,
                      std::string what, std::string then = {});

}  // namespace nestor::cli
