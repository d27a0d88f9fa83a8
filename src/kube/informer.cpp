#include "kube/informer.hpp"

#include <deque>
#include <set>
#include <tuple>

#include "base/log.hpp"
#include "kube/backoff.hpp"
#include "kube/deadline.hpp"
#include "kube/pages.hpp"
#include "kube/signal.hpp"

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

ObjectKey key_of(const Json& object) {
  return {std::string(find_string(object, {"metadata", "namespace"})),
          std::string(find_string(object, {"metadata", "name"}))};
}

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
       std::shared_ptr<CacheBudget> budget)
      : client(client_in),
        clock(clock_in),
        type(type_in),
        scope(std::move(scope_in)),
        decode(std::move(decode_in)),
        share(std::move(budget)) {}

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

  /// Puts `now` (null: deletes), read from so many bytes, and tells the handlers.
  void set(const ObjectKey& key, Object now, std::size_t bytes = 0) {
    Cached old;
    if (const auto it = objects.find(key); it != objects.end()) old = it->second;
    if (!old && !now) return;
    share.set(share.bytes() - old.bytes + bytes);
    if (now) {
      objects[key] = Cached{now, bytes};
    } else {
      objects.erase(key);
    }
    reindex(key, old, now);
    for (std::size_t i = 0; i < handlers.size(); ++i) handlers[i](key, old, now);
  }

  /// Null when it cannot be decoded, which is logged: the cache then keeps what it had.
  Object decoded(const ObjectKey& key, const Json& json) const {
    auto object = decode(json);
    if (object) return std::move(*object);
    log::warn(kInformerLog, "{} {}: skipped, cannot be read: {}", type.kind, key.to_string(),
              object.error().message);
    return nullptr;
  }

  void replace(Listed list) {
    std::set<ObjectKey> gone;
    for (const auto& [key, object] : objects) gone.insert(key);
    for (auto& [key, object] : list.objects) {
      gone.erase(key);
      if (object) set(key, object, object.bytes);
    }
    for (const ObjectKey& key : gone) set(key, nullptr);
    resource_version = std::move(list.resource_version);
    synced = true;
    changed.notify();
  }

  void apply(const WatchEvent& event) {
    const ObjectKey key = key_of(event.object);
    switch (event.type) {
      case WatchEvent::Type::kBookmark:
        break;
      case WatchEvent::Type::kDeleted:
        set(key, nullptr);
        break;
      case WatchEvent::Type::kAdded:
      case WatchEvent::Type::kModified:
        if (Object now = decoded(key, event.object)) set(key, now, event.bytes);
        break;
    }
    const auto version = find_string(event.object, {"metadata", "resourceVersion"});
    if (!version.empty()) resource_version = version;
    if (event.type != WatchEvent::Type::kBookmark) changed.notify();
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
    apply(*event);
    if (auto fits = share.check(); !fits) {
      // What is missed until there is room again only a list can tell.
      resource_version.clear();
      co_return later(std::move(fits).error());
    }
  }
}

/// Decodes page after page: as JSON a list takes many times the memory of its objects.
Task<InformerCore::Impl::Listed> InformerCore::Impl::read_list() {
  Listed out;
  std::size_t bytes = 0;
  PageReader pages(client, type, scope.ns, options());
  while (!pages.done()) {
    NESTOR_CO_TRY(const ListPage page, co_await pages.next());
    bytes += page.bytes;
    // Not beside what is cached: that goes, when this has room.
    share.set(bytes);
    NESTOR_CO_TRY_VOID(share.check());
    for (const Json& item : page.items) {
      const ObjectKey key = key_of(item);
      out.objects.emplace_back(key, Cached{decoded(key, item), page.bytes / page.items.size()});
    }
    out.resource_version = page.resource_version;
  }
  co_return out;
}

Task<> InformerCore::Impl::list() {
  const std::size_t before = share.bytes();
  Result<Listed> all = co_await read_list();
  share.set(before);
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
                           Decode decode, std::shared_ptr<CacheBudget> budget)
    : impl_(std::make_unique<Impl>(client, clock, type, std::move(scope), std::move(decode),
                                   std::move(budget))) {}

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

namespace {

/// An informer that ends when nobody holds it any more.
struct Borrowed {
  InformerCore core;
  bool let_go = false;
  Signal wake = {};
};

Task<> until_let_go(Borrowed& borrowed) {
  while (!borrowed.let_go) NESTOR_CO_TRY_VOID(co_await borrowed.wake.wait());
  co_return Result<>();
}

Task<> run_borrowed(std::shared_ptr<Borrowed> borrowed) {
  using namespace asio::experimental::awaitable_operators;
  if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
  try {
    co_await (borrowed->core.run() || until_let_go(*borrowed));
  } catch (const asio::multiple_exceptions&) {
    // Both sides were cancelled before they began: Asio says so by throwing.
  }
  co_return Result<>();
}

}  // namespace

struct InformerSet::Impl {
  Impl(Client& client_in, Clock& clock_in, Executor executor, std::size_t max_bytes)
      : client(client_in),
        clock(clock_in),
        budget(std::make_shared<CacheBudget>(max_bytes)),
        tasks(std::move(executor)) {}

  /// API version, plural, C++ type, scope.
  using Key = std::tuple<std::string, std::string, std::type_index, Scope>;

  Client& client;
  Clock& clock;
  std::shared_ptr<CacheBudget> budget;
  std::map<Key, std::unique_ptr<InformerCore>> informers;
  std::map<Key, std::weak_ptr<InformerCore>> borrowed;
  TaskGroup tasks;
};

InformerSet::InformerSet(Client& client, Clock& clock, Executor executor, std::size_t max_bytes)
    : impl_(std::make_unique<Impl>(client, clock, std::move(executor), max_bytes)) {}

InformerSet::~InformerSet() = default;

Result<> InformerSet::check_size() const {
  const auto& failed = impl_->budget->failed;
  if (failed.empty()) return {};
  return std::unexpected(failed.begin()->second);
}

InformerCore& InformerSet::core(ResourceType type, std::type_index cpp_type, Scope scope,
                                InformerCore::Decode decode) {
  Impl::Key key{type.api_version(), std::string(type.plural), cpp_type, scope};
  auto& informer = impl_->informers[std::move(key)];
  if (!informer) {
    informer = std::make_unique<InformerCore>(impl_->client, impl_->clock, type, std::move(scope),
                                              std::move(decode), impl_->budget);
    impl_->tasks.spawn("informer " + std::string(type.plural), informer->run());
  }
  return *informer;
}

std::shared_ptr<InformerCore> InformerSet::borrow_core(ResourceType type, std::type_index cpp_type,
                                                       Scope scope, InformerCore::Decode decode) {
  std::erase_if(impl_->borrowed, [](const auto& one) { return one.second.expired(); });
  Impl::Key key{type.api_version(), std::string(type.plural), cpp_type, scope};
  if (const auto it = impl_->borrowed.find(key); it != impl_->borrowed.end()) {
    return it->second.lock();
  }
  std::shared_ptr<Borrowed> made(new Borrowed{InformerCore(
      impl_->client, impl_->clock, type, std::move(scope), std::move(decode), impl_->budget)});
  std::shared_ptr<InformerCore> handle(&made->core, [made](InformerCore*) mutable {
    made->let_go = true;
    made->wake.notify();
    // This function itself lives as long as the weak pointer in `borrowed`.
    made.reset();
  });
  impl_->borrowed.emplace(std::move(key), handle);
  impl_->tasks.spawn("informer " + std::string(type.plural), run_borrowed(std::move(made)));
  return handle;
}

asio::awaitable<void> InformerSet::close() { co_await impl_->tasks.close(); }

}  // namespace nestor::kube
