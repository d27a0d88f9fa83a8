#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task_group.hpp"
#include "kube/informer.hpp"

namespace nestor::kube {

/// What a reconcile asks for. Default: nothing until the next change.
struct ReconcileResult {
  std::optional<Duration> requeue_after = {};
  /// After `delay` at the latest, if there is one.
  void look_again(std::optional<Duration> delay) { keep_least(requeue_after, delay); }
};

/// Brings one object to its wanted state. Level-triggered: it sees a key, reads caches, and must do
/// the right thing however often and in whatever state it is called. The object may be gone.
using Reconcile = std::function<Task<ReconcileResult>(ObjectKey)>;

struct ControllerOptions {
  /// Keys in flight at the same time; one key is never in flight twice.
  int concurrency = 10;
  /// The group of a key, such as the tenant whose API server its reconcile calls; "" for none. At
  /// most a quarter of `concurrency` is for one group, so that one that is slow leaves the others
  /// theirs. Without: no groups.
  std::function<std::string(const ObjectKey&)> group = {};
};

/// Feeds a Reconcile from watches through a de-duplicating queue. A failed key is tried again with
/// exponential back-off (5 ms to 16 min as client-go; kAborted at once, once); an Error with
/// code kInvalidArgument or kFailedPrecondition is retried slowly too, since its cause may go away.
/// Metrics: nestor_reconcile_total{controller,result}, _seconds, queue depth. Thread: event loop.
class Controller {
 public:
  Controller(std::string name, Clock& clock, Executor executor, Reconcile reconcile,
             ControllerOptions options = {});
  ~Controller();

  /// Reconciles each object of the informer.
  void watch(InformerCore& informer);
  template <Resource T>
  void watch(Informer<T> informer) {
    watch(informer.core());
  }
  /// Reconciles the owner (any owner reference of that group and kind) of each object.
  template <Resource T>
  void watch_owned(Informer<T> informer, ResourceType owner) {
    watch_mapped<T>(informer, [owner](const T& object) { return owners(object.metadata, owner); });
  }
  /// Reconciles the keys that `map` gives for an object, before and after its change.
  template <Resource T>
  void watch_mapped(Informer<T> informer, std::function<std::vector<ObjectKey>(const T&)> map) {
    require_synced(informer.core());
    informer.subscribe([this, map](const auto& old, const auto& now) {
      if (old) {
        for (const ObjectKey& key : map(*old)) enqueue(key);
      }
      if (now) {
        for (const ObjectKey& key : map(*now)) enqueue(key);
      }
    });
  }
  /// Puts a key in the queue.
  void enqueue(ObjectKey key);
  /// Puts a key in the queue after `delay`. Further calls until then add nothing: a pace for
  /// changes that come from outside and may be many.
  void enqueue_after(ObjectKey key, Duration delay);
  /// Starts workers once all watched caches are synced; until cancelled.
  Task<> run();
  const std::string& name() const;

 private:
  static std::vector<ObjectKey> owners(const ObjectMeta& metadata, const ResourceType& owner);
  void require_synced(InformerCore& informer);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::kube
