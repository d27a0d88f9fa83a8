#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "kube/client.hpp"
#include "kube/controller.hpp"
#include "kube/events.hpp"
#include "kube/informer.hpp"

namespace nestor {
class ProcessRunner;
}

namespace nestor::kube {

/// What every controller of the manager shares: the management cluster's client, caches, events,
/// and the clock. Rooms add their controllers to it; the manager runs them while it leads.
/// Lifetime: outlives all controllers. Thread: event loop.
class Runtime {
 public:
  Runtime(Executor executor, Client& client, Clock& clock, ProcessRunner& processes,
          std::string component);
  ~Runtime();

  Client& client() { return client_; }
  InformerSet& informers() { return *informers_; }
  EventRecorder& events() { return *events_; }
  Clock& clock() { return clock_; }
  ProcessRunner& processes() { return processes_; }
  Executor executor() const { return executor_; }

  /// Owned by the runtime; watches may be added to it before run().
  Controller& add_controller(std::string name, Reconcile reconcile, ControllerOptions options = {});
  /// Keeps an object (a room's controller class) alive as long as the runtime.
  template <class T, class... Args>
  T& own(Args&&... args) {
    auto object = std::make_shared<T>(std::forward<Args>(args)...);
    T& ref = *object;
    owned_.push_back(std::move(object));
    return ref;
  }
  /// Runs all controllers until cancelled or close().
  void start();
  asio::awaitable<void> close();

 private:
  Executor executor_;
  Client& client_;
  Clock& clock_;
  ProcessRunner& processes_;
  std::unique_ptr<InformerSet> informers_;
  std::unique_ptr<EventRecorder> events_;
  std::vector<std::shared_ptr<void>> owned_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  TaskGroup tasks_;
};

}  // namespace nestor::kube
