#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <vector>

#include "base/heap_size.hpp"
#include "base/task_group.hpp"
#include "kube/cache_budget.hpp"
#include "kube/client.hpp"

namespace nestor::kube {

/// What an informer watches. Two askers with equal scopes share one cache.
struct Scope {
  std::string ns = {};
  std::string label_selector = {};
  std::string field_selector = {};
  /// See ListOptions::metadata_only. Set by itself for a T with `kMetadataOnly`.
  bool metadata_only = false;
  friend auto operator<=>(const Scope&, const Scope&) = default;
};

/// The untyped heart of an informer: list, watch with bookmarks and resume, list again on 410,
/// back-off on failure; a map of decoded objects. Use Informer<T>. Thread: event loop.
class InformerCore {
 public:
  using Object = std::shared_ptr<const void>;
  struct Cached : Object {
    /// Of memory that it takes in the cache.
    std::size_t bytes = 0;
  };
  /// Of an object's `bytes`, those for its places in the cache and its indexes.
  static constexpr std::size_t kEntrySize = 512;
  /// Decodes one object; an undecodable one is logged and skipped.
  using Decode = std::function<Result<Cached>(const Json&)>;
  /// old is null for an addition, now is null for a deletion.
  using Handler = std::function<void(const ObjectKey&, const Object& old, const Object& now)>;
  using IndexFunction = std::function<std::vector<std::string>(const void*)>;

  /// `minor`: see CacheShare.
  InformerCore(Client& client, Clock& clock, ResourceType type, Scope scope, Decode decode,
               std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>(),
               bool minor = false);
  ~InformerCore();

  /// Watches until cancelled. Spawned once by InformerSet.
  Task<> run();
  /// Waits for the first complete list. Errors: kCancelled.
  Task<> wait_synced();
  bool synced() const;
  /// Called for each change, and at once for every object that is already cached.
  void subscribe(Handler handler);
  /// Waits until `predicate` holds; it is looked at after each change. Errors: kDeadlineExceeded.
  Task<> wait_until(std::function<bool()> predicate, Duration timeout);
  void add_index(std::string name, IndexFunction function);
  std::vector<Object> by_index(const std::string& name, const std::string& value) const;
  Object get(const ObjectKey& key) const;
  const std::map<ObjectKey, Cached>& objects() const;
  const ResourceType& type() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A shared cache of one kind. Objects are immutable; a pointer stays valid after the cache moved
/// on.
template <Resource T>
class Informer {
 public:
  using Ptr = std::shared_ptr<const T>;
  explicit Informer(InformerCore& core) : core_(core) {}

  Ptr get(const ObjectKey& key) const { return std::static_pointer_cast<const T>(core_.get(key)); }
  /// All, or those of one namespace, in key order.
  std::vector<Ptr> list(std::string_view ns = {}) const {
    std::vector<Ptr> out;
    const auto& objects = core_.objects();
    // Keys are in order of namespaces: only those of this one are looked at.
    for (auto it = objects.lower_bound({std::string(ns), {}}); it != objects.end(); ++it) {
      if (!ns.empty() && it->first.ns != ns) break;
      out.push_back(std::static_pointer_cast<const T>(it->second));
    }
    return out;
  }
  /// `function` gives the values an object is found under. Idempotent by name.
  void add_index(std::string name, std::function<std::vector<std::string>(const T&)> function) {
    core_.add_index(std::move(name), [f = std::move(function)](const void* object) {
      return f(*static_cast<const T*>(object));
    });
  }
  std::vector<Ptr> by_index(const std::string& name, const std::string& value) const {
    std::vector<Ptr> out;
    for (const auto& object : core_.by_index(name, value)) {
      out.push_back(std::static_pointer_cast<const T>(object));
    }
    return out;
  }
  /// See InformerCore::subscribe.
  void subscribe(std::function<void(const Ptr& old, const Ptr& now)> handler) {
    core_.subscribe([h = std::move(handler)](const ObjectKey&, const InformerCore::Object& old,
                                             const InformerCore::Object& now) {
      h(std::static_pointer_cast<const T>(old), std::static_pointer_cast<const T>(now));
    });
  }
  Task<> wait_synced() { return core_.wait_synced(); }
  bool synced() const { return core_.synced(); }
  /// For a controller that must see its own write before the next decision.
  Task<> wait_until(std::function<bool()> predicate, Duration timeout) {
    return core_.wait_until(std::move(predicate), timeout);
  }
  InformerCore& core() { return core_; }

 private:
  InformerCore& core_;
};

/// The shared caches of one API server: one watch a kind and scope, however many ask.
class InformerSet {
 public:
  /// `budget` is for an API server whose users are not trusted: a cache that would go over it stays
  /// as it was, and is listed again every minute.
  InformerSet(Client& client, Clock& clock, Executor executor,
              std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>());
  ~InformerSet();

  /// Errors: kResourceExhausted while a cache of of() is not up to date since its objects are too
  /// large or too many.
  Result<> check_size() const;

  /// The cache of T in that scope, started at the first call. Lives as long as the set.
  /// What nobody reads is not kept: fields that T does not have (managedFields above all) and the
  /// annotation in which `kubectl apply` repeats the whole object.
  template <Resource T>
  Informer<T> of(Scope scope = {}) {
    if constexpr (requires { T::kMetadataOnly; }) scope.metadata_only = true;
    return Informer<T>(core(T::kType, std::type_index(typeid(T)), std::move(scope), decode<T>));
  }
  /// A cache of T objects of a kind that may be known at run time only, for as long as someone
  /// holds it: holders at the same time share it, and its watch ends when the last lets go. Whether
  /// it could be filled only its holders see: check_size() does not tell. What is read through it
  /// with Informer<T> or static casts are T's. `type` must outlive the set.
  template <class T>
  std::shared_ptr<InformerCore> borrow(ResourceType type, Scope scope = {}) {
    return borrow_core(type, std::type_index(typeid(T)), std::move(scope), decode<T>);
  }
  /// Stops all watches. Must be called before destruction.
  asio::awaitable<void> close();

 private:
  template <class T>
  static Result<InformerCore::Cached> decode(const Json& json) {
    NESTOR_TRY(T value, from_json<T>(json));
    forget_last_applied(value.metadata);
    const std::size_t bytes = InformerCore::kEntrySize + sizeof(T) + heap_size(value);
    return InformerCore::Cached{std::make_shared<const T>(std::move(value)), bytes};
  }
  InformerCore& core(ResourceType type, std::type_index cpp_type, Scope scope,
                     InformerCore::Decode decode);
  std::shared_ptr<InformerCore> borrow_core(ResourceType type, std::type_index cpp_type,
                                            Scope scope, InformerCore::Decode decode);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::kube
