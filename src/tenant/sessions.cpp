#include "tenant/sessions.hpp"

#include <deque>
#include <map>
#include <utility>

#include "api/cluster/cluster.hpp"
#include "api/cluster/labels.hpp"
#include "api/core/secret.hpp"
#include "base/base64.hpp"
#include "base/join.hpp"
#include "base/log.hpp"
#include "base/memory_budget.hpp"
#include "base/metrics.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/metrics.hpp"
#include "kube/runtime.hpp"
#include "tenant/probe.hpp"

namespace nestor::tenant {

namespace {

namespace names = api::cluster;

constexpr std::string_view kComponent = "tenant";
constexpr std::string_view kEventSource = "nestor";
constexpr std::string_view kProviderIdIndex = "providerID";
/// Anybody may read it.
constexpr const char* kReadyPath = "/readyz";
/// Only an administrator may.
constexpr const char* kOwnPath = "/api/v1/namespaces/kube-system";

/// One kubeconfig's worth of connection: ends when the kubeconfig changes or goes.
struct Entry {
  Entry(kube::ObjectKey key, std::string text, Executor executor)
      : cluster(std::move(key)), kubeconfig(std::move(text)), tasks(std::move(executor)) {}

  kube::ObjectKey cluster;
  std::string kubeconfig;
  std::shared_ptr<Session> session;
  ProbeTracker tracker;
  Probe probe;
  /// Whether the session was handed to on_session's handlers.
  bool announced = false;
  TaskGroup tasks;
};

Labels labels_of(const kube::ObjectKey& cluster) {
  return {{"namespace", cluster.ns}, {"cluster", cluster.name}};
}

void count_connected(const kube::ObjectKey& cluster, bool connected) {
  if (Metrics* metrics = kube::metrics()) {
    metrics
        ->gauge("nestor_tenant_connected", "Whether the tenant's API server answers",
                labels_of(cluster))
        .set(connected ? 1 : 0);
  }
}

/// Whether the API server answers, and to a `first` probe also whether it lets us do anything: a
/// new tenant's administrator is bound to its role after the server is ready.
Task<> ask(Session& session, bool first) {
  auto ready = co_await session.client().get_raw(kReadyPath);
  if (!ready) co_return std::unexpected(std::move(ready).error());
  if (!first) co_return Result<>{};
  auto own = co_await session.client().get_raw(kOwnPath);
  if (own || own.error().code != Code::kPermissionDenied) co_return Result<>{};
  co_return std::unexpected(std::move(own).error());
}

}  // namespace

Session::Session(kube::ObjectKey cluster, std::unique_ptr<kube::Client> client, Clock& clock,
                 Executor executor, std::shared_ptr<kube::CacheBudget> budget)
    : cluster_(std::move(cluster)),
      client_(std::move(client)),
      informers_(*client_, clock, executor, std::move(budget)),
      events_(*client_, clock, executor, std::string(kEventSource)) {}

asio::awaitable<void> Session::close() {
  co_await events_.close();
  co_await informers_.close();
}

struct Sessions::Impl {
  Impl(kube::Runtime& rt, ClientFactory make, CacheLimits bytes)
      : runtime(rt), factory(std::move(make)), limits(bytes), tasks(rt.executor()) {
    memory->limit = limits.all;
    memory->assured = limits.assured;
  }

  kube::Informer<api::core::Secret> secrets() {
    kube::Scope scope{.label_selector = std::string(names::kClusterNameLabel)};
    return runtime.informers().of<api::core::Secret>(scope);
  }
  kube::Informer<api::cluster::Cluster> clusters() {
    return runtime.informers().of<api::cluster::Cluster>();
  }

  std::string wanted_kubeconfig(const kube::ObjectKey& cluster);
  void follow();
  void refresh(const kube::ObjectKey& cluster);
  void retire(std::shared_ptr<Entry> entry);
  void set_connected(Entry& entry, bool connected, std::string message);
  void announce(Entry& entry);
  Result<std::shared_ptr<Session>> open(const Entry& entry);
  Task<> run(std::shared_ptr<Entry> entry);
  static Task<> end(std::shared_ptr<Entry> entry);
  static Task<> end_session(std::shared_ptr<Session> session);

  kube::Runtime& runtime;
  ClientFactory factory;
  const CacheLimits limits;
  const std::shared_ptr<CommonMemory> memory = std::make_shared<CommonMemory>();
  std::map<kube::ObjectKey, std::shared_ptr<Entry>> entries;
  // Deques, so that a handler may add another one while it is called.
  std::deque<std::function<void(const kube::ObjectKey&, bool)>> change_handlers;
  std::deque<std::function<void(Session&)>> session_handlers;
  bool closing = false;
  /// Runs what must finish even though its entry is gone already; never cancelled on purpose.
  TaskGroup tasks;
};

std::string Sessions::Impl::wanted_kubeconfig(const kube::ObjectKey& cluster) {
  const auto object = clusters().get(cluster);
  if (!object) return {};
  const auto secret = secrets().get({cluster.ns, names::kubeconfig_secret_name(cluster.name)});
  if (!secret || secret->metadata.label(names::kClusterNameLabel) != cluster.name) return {};
  const auto value = secret->data.find(std::string(names::kSecretValueKey));
  if (value == secret->data.end()) return {};
  auto text = base64_decode(value->second);
  if (!text) {
    log::warn(kComponent, "Secret {}/{}-kubeconfig: {}", cluster.ns, cluster.name,
              text.error().message);
    return {};
  }
  return *std::move(text);
}

void Sessions::Impl::refresh(const kube::ObjectKey& cluster) {
  if (closing) return;
  std::string wanted = wanted_kubeconfig(cluster);
  const auto found = entries.find(cluster);
  if (found != entries.end()) {
    if (found->second->kubeconfig == wanted) return;
    auto old = found->second;
    entries.erase(found);
    retire(std::move(old));
  }
  if (wanted.empty()) return;
  auto entry = std::make_shared<Entry>(cluster, std::move(wanted), runtime.executor());
  entry->probe = {
      .connected = false, .since = runtime.clock().now(), .message = "not connected yet"};
  entries.emplace(cluster, entry);
  count_connected(cluster, false);
  entry->tasks.spawn("tenant " + cluster.to_string(), run(entry));
}

void Sessions::Impl::retire(std::shared_ptr<Entry> entry) {
  if (entry->session) entry->session->end();
  set_connected(*entry, false, "the cluster or its kubeconfig is gone");
  if (Metrics* metrics = kube::metrics()) metrics->remove_series(labels_of(entry->cluster));
  tasks.spawn("tenant.end " + entry->cluster.to_string(), end(std::move(entry)));
}

Task<> Sessions::Impl::end(std::shared_ptr<Entry> entry) {
  co_await entry->tasks.close();
  if (entry->session) co_await entry->session->close();
  co_return Result<>{};
}

Task<> Sessions::Impl::end_session(std::shared_ptr<Session> session) {
  co_await session->close();
  co_return Result<>{};
}

void Sessions::Impl::set_connected(Entry& entry, bool connected, std::string message) {
  const bool changed = entry.probe.connected != connected;
  entry.probe.message = std::move(message);
  if (!changed) return;
  entry.probe.connected = connected;
  count_connected(entry.cluster, connected);
  entry.probe.since = runtime.clock().now();
  if (connected) {
    log::info(kComponent, "tenant {} connected", entry.cluster.to_string());
    announce(entry);
  } else {
    log::warn(kComponent, "tenant {} disconnected: {}", entry.cluster.to_string(),
              entry.probe.message);
  }
  for (std::size_t i = 0; i < change_handlers.size(); ++i) {
    change_handlers[i](entry.cluster, connected);
  }
}

void Sessions::Impl::announce(Entry& entry) {
  if (entry.announced) return;
  entry.announced = true;
  for (std::size_t i = 0; i < session_handlers.size(); ++i) session_handlers[i](*entry.session);
}

Result<std::shared_ptr<Session>> Sessions::Impl::open(const Entry& entry) {
  NESTOR_TRY(auto config, kube::parse_foreign_kubeconfig(entry.kubeconfig));
  auto budget = std::make_shared<kube::CacheBudget>(limits.tenant, memory);
  config.memory = budget;
  NESTOR_TRY(auto client, factory(runtime.executor(), std::move(config)));
  return std::make_shared<Session>(entry.cluster, std::move(client), runtime.clock(),
                                   runtime.executor(), std::move(budget));
}

Task<> Sessions::Impl::run(std::shared_ptr<Entry> entry) {
  while (true) {
    Result<> answer;
    if (!entry->session) {
      auto opened = open(*entry);
      if (opened) {
        entry->session = *std::move(opened);
      } else {
        answer = std::unexpected(std::move(opened).error());
      }
    }
    if (entry->session) {
      // Kept here: an answer of 401 drops the entry's own pointer.
      const auto session = entry->session;
      answer = co_await ask(*session, !entry->announced);
      // Without all of its objects nothing can be decided for a tenant.
      if (answer) answer = session->informers().check_size();
    }
    if (!answer && answer.error().code == Code::kCancelled) co_return answer;
    const ProbeStep step = entry->tracker.next(answer);
    if (step.connected != entry->probe.connected || !answer) {
      set_connected(*entry, step.connected, answer ? "" : answer.error().message);
    }
    if (step.rebuild && entry->session) {
      auto old = std::exchange(entry->session, nullptr);
      old->end();
      entry->announced = false;
      tasks.spawn("tenant.rebuild " + entry->cluster.to_string(), end_session(std::move(old)));
    }
    NESTOR_CO_TRY_VOID(co_await runtime.clock().sleep_for(step.wait));
  }
}

void Sessions::Impl::follow() {
  clusters().subscribe(
      [this](const auto& old, const auto& now) { refresh((now ? now : old)->metadata.key()); });
  secrets().subscribe([this](const auto& old, const auto& now) {
    const auto& metadata = (now ? now : old)->metadata;
    if (!metadata.name.ends_with(names::kKubeconfigSecretSuffix)) return;
    const auto length = metadata.name.size() - names::kKubeconfigSecretSuffix.size();
    refresh({metadata.namespace_, metadata.name.substr(0, length)});
  });
}

Sessions::Sessions(kube::Runtime& runtime, ClientFactory factory, CacheLimits limits)
    : impl_(std::make_unique<Impl>(runtime, factory ? std::move(factory) : kube::make_client,
                                   limits)) {
  impl_->follow();
}

Sessions::~Sessions() = default;

std::shared_ptr<Session> Sessions::find(const kube::ObjectKey& cluster) const {
  const auto found = impl_->entries.find(cluster);
  if (found == impl_->entries.end() || !found->second->probe.connected) return nullptr;
  return found->second->session;
}

Probe Sessions::probe(const kube::ObjectKey& cluster) const {
  const auto found = impl_->entries.find(cluster);
  if (found == impl_->entries.end()) {
    return {.connected = false, .since = {}, .message = "there is no kubeconfig yet"};
  }
  return found->second->probe;
}

void Sessions::on_change(std::function<void(const kube::ObjectKey&, bool)> handler) {
  impl_->change_handlers.push_back(handler);
  for (const auto& [key, entry] : impl_->entries) {
    if (entry->probe.connected) handler(key, true);
  }
}

void Sessions::on_session(std::function<void(Session&)> handler) {
  impl_->session_handlers.push_back(handler);
  for (const auto& [key, entry] : impl_->entries) {
    if (entry->announced) handler(*entry->session);
  }
}

void Sessions::watch_nodes(ObjectHandler<api::core::Node> handler) {
  add_index<api::core::Node>(std::string(kProviderIdIndex), [](const api::core::Node& node) {
    return std::vector<std::string>{node.spec.providerID};
  });
  watch<api::core::Node>(std::move(handler));
}

Sessions::NodePtr Sessions::find_node(Session& session, const std::string& provider_id) {
  if (provider_id.empty()) return nullptr;
  const auto found = session.informers().of<api::core::Node>().by_index(
      std::string(kProviderIdIndex), provider_id);
  return found.empty() ? nullptr : found.front();
}

asio::awaitable<void> Sessions::close() {
  impl_->closing = true;
  auto entries = std::exchange(impl_->entries, {});
  // At the same time: one that does not answer takes the seconds it has for its last events, and
  // the process has few altogether.
  std::vector<Task<>> ends;
  for (auto& [key, entry] : entries) ends.push_back(Impl::end(entry));
  co_await join_all(std::move(ends));
  co_await impl_->tasks.close();
}

}  // namespace nestor::tenant
