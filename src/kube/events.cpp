#include "kube/events.hpp"

#include <boost/asio/this_coro.hpp>
#include <deque>
#include <list>
#include <map>
#include <tuple>

#include "base/log.hpp"
#include "base/race.hpp"
#include "base/signal.hpp"

namespace nestor::kube {

namespace {

constexpr ResourceType kEventType{"", "v1", "Event", "events", true};
constexpr std::size_t kMaxWaiting = 1000;
/// Written events that are remembered, to raise their count.
constexpr std::size_t kMaxRemembered = 4096;
constexpr Duration kCloseTime = std::chrono::seconds(2);
/// The API server refuses longer notes.
constexpr std::size_t kMaxMessage = 1024;

struct Occurrence {
  std::string type;
  std::string api_version;
  std::string kind;
  ObjectKey key;
  std::string uid;
  std::string reason;
  std::string message;
  friend auto operator<=>(const Occurrence&, const Occurrence&) = default;
};

struct Waiting {
  Occurrence what;
  std::string resource_version;
  std::string first;
  std::string last;
  std::int64_t count = 1;
};

struct Written {
  std::string name;
  std::int64_t count = 0;
};

}  // namespace

struct EventRecorder::Impl {
  Impl(Client& client_in, Clock& clock_in, Executor executor, std::string component_in)
      : client(client_in),
        clock(clock_in),
        component(std::move(component_in)),
        tasks(std::move(executor)) {}

  Client& client;
  Clock& clock;
  std::string component;
  std::deque<Waiting> waiting;
  std::map<Occurrence, Written> written;
  std::list<Occurrence> order;
  bool writing = false;
  std::uint64_t serial = 0;
  Signal idle;
  TaskGroup tasks;

  void record(std::string type, const ResourceType& resource, const ObjectMeta& object,
              std::string reason, std::string message);
  Task<> write_all();
  Task<> write(Waiting event);
  Task<> wait_idle();
  Json body(const Waiting& event, const std::string& name) const;
  std::string new_name(const Occurrence& what);
  void remember(const Occurrence& what, Written entry);
};

void EventRecorder::Impl::record(std::string type, const ResourceType& resource,
                                 const ObjectMeta& object, std::string reason,
                                 std::string message) {
  if (message.size() > kMaxMessage) message.resize(kMaxMessage);
  Waiting event;
  event.what = {std::move(type), resource.api_version(), std::string(resource.kind), object.key(),
                object.uid,      std::move(reason),      std::move(message)};
  event.resource_version = object.resourceVersion;
  event.first = event.last = format_rfc3339(clock.now());
  for (Waiting& other : waiting) {
    if (other.what != event.what) continue;
    ++other.count;
    other.last = event.last;
    return;
  }
  if (waiting.size() >= kMaxWaiting) waiting.pop_front();
  waiting.push_back(std::move(event));
  if (!writing) {
    writing = true;
    tasks.spawn("events", write_all());
  }
}

Task<> EventRecorder::Impl::write_all() {
  while (!waiting.empty()) {
    Waiting event = std::move(waiting.front());
    waiting.pop_front();
    auto done = co_await write(std::move(event));
    if (co_await cancelled()) break;
    // Events are a help for people: losing one is no failure of what it tells about.
    if (!done) log::debug("kube.events", "an event is lost: {}", done.error().message);
  }
  writing = false;
  idle.notify();
  co_return Result<>();
}

Task<> EventRecorder::Impl::write(Waiting event) {
  const std::string ns = event.what.key.ns.empty() ? "default" : event.what.key.ns;
  if (const auto it = written.find(event.what); it != written.end()) {
    const std::int64_t count = it->second.count + event.count;
    ObjectKey key{ns, it->second.name};
    JsonObject patch;
    patch["count"] = count;
    patch["lastTimestamp"] = event.last;
    Json patch_body(std::move(patch));
    PatchOptions options;
    auto patched = co_await client.patch(kEventType, std::move(key), PatchType::kMerge,
                                         std::move(patch_body), std::move(options));
    if (patched) {
      if (const auto again = written.find(event.what); again != written.end()) {
        again->second.count = count;
      }
      co_return Result<>();
    }
    // The API server forgets events after an hour: then it is a new one.
    if (patched.error().code != Code::kNotFound) {
      co_return std::unexpected(std::move(patched).error());
    }
  }
  const std::string name = new_name(event.what);
  Json object = body(event, name);
  auto created = co_await client.create(kEventType, ns, std::move(object));
  if (!created) co_return std::unexpected(std::move(created).error());
  remember(event.what, {name, event.count});
  co_return Result<>();
}

Json EventRecorder::Impl::body(const Waiting& event, const std::string& name) const {
  const Occurrence& what = event.what;
  JsonObject involved;
  involved["apiVersion"] = what.api_version;
  involved["kind"] = what.kind;
  involved["name"] = what.key.name;
  if (!what.key.ns.empty()) involved["namespace"] = what.key.ns;
  if (!what.uid.empty()) involved["uid"] = what.uid;
  if (!event.resource_version.empty()) involved["resourceVersion"] = event.resource_version;
  JsonObject metadata;
  metadata["name"] = name;
  metadata["namespace"] = what.key.ns.empty() ? "default" : what.key.ns;
  JsonObject source;
  source["component"] = component;
  JsonObject out;
  out["apiVersion"] = "v1";
  out["kind"] = "Event";
  out["metadata"] = std::move(metadata);
  out["involvedObject"] = std::move(involved);
  out["type"] = what.type;
  out["reason"] = what.reason;
  out["message"] = what.message;
  out["count"] = event.count;
  out["firstTimestamp"] = event.first;
  out["lastTimestamp"] = event.last;
  out["source"] = std::move(source);
  out["reportingComponent"] = component;
  out["reportingInstance"] = component;
  return Json(std::move(out));
}

std::string EventRecorder::Impl::new_name(const Occurrence& what) {
  // Unique over restarts by the time, within this process by the serial number.
  const auto ticks = clock.now().time_since_epoch().count();
  return fmt::format("{}.{:x}{:04x}", what.key.name.substr(0, 200), ticks, serial++ & 0xffff);
}

void EventRecorder::Impl::remember(const Occurrence& what, Written entry) {
  const auto [it, added] = written.insert_or_assign(what, std::move(entry));
  if (!added) return;
  order.push_back(what);
  if (order.size() > kMaxRemembered) {
    written.erase(order.front());
    order.pop_front();
  }
}

Task<> EventRecorder::Impl::wait_idle() {
  while (writing) NESTOR_CO_TRY_VOID(co_await idle.wait());
  co_return Result<>();
}

EventRecorder::EventRecorder(Client& client, Clock& clock, Executor executor, std::string component)
    : impl_(std::make_unique<Impl>(client, clock, std::move(executor), std::move(component))) {}

EventRecorder::~EventRecorder() = default;

void EventRecorder::normal(ResourceType type, const ObjectMeta& object, std::string reason,
                           std::string message) {
  impl_->record("Normal", type, object, std::move(reason), std::move(message));
}

void EventRecorder::warning(ResourceType type, const ObjectMeta& object, std::string reason,
                            std::string message) {
  impl_->record("Warning", type, object, std::move(reason), std::move(message));
}

asio::awaitable<void> EventRecorder::close() {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (impl_->writing) {
    const SteadyTime deadline = impl_->clock.steady_now() + kCloseTime;
    co_await before(impl_->clock, deadline, impl_->wait_idle());
  }
  co_await impl_->tasks.close();
}

}  // namespace nestor::kube
