#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kube/client.hpp"
#include "kube/informer.hpp"

namespace nestor::kube {

/// Server-side apply that leaves out the calls that would change nothing. Of every object it
/// remembers what it applied last and what the answer looked like; a call is left out when the same
/// is wanted again and a cache shows the object still as that answer was. What it remembers dies
/// with the process, so after a restart each object is applied once. Thread: event loop.
class Applier {
 public:
  explicit Applier(std::string field_manager) : field_manager_(std::move(field_manager)) {}

  /// Whether applying `object` would change nothing. `cached`: its metadata in a cache, or null.
  /// A change of others that moves neither generation, labels nor annotations (of a status) does
  /// not count; kinds without a generation are compared by resourceVersion.
  bool is_current(const ResourceType& type, const Json& object, const ObjectMeta* cached) const;

  /// Whether exactly this was applied last, whatever became of it.
  bool was_applied(const ResourceType& type, const Json& object) const;

  /// Applies and remembers; gives the object as it is now. Errors name kind and object.
  Task<Json> apply(Client& client, ResourceType type, Json object);

  /// `object` as it is in the end: from `cache` when it is current, else applied.
  template <Resource T>
  Task<std::shared_ptr<const T>> ensure(Client& client, Informer<T> cache, Json object) {
    auto cached = cache.get(key_of(object));
    if (is_current(T::kType, object, cached ? &cached->metadata : nullptr)) co_return cached;
    auto applied = co_await apply(client, T::kType, std::move(object));
    if (!applied) co_return std::unexpected(std::move(applied).error());
    NESTOR_CO_TRY(T value, from_json<T>(*applied));
    forget_last_applied(value.metadata);
    co_return std::make_shared<const T>(std::move(value));
  }

  /// For an object that is gone for good.
  void forget(const ResourceType& type, const ObjectKey& key);

 private:
  struct Record {
    std::size_t wanted = 0;
    std::size_t left = 0;
  };
  using Name = std::pair<std::string, ObjectKey>;
  static Name name_of(const ResourceType& type, const ObjectKey& key);

  std::string field_manager_;
  std::map<Name, Record> records_;
};

}  // namespace nestor::kube
