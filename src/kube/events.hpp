#pragma once

#include <memory>
#include <string>

#include "base/task_group.hpp"
#include "kube/client.hpp"

namespace nestor::kube {

/// Writes Kubernetes Events (core/v1) in the background: never blocks a reconcile, drops the oldest
/// beyond 1,000 waiting, raises the count of an equal event instead of writing it again.
class EventRecorder {
 public:
  EventRecorder(Client& client, Clock& clock, Executor executor, std::string component);
  ~EventRecorder();

  /// `reason` is CamelCase; `message` one sentence without secrets.
  void normal(ResourceType type, const ObjectMeta& object, std::string reason, std::string message);
  void warning(ResourceType type, const ObjectMeta& object, std::string reason,
               std::string message);
  template <Resource T>
  void normal(const T& object, std::string reason, std::string message) {
    normal(T::kType, object.metadata, std::move(reason), std::move(message));
  }
  template <Resource T>
  void warning(const T& object, std::string reason, std::string message) {
    warning(T::kType, object.metadata, std::move(reason), std::move(message));
  }
  /// Writes what waits (2 s at most) and stops. Must be called before destruction.
  asio::awaitable<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::kube
