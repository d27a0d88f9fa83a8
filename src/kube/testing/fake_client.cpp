#include "kube/testing/fake_client.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <limits>

#include "base/text.hpp"
#include "kube/testing/fake_store.hpp"
#include "kube/testing/selector.hpp"
#include "kube/testing/write_operations.hpp"

namespace nestor::kube::testing {

namespace {

struct Fault {
  std::string verb;
  std::string plural;
  Error error;
  int left = 0;
};

/// Under which what a manager applied is remembered.
std::pair<std::string, std::string> manager_key(const Json& object, const ApplyOptions& options) {
  return {std::string(find_string(object, {"metadata", "uid"})),
          options.field_manager + "/" + options.subresource};
}

struct Filter {
  std::string collection;
  std::string ns;
  ListOptions options;

  bool fits(const Json& object) const {
    if (!object.is_object()) return false;
    if (!ns.empty() && find_string(object, {"metadata", "namespace"}) != ns) return false;
    return labels_match(object, options.label_selector) &&
           fields_match(object, options.field_selector);
  }

  /// What of the object is asked for.
  Json shape(Json object) const {
    if (!options.metadata_only) return object;
    JsonObject out;
    for (const char* name : {"apiVersion", "kind", "metadata"}) {
      if (const Json* member = find(object, {name})) out[name] = *member;
    }
    return out;
  }
};

}  // namespace

struct FakeClient::Impl {
  explicit Impl(Clock* clock) : store(clock) {}

  FakeStore store;
  std::deque<Fault> faults;
  std::function<std::optional<Error>(const FakeCall&)> hook;
  std::vector<FakeCall> calls;
  std::map<std::string, std::string> raw;
  /// Lists of which pages are still to come, by their tokens.
  std::map<std::string, List> pages;
  std::uint64_t tokens = 0;
  std::size_t max_page = std::numeric_limits<std::size_t>::max();
  /// Object and manager -> what it applied last.
  std::map<std::pair<std::string, std::string>, Json> applied;
  std::size_t watches = 0;
  /// Raised by break_watches().
  std::uint64_t breaks = 0;
  Error break_error;

  Result<> called(FakeCall call);
};

Result<> FakeClient::Impl::called(FakeCall call) {
  calls.push_back(call);
  if (hook) {
    if (auto error = hook(call)) return std::unexpected(std::move(*error));
  }
  for (auto it = faults.begin(); it != faults.end(); ++it) {
    if (!it->verb.empty() && it->verb != call.verb) continue;
    if (!it->plural.empty() && it->plural != call.plural) continue;
    Error error = it->error;
    if (--it->left <= 0) faults.erase(it);
    return std::unexpected(std::move(error));
  }
  return {};
}

namespace {

/// Reads the history from its place on.
template <class Impl>
class FakeWatch final : public WatchStream {
 public:
  FakeWatch(Impl& client, Filter filter, std::uint64_t after)
      : client_(client), filter_(std::move(filter)), after_(after), breaks_(client.breaks) {
    ++client_.watches;
    const auto& history = client_.store.history();
    // Bookmarks of the past are none of ours.
    while (place_ < history.size() &&
           (history[place_].version <= after_ || history[place_].bookmark)) {
      ++place_;
    }
  }
  ~FakeWatch() override { --client_.watches; }
  FakeWatch(const FakeWatch&) = delete;
  FakeWatch& operator=(const FakeWatch&) = delete;

  Task<WatchEvent> next() override {
    for (;;) {
      if (client_.breaks != breaks_) {
        breaks_ = client_.breaks;
        co_return std::unexpected(client_.break_error);
      }
      const auto& history = client_.store.history();
      while (place_ < history.size()) {
        if (auto event = read(history[place_++])) co_return std::move(*event);
      }
      NESTOR_CO_TRY_VOID(co_await client_.store.changed.wait());
    }
  }

 private:
  std::optional<WatchEvent> read(const FakeChange& change) const {
    const std::string version = std::to_string(change.version);
    if (change.bookmark) {
      JsonObject metadata;
      metadata["resourceVersion"] = version;
      JsonObject object;
      object["metadata"] = std::move(metadata);
      return WatchEvent{WatchEvent::Type::kBookmark, std::move(object)};
    }
    if (change.collection != filter_.collection || change.version <= after_) return std::nullopt;
    const bool before = filter_.fits(change.before);
    const bool after = filter_.fits(change.after);
    if (!before && !after) return std::nullopt;
    Json object = after ? change.after : change.before;
    object.as_object()["metadata"].as_object()["resourceVersion"] = version;
    const auto type = !before  ? WatchEvent::Type::kAdded
                      : !after ? WatchEvent::Type::kDeleted
                               : WatchEvent::Type::kModified;
    return WatchEvent{type, filter_.shape(std::move(object))};
  }

  Impl& client_;
  Filter filter_;
  std::uint64_t after_;
  std::uint64_t breaks_;
  std::size_t place_ = 0;
};

}  // namespace

FakeClient::FakeClient(Clock* clock) : impl_(std::make_unique<Impl>(clock)) {}

FakeClient::~FakeClient() = default;

Json FakeClient::put(ResourceType type, Json object) {
  const ObjectKey key = key_of(type, object);
  if (impl_->store.find_object(type, key) == nullptr) {
    return impl_->store.create(type, std::move(object), true).value();
  }
  if (Json* metadata = object.as_object().if_contains("metadata")) {
    metadata->as_object().erase("resourceVersion");
  }
  return impl_->store.write(type, key, std::move(object), {}, true).value();
}

std::optional<Json> FakeClient::peek(ResourceType type, const ObjectKey& key) const {
  const Json* found = impl_->store.find_object(type, key);
  return found == nullptr ? std::nullopt : std::optional<Json>(*found);
}

std::vector<Json> FakeClient::all(ResourceType type) const {
  std::vector<Json> out;
  if (const auto* objects = impl_->store.objects(type)) {
    for (const auto& [key, object] : *objects) out.push_back(object);
  }
  return out;
}

bool FakeClient::erase(ResourceType type, const ObjectKey& key) {
  return impl_->store.remove(type, key, {}).has_value();
}

bool FakeClient::erase_now(ResourceType type, const ObjectKey& key) {
  return impl_->store.erase_now(type, key);
}

void FakeClient::collect_garbage(bool on) { impl_->store.collect_garbage = on; }

void FakeClient::fail_next(std::string verb, Error error, int count, std::string plural) {
  impl_->faults.push_back({std::move(verb), std::move(plural), std::move(error), count});
}

void FakeClient::on_call(std::function<std::optional<Error>(const FakeCall&)> hook) {
  impl_->hook = std::move(hook);
}

void FakeClient::break_watches(Error error) {
  ++impl_->breaks;
  impl_->break_error = std::move(error);
  impl_->store.changed.notify();
}

void FakeClient::forget_history() {
  impl_->store.forget_history();
  impl_->pages.clear();
}

void FakeClient::limit_pages(std::size_t objects) { impl_->max_page = objects; }

void FakeClient::send_bookmarks() { impl_->store.bookmark(); }

void FakeClient::set_raw(std::string path, std::string body) {
  impl_->raw[std::move(path)] = std::move(body);
}

const std::vector<FakeCall>& FakeClient::calls() const { return impl_->calls; }

std::size_t FakeClient::count(std::string_view verb, std::string_view plural) const {
  return static_cast<std::size_t>(std::ranges::count_if(impl_->calls, [&](const FakeCall& call) {
    return (verb.empty() || call.verb == verb) && (plural.empty() || call.plural == plural);
  }));
}

void FakeClient::clear_calls() { impl_->calls.clear(); }

std::size_t FakeClient::open_watches() const { return impl_->watches; }

std::string FakeClient::resource_version() const { return std::to_string(impl_->store.version()); }

Task<Json> FakeClient::get(ResourceType type, ObjectKey key) {
  NESTOR_CO_TRY_VOID(impl_->called({"get", std::string(type.plural), key, {}, {}, {}}));
  const Json* found = impl_->store.find_object(type, key);
  if (found == nullptr) {
    co_return fail(Code::kNotFound, std::string(type.plural) + " \"" + key.name + "\" not found");
  }
  co_return *found;
}

Task<List> FakeClient::list(ResourceType type, std::string ns, ListOptions options) {
  NESTOR_CO_TRY_VOID(impl_->called({"list", std::string(type.plural), {ns, {}}, {}, {}, {}}));
  const Filter filter{collection_of(type), std::move(ns), std::move(options)};
  List out;
  out.resource_version = std::to_string(impl_->store.version());
  for (Json& object : all(type)) {
    if (filter.fits(object)) out.items.push_back(filter.shape(std::move(object)));
  }
  co_return out;
}

Task<ListPage> FakeClient::list_page(ResourceType type, std::string ns, ListOptions options,
                                     std::string token) {
  std::size_t size = impl_->max_page;
  if (options.page_size > 0) size = std::min(size, static_cast<std::size_t>(options.page_size));
  List left;
  if (token.empty()) {
    NESTOR_CO_TRY(left, co_await list(type, std::move(ns), std::move(options)));
  } else {
    co_await asio::post(asio::use_awaitable);
    NESTOR_CO_TRY_VOID(impl_->called({"list", std::string(type.plural), {ns, {}}, {}, {}, {}}));
    const auto found = impl_->pages.find(token);
    if (found == impl_->pages.end()) {
      co_return fail(Code::kOutOfRange, "the continue token is too old");
    }
    left = std::move(found->second);
    impl_->pages.erase(found);
  }
  ListPage out{{}, left.resource_version, {}};
  const auto end =
      left.items.begin() + static_cast<std::ptrdiff_t>(std::min(size, left.items.size()));
  out.items.assign(std::make_move_iterator(left.items.begin()), std::make_move_iterator(end));
  left.items.erase(left.items.begin(), end);
  if (!left.items.empty()) {
    out.next = std::to_string(++impl_->tokens);
    impl_->pages[out.next] = std::move(left);
  }
  co_return out;
}

Task<std::unique_ptr<WatchStream>> FakeClient::watch(ResourceType type, std::string ns,
                                                     ListOptions options,
                                                     std::string resource_version) {
  NESTOR_CO_TRY_VOID(impl_->called({"watch", std::string(type.plural), {ns, {}}, {}, {}, {}}));
  const auto after = resource_version.empty() ? impl_->store.version()
                                              : parse_number<std::uint64_t>(resource_version);
  if (!after) co_return fail(Code::kInvalidArgument, "invalid resource version");
  if (*after < impl_->store.oldest()) {
    co_return fail(Code::kOutOfRange, "too old resource version: " + resource_version);
  }
  Filter filter{collection_of(type), std::move(ns), std::move(options)};
  co_return std::make_unique<FakeWatch<Impl>>(*impl_, std::move(filter), *after);
}

Task<Json> FakeClient::create(ResourceType type, std::string ns, Json object,
                              std::string subresource) {
  if (type.namespaced && object.is_object() && !ns.empty()) {
    Json& metadata = object.get_object()["metadata"];
    if (!metadata.is_object()) metadata = JsonObject();
    metadata.get_object()["namespace"] = ns;
  }
  NESTOR_CO_TRY_VOID(impl_->called(
      {"create", std::string(type.plural), key_of(type, object), subresource, object, {}}));
  if (!subresource.empty()) {
    const ObjectKey key = key_of(type, object);
    if (impl_->store.find_object(type, key) != nullptr) {
      if (subresource == "eviction") {
        const std::string uid(find_string(object, {"deleteOptions", "preconditions", "uid"}));
        NESTOR_CO_TRY_VOID(impl_->store.remove(type, key, uid));
      }
      co_return object;
    }
    co_return fail(Code::kNotFound, std::string(type.plural) + " \"" + key.name + "\" not found");
  }
  co_return impl_->store.create(type, std::move(object), false);
}

Task<Json> FakeClient::update(ResourceType type, Json object, std::string subresource) {
  const ObjectKey key = key_of(type, object);
  NESTOR_CO_TRY_VOID(
      impl_->called({"update", std::string(type.plural), key, subresource, object, {}}));
  co_return impl_->store.write(type, key, std::move(object), subresource);
}

Task<Json> FakeClient::patch(ResourceType type, ObjectKey key, PatchType patch_type, Json body,
                             PatchOptions options) {
  NESTOR_CO_TRY_VOID(
      impl_->called({"patch", std::string(type.plural), key, options.subresource, body, {}}));
  const Json* found = impl_->store.find_object(type, key);
  if (found == nullptr) {
    co_return fail(Code::kNotFound, std::string(type.plural) + " \"" + key.name + "\" not found");
  }
  Json object = *found;
  apply_merge_patch(object, body);
  co_return impl_->store.write(type, key, std::move(object), options.subresource);
}

Task<Json> FakeClient::apply(ResourceType type, Json object, ApplyOptions options) {
  const ObjectKey key = key_of(type, object);
  NESTOR_CO_TRY_VOID(impl_->called({"apply", std::string(type.plural), key, options.subresource,
                                    object, options.field_manager}));
  if (options.field_manager.empty()) {
    co_return fail(Code::kInvalidArgument, "fieldManager is required for apply patch");
  }
  const Json* found = impl_->store.find_object(type, key);
  if (found == nullptr && options.subresource.empty()) {
    if (options.dry_run) co_return object;
    Json copy = object;
    auto created = impl_->store.create(type, std::move(copy), false);
    if (created) impl_->applied[manager_key(*created, options)] = std::move(object);
    co_return created;
  }
  if (found == nullptr) {
    co_return fail(Code::kNotFound, std::string(type.plural) + " \"" + key.name + "\" not found");
  }
  Json merged = *found;
  Json& last = impl_->applied[manager_key(*found, options)];
  apply_configuration(merged, last, object);
  if (options.dry_run) co_return merged;
  auto written = impl_->store.write(type, key, std::move(merged), options.subresource);
  if (written) last = std::move(object);
  co_return written;
}

Task<> FakeClient::remove(ResourceType type, ObjectKey key, DeleteOptions options) {
  NESTOR_CO_TRY_VOID(impl_->called({"delete", std::string(type.plural), key, {}, {}, {}}));
  co_return impl_->store.remove(type, key, options.uid);
}

Task<std::string> FakeClient::get_raw(std::string path) {
  NESTOR_CO_TRY_VOID(impl_->called({"raw", {}, {{}, path}, {}, {}, {}}));
  const auto it = impl_->raw.find(path);
  if (it == impl_->raw.end()) co_return fail(Code::kNotFound, path + " not found");
  co_return it->second;
}

}  // namespace nestor::kube::testing
