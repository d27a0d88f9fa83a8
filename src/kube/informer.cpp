#include "kube/informer.hpp"

#include <deque>
#include <set>

#include "base/log.hpp"
#include "base/race.hpp"
#include "base/signal.hpp"
#include "kube/backoff.hpp"
#include "kube/pages.hpp"

namespace nestor::kube {

namespace {

constexpr std::string_view kInformerLog = "kube.informer";
/// A watch that lived this long was a good one.
constexpr Duration kLongWatch = std::chrono::seconds(5);
/// Until a list that was too large is read again.
constexpr Duration kTooLargePause = std::chrono::minutes(1);

struct Index {
  InformerCore::IndexFunction function;
  std::map<std::string, std::set<ObjectKey>> keys;
};

/// Objects that are too large or too many are not soon fewer.
std::unexpected<Error> later(Error error) {
  if (error.code == Code::kResourceExhausted && !error.retry_after) {
    error.retry_after = kTooLargePause;
  }
  return std::unexpected(std::move(error));
}

}  // namespace

struct InformerCore::Impl {
  /// A list, decoded. Null: an object that cannot be.
  struct Listed {
    std::vector<std::pair<ObjectKey, Cached>> objects = {};
    std::string resource_version = {};
  };

  Impl(Client& client_in, Clock& clock_in, ResourceType type_in, Scope scope_in, Decode decode_in,
       std::shared_ptr<CacheBudget> budget, bool minor)
      : client(client_in),
        clock(clock_in),
        type(type_in),
        scope(std::move(scope_in)),
        decode(std::move(decode_in)),
        share(std::move(budget), minor) {}

  Client& client;
  Clock& clock;
  ResourceType type;
  Scope scope;
  Decode decode;
  CacheShare share;
  std::map<ObjectKey, Cached> objects;
  std::map<std::string, Index> indexes;
  // A deque, so that a handler may subscribe another one while it is called.
  std::deque<Handler> handlers;
  bool synced = false;
  /// What was seen last; "" asks for a new list.
  std::string resource_version;
  Signal changed;
  Backoff backoff{std::chrono::milliseconds(200), std::chrono::seconds(30)};

  ListOptions options() const {
    ListOptions out;
    out.label_selector = scope.label_selector;
    out.field_selector = scope.field_selector;
    out.metadata_only = scope.metadata_only;
    return out;
  }

  void reindex(const ObjectKey& key, const Object& old, const Object& now) {
    for (auto& [name, index] : indexes) {
      if (old) {
        for (const std::string& value : index.function(old.get())) {
          const auto it = index.keys.find(value);
          if (it == index.keys.end()) continue;
          it->second.erase(key);
          if (it->second.empty()) index.keys.erase(it);
        }
      }
      if (now) {
        for (const std::string& value : index.function(now.get())) index.keys[value].insert(key);
      }
    }
  }

  /// Puts `now` (null: deletes) and tells the handlers.
  void set(const ObjectKey& key, const Cached& now) {
    Cached old;
    if (const auto it = objects.find(key); it != objects.end()) old = it->second;
    if (!old && !now) return;
    share.set(share.bytes() - old.bytes + now.bytes);
    if (now) {
      objects[key] = now;
    } else {
      objects.erase(key);
    }
    reindex(key, old, now);
    for (std::size_t i = 0; i < handlers.size(); ++i) handlers[i](key, old, now);
  }

  /// Null when it cannot be decoded, which is logged: the cache then keeps what it had.
  Cached decoded(const ObjectKey& key, const Json& json) const {
    auto object = decode(json);
    if (object) return std::move(*object);
    log::warn(kInformerLog, "{} {}: skipped, cannot be read: {}", type.kind, key.to_string(),
              object.error().message);
    return {};
  }

  void replace(Listed list) {
    std::set<ObjectKey> gone;
    for (const auto& [key, object] : objects) gone.insert(key);
    for (auto& [key, object] : list.objects) {
      gone.erase(key);
      if (object) set(key, object);
    }
    for (const ObjectKey& key : gone) set(key, {});
    resource_version = std::move(list.resource_version);
    synced = true;
    changed.notify();
  }

  /// Errors: kResourceExhausted: there is no room for the object, nothing changed.
  Result<> apply(const WatchEvent& event) {
    const ObjectKey key = key_of(event.object);
    switch (event.type) {
      case WatchEvent::Type::kBookmark:
        break;
      case WatchEvent::Type::kDeleted:
        set(key, {});
        break;
      case WatchEvent::Type::kAdded:
      case WatchEvent::Type::kModified:
        if (const Cached now = decoded(key, event.object)) {
          const auto old = objects.find(key);
          const std::size_t before = old == objects.end() ? 0 : old->second.bytes;
          if (now.bytes > before) NESTOR_TRY_VOID(share.check(now.bytes - before));
          set(key, now);
        }
        break;
    }
    const auto version = find_string(event.object, {"metadata", "resourceVersion"});
    if (!version.empty()) resource_version = version;
    if (event.type != WatchEvent::Type::kBookmark) changed.notify();
    return {};
  }

  Task<> watch_once();
  Task<Listed> read_list();
  Task<> list();
  Task<> list_and_watch();
};

/// Watches from the last resourceVersion until the stream ends, which is always an error.
Task<> InformerCore::Impl::watch_once() {
  auto stream = co_await client.watch(type, scope.ns, options(), resource_version);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  const SteadyTime opened = clock.steady_now();
  for (;;) {
    auto event = co_await (*stream)->next();
    if (!event) {
      // The server ends every watch after some minutes: that is no reason to wait.
      if (clock.steady_now() - opened >= kLongWatch) backoff.reset();
      co_return std::unexpected(std::move(event).error());
    }
    backoff.reset();
    if (auto applied = apply(*event); !applied) {
      share.report(applied);
      // Nobody is told of a minor cache but those who wait for it.
      if (share.minor()) synced = false;
      // What is missed until there is room again only a list can tell.
      resource_version.clear();
      co_return later(std::move(applied).error());
    }
  }
}

/// Decodes page after page: as JSON a list takes many times the memory of its objects.
Task<InformerCore::Impl::Listed> InformerCore::Impl::read_list() {
  Listed out;
  PageReader pages(client, type, scope.ns, options());
  while (!pages.done()) {
    NESTOR_CO_TRY(const ListPage page, co_await pages.next());
    for (const Json& item : page.items) {
      const ObjectKey key = key_of(item);
      Cached object = decoded(key, item);
      NESTOR_CO_TRY_VOID(share.read(object ? object.bytes : kEntrySize));
      out.objects.emplace_back(key, std::move(object));
    }
    out.resource_version = page.resource_version;
  }
  co_return out;
}

Task<> InformerCore::Impl::list() {
  Result<Listed> all = co_await read_list();
  share.end_read();
  if (!all) {
    share.report(std::unexpected(all.error()));
    co_return later(std::move(all).error());
  }
  share.report({});
  replace(std::move(*all));
  co_return Result<>();
}

Task<> InformerCore::Impl::list_and_watch() {
  if (resource_version.empty()) NESTOR_CO_TRY_VOID(co_await list());
  co_return co_await watch_once();
}

InformerCore::InformerCore(Client& client, Clock& clock, ResourceType type, Scope scope,
                           Decode decode, std::shared_ptr<CacheBudget> budget, bool minor)
    : impl_(std::make_unique<Impl>(client, clock, type, std::move(scope), std::move(decode),
                                   std::move(budget), minor)) {}

InformerCore::~InformerCore() = default;

Task<> InformerCore::run() {
  for (;;) {
    auto end = co_await impl_->list_and_watch();
    if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
    const Error& error = end.error();
    if (error.code == Code::kCancelled) co_return end;
    if (error.code == Code::kOutOfRange) {
      log::debug(kInformerLog, "{}: the watch is too old, listing again", impl_->type.plural);
      impl_->resource_version.clear();
    } else if (error.code != Code::kUnavailable) {
      log::warn(kInformerLog, "{}: {}", impl_->type.plural, error.message);
    } else {
      log::debug(kInformerLog, "{}: {}", impl_->type.plural, error.message);
    }
    const Duration pause = std::max(impl_->backoff.next(), error.retry_after.value_or(Duration()));
    NESTOR_CO_TRY_VOID(co_await impl_->clock.sleep_for(pause));
  }
}

Task<> InformerCore::wait_synced() {
  while (!impl_->synced) NESTOR_CO_TRY_VOID(co_await impl_->changed.wait());
  co_return Result<>();
}

bool InformerCore::synced() const { return impl_->synced; }

void InformerCore::subscribe(Handler handler) {
  impl_->handlers.push_back(std::move(handler));
  const std::size_t mine = impl_->handlers.size() - 1;
  const auto snapshot = impl_->objects;
  for (const auto& [key, object] : snapshot) impl_->handlers[mine](key, nullptr, object);
}

namespace {
Task<> until(Signal& changed, const std::function<bool()>& predicate) {
  while (!predicate()) NESTOR_CO_TRY_VOID(co_await changed.wait());
  co_return Result<>();
}
}  // namespace

Task<> InformerCore::wait_until(std::function<bool()> predicate, Duration timeout) {
  if (predicate()) co_return Result<>();
  const SteadyTime deadline = impl_->clock.steady_now() + timeout;
  auto done = co_await before(impl_->clock, deadline, until(impl_->changed, predicate));
  if (!done && done.error().code == Code::kDeadlineExceeded) {
    co_return with_context(std::move(done).error(),
                           "waiting for a change of " + std::string(impl_->type.plural));
  }
  co_return done;
}

void InformerCore::add_index(std::string name, IndexFunction function) {
  const auto [it, added] = impl_->indexes.try_emplace(std::move(name));
  if (!added) return;
  Index& index = it->second;
  index.function = std::move(function);
  for (const auto& [key, object] : impl_->objects) {
    for (const std::string& value : index.function(object.get())) index.keys[value].insert(key);
  }
}

std::vector<InformerCore::Object> InformerCore::by_index(const std::string& name,
                                                         const std::string& value) const {
  std::vector<Object> out;
  const auto index = impl_->indexes.find(name);
  if (index == impl_->indexes.end()) return out;
  const auto keys = index->second.keys.find(value);
  if (keys == index->second.keys.end()) return out;
  for (const ObjectKey& key : keys->second) out.push_back(impl_->objects.at(key));
  return out;
}

InformerCore::Object InformerCore::get(const ObjectKey& key) const {
  const auto it = impl_->objects.find(key);
  return it == impl_->objects.end() ? Object() : it->second;
}

const std::map<ObjectKey, InformerCore::Cached>& InformerCore::objects() const {
  return impl_->objects;
}

const ResourceType& InformerCore::type() const { return impl_->type; }

}  // namespace nestor::kube
