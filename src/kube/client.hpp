#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/heap_size.hpp"
#include "base/json.hpp"
#include "base/json_convert.hpp"
#include "kube/client_config.hpp"
#include "kube/object.hpp"

namespace nestor::kube {

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  /// The answer holds only apiVersion, kind and metadata of each object.
  bool metadata_only = false;
  /// Objects a page; the whole list is read page by page with `continue`.
  int page_size = 500;
};

struct List {
  std::vector<Json> items;
  std::string resource_version;
};

/// A part of a list.
struct ListPage {
  std::vector<Json> items;
  std::string resource_version;
  /// Asks for the page behind this one; "" on the last.
  std::string next;
  /// Of its text.
  std::size_t bytes = 0;
};

/// One event of a watch. kBookmark carries only metadata.resourceVersion.
struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  Type type;
  Json object;
};

class WatchStream {
 public:
  virtual ~WatchStream() = default;
  /// The next event. Errors: kOutOfRange (410 Gone: list again), kUnavailable (the stream ended or
  /// broke: watch again from the last resourceVersion), kCancelled.
  virtual Task<WatchEvent> next() = 0;
};

enum class PatchType { kMerge, kStrategicMerge };

struct PatchOptions {
  /// "" or "status", "scale".
  std::string subresource = {};
};

struct ApplyOptions {
  std::string field_manager;
  bool force = true;
  std::string subresource = {};
  bool dry_run = false;
};

struct DeleteOptions {
  /// "Background", "Foreground" or "Orphan".
  std::string propagation = "Background";
  /// Only delete the object with this uid ("" for any).
  std::string uid = {};
};

/// A client of one API server, on raw JSON. Objects carry apiVersion and kind.
/// Errors of all calls: the API server's Status as code and message (404 kNotFound, 409
/// AlreadyExists kAlreadyExists, 409 Conflict kAborted, 403 kPermissionDenied, 401
/// kUnauthenticated, 422 and 400 kInvalidArgument, 410 kOutOfRange, 429 kResourceExhausted with
/// retry_after, 5xx kUnavailable or kInternal), kUnavailable when it cannot be reached,
/// kDeadlineExceeded, kCancelled, kResourceExhausted (see ClientConfig::foreign and memory).
/// Thread: event loop. Lifetime: must outlive its calls.
class Client {
 public:
  virtual ~Client() = default;
  virtual Task<Json> get(ResourceType type, ObjectKey key) = 0;
  /// `ns` "" lists all namespaces.
  virtual Task<List> list(ResourceType type, std::string ns, ListOptions options) = 0;
  /// One page; `token` is the page's before it, "" for the first. Prefer PageReader
  /// (kube/pages.hpp). Errors also: kResourceExhausted without retry_after (the page is larger than
  /// 16 MiB, of a foreign server 4).
  virtual Task<ListPage> list_page(ResourceType type, std::string ns, ListOptions options,
                                   std::string token) = 0;
  /// Watches from just after `resource_version`, with bookmarks.
  virtual Task<std::unique_ptr<WatchStream>> watch(ResourceType type, std::string ns,
                                                   ListOptions options,
                                                   std::string resource_version) = 0;
  /// POST. With a `subresource` ("eviction" of a pod, "token" of a ServiceAccount) `object` is that
  /// request, named like the object of `type` it is for, and the answer is the subresource's.
  virtual Task<Json> create(ResourceType type, std::string ns, Json object,
                            std::string subresource = {}) = 0;
  /// PUT: refused with kAborted when metadata.resourceVersion is not the current one.
  virtual Task<Json> update(ResourceType type, Json object, std::string subresource = {}) = 0;
  virtual Task<Json> patch(ResourceType type, ObjectKey key, PatchType patch_type, Json body,
                           PatchOptions options = {}) = 0;
  /// Server-side apply of `object`, which names itself.
  virtual Task<Json> apply(ResourceType type, Json object, ApplyOptions options) = 0;
  /// kNotFound is an error here too; see ensure_deleted.
  virtual Task<> remove(ResourceType type, ObjectKey key, DeleteOptions options = {}) = 0;
  /// GET of a path outside the resource API ("/version", "/readyz", a pod's log). Returns the body.
  virtual Task<std::string> get_raw(std::string path) = 0;
};

Result<std::unique_ptr<Client>> make_client(Executor executor, ClientConfig config);

/// Deletes; an object that is not there is a success.
Task<> ensure_deleted(Client& client, ResourceType type, ObjectKey key, DeleteOptions options = {});

// Typed forms. T covers a part of a kind: reading is safe, writing goes by apply or patch.

template <Resource T>
Json to_object(const T& value) {
  Json json = to_json(value);
  json.as_object()["apiVersion"] = T::kType.api_version();
  json.as_object()["kind"] = T::kType.kind;
  return json;
}

template <Resource T>
Task<T> get(Client& client, ObjectKey key) {
  auto json = co_await client.get(T::kType, std::move(key));
  if (!json) co_return std::unexpected(std::move(json).error());
  co_return from_json<T>(*json);
}

/// Reads a whole list, of which no more than a page is held as JSON. `take` gets one page after the
/// other; `first` is set for the first, also when the list is begun anew since it expired in the
/// middle: what was taken before is then void. Errors: also those of `take`, which end it.
/// Returns the list's resourceVersion.
using TakePage = std::function<Result<>(ListPage page, bool first)>;
Task<std::string> read_list(Client& client, ResourceType type, std::string ns, ListOptions options,
                            TakePage take);

std::unexpected<Error> list_too_large(const ResourceType& type);

/// Bytes of memory that a list() may take.
inline constexpr std::size_t kMaxListSize = 256UL * 1024 * 1024;

/// Errors: also kResourceExhausted without retry_after (the objects take more than `max_size`).
template <Resource T>
Task<std::vector<T>> list(Client& client, std::string ns, ListOptions options = {},
                          std::size_t max_size = kMaxListSize) {
  std::vector<T> out;
  std::size_t size = 0;
  TakePage take = [&](ListPage page, bool first) -> Result<> {
    if (first) {
      out.clear();
      size = 0;
    }
    for (const Json& item : page.items) {
      NESTOR_TRY(T one, from_json<T>(item));
      size += sizeof(T) + heap_size(one);
      if (size > max_size) return list_too_large(T::kType);
      out.push_back(std::move(one));
    }
    return {};
  };
  auto done =
      co_await read_list(client, T::kType, std::move(ns), std::move(options), std::move(take));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return out;
}

template <Resource T>
Task<T> create(Client& client, T value) {
  auto json = co_await client.create(T::kType, value.metadata.namespace_, to_object(value));
  if (!json) co_return std::unexpected(std::move(json).error());
  co_return from_json<T>(*json);
}

/// Server-side apply with `manager`; only what is set in `value` is owned.
template <Resource T>
Task<T> apply(Client& client, T value, std::string manager) {
  auto json = co_await client.apply(T::kType, to_object(value), ApplyOptions{std::move(manager)});
  if (!json) co_return std::unexpected(std::move(json).error());
  co_return from_json<T>(*json);
}

/// Patches what differs between `before` and `after`, status by the status subresource and the rest
/// by the object; with the resourceVersion of `before`, so that a lost race is kAborted. No call
/// when nothing differs. `after` need not stay alive.
Task<> patch_changes(Client& client, ResourceType type, ObjectKey key, Json before, Json after);
template <Resource T>
Task<> patch_changes(Client& client, const T& before, const T& after) {
  return patch_changes(client, T::kType, before.metadata.key(), to_json(before), to_json(after));
}

}  // namespace nestor::kube
