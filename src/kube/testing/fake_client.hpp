#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "kube/client.hpp"

namespace nestor::kube::testing {

/// One call that a FakeClient got, for assertions and for hooks.
struct FakeCall {
  /// "get", "list", "watch", "create", "update", "patch", "apply", "delete" or "raw".
  std::string verb;
  std::string plural;
  ObjectKey key;
  std::string subresource;
  Json body;
  /// Of an apply.
  std::string field_manager;
};

/// An API server in memory, with behaviour: resourceVersion, uid, generation; creation refused for
/// names that exist, stale writes with kAborted; selectors; watches that see every change from a
/// resourceVersion on; merge and JSON patches; deletionTimestamp while there are finalizers; the
/// status written only by its subresource (by put() too); a Secret's stringData; generateName; an
/// eviction deletes its pod.
/// Writes that change nothing make no event. Answers come without delay.
///
/// Less than the real one: a created subresource is its own answer, without effect; no schema,
/// defaults, admission or namespaces' life cycle; apply merges without conflicts (see
/// apply_configuration); strategic merge patches are merge patches; every kind has a status
/// subresource. Thread: event loop. Must outlive its watches.
class FakeClient final : public Client {
 public:
  /// Without a clock timestamps stand still at 2026-01-01T00:00:00Z.
  explicit FakeClient(Clock* clock = nullptr);
  ~FakeClient() override;

  // What another program would do, at once.

  /// Creates or replaces the whole object, status included; returns it as stored.
  Json put(ResourceType type, Json object);
  template <Resource T>
  T put(const T& value) {
    return from_json<T>(put(T::kType, to_object(value))).value();
  }
  /// Nothing when there is no such object.
  std::optional<Json> peek(ResourceType type, const ObjectKey& key) const;
  template <Resource T>
  std::optional<T> peek(const ObjectKey& key) const {
    const auto json = peek(T::kType, key);
    return json ? std::optional<T>(from_json<T>(*json).value()) : std::nullopt;
  }
  /// All objects of the kind, by key.
  std::vector<Json> all(ResourceType type) const;
  template <Resource T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const Json& json : all(T::kType)) out.push_back(from_json<T>(json).value());
    return out;
  }
  /// Deletes as a client does: an object with finalizers only starts to go.
  bool erase(ResourceType type, const ObjectKey& key);
  /// Deletes even with finalizers.
  bool erase_now(ResourceType type, const ObjectKey& key);

  // Settings and faults.

  /// Objects whose owners (by uid) are all gone are deleted too, as the garbage collector does.
  /// Default: off.
  void collect_garbage(bool on);
  /// The next `count` calls of `verb` ("" any) on `plural` ("" any) fail.
  void fail_next(std::string verb, Error error, int count = 1, std::string plural = {});
  /// Looked at before every call; an Error is the call's answer.
  void on_call(std::function<std::optional<Error>(const FakeCall&)> hook);
  /// Ends all open watches with `error`.
  void break_watches(Error error = {Code::kUnavailable, "the watch ended", {}});
  /// Forgets history: watches from an older resourceVersion than now get kOutOfRange, and so do
  /// lists for the pages behind those they had.
  void forget_history();
  /// No page of a list has more objects, whatever is asked for. Default: no limit.
  void limit_pages(std::size_t objects);
  /// Sends a bookmark with the current resourceVersion to all open watches.
  void send_bookmarks();
  /// The answer of get_raw(path). Other paths are kNotFound.
  void set_raw(std::string path, std::string body);

  const std::vector<FakeCall>& calls() const;
  /// How many calls of `verb` ("" any) on `plural` ("" any).
  std::size_t count(std::string_view verb, std::string_view plural = {}) const;
  void clear_calls();
  std::size_t open_watches() const;
  std::string resource_version() const;

  Task<Json> get(ResourceType type, ObjectKey key) override;
  Task<List> list(ResourceType type, std::string ns, ListOptions options) override;
  /// As many objects as asked for, the rest by tokens. Pages behind the first are those of the same
  /// moment, come after other tasks had their turn, and count as a "list" each.
  Task<ListPage> list_page(ResourceType type, std::string ns, ListOptions options,
                           std::string token) override;
  Task<std::unique_ptr<WatchStream>> watch(ResourceType type, std::string ns, ListOptions options,
                                           std::string resource_version) override;
  Task<Json> create(ResourceType type, std::string ns, Json object,
                    std::string subresource = {}) override;
  Task<Json> update(ResourceType type, Json object, std::string subresource = {}) override;
  Task<Json> patch(ResourceType type, ObjectKey key, PatchType patch_type, Json body,
                   PatchOptions options = {}) override;
  Task<Json> apply(ResourceType type, Json object, ApplyOptions options) override;
  Task<> remove(ResourceType type, ObjectKey key, DeleteOptions options = {}) override;
  Task<std::string> get_raw(std::string path) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::kube::testing
