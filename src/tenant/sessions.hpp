#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/core/node.hpp"
#include "kube/client.hpp"
#include "kube/events.hpp"
#include "kube/informer.hpp"
#include "kube/object.hpp"

namespace nestor::kube {
class Runtime;
}

/// The manager's way into tenant clusters: one client and one set of caches a tenant, shared by all
/// controllers that look inside it.
namespace nestor::tenant {

/// How the last probes of a tenant's API server went.
struct Probe {
  bool connected = false;
  /// Since when `connected` has its value.
  WallTime since = {};
  /// Why it is not connected; no secret in it.
  std::string message;
};

/// What is kept of tenants' objects and of their answers while they are read, in bytes of memory: a
/// tenant's administrator may make as many as he likes, and all tenants share the manager's memory
/// (`manager.resources` in the chart's values.yaml). While a list replaces a cache, both are held
/// and the larger counts.
struct CacheLimits {
  /// Of a tenant. 30,000 pods take a third of it.
  std::size_t tenant = 256UL * 1024 * 1024;
  /// Of all tenants together; who would go beyond it is refused.
  std::size_t all = 640UL * 1024 * 1024;
  /// Of a tenant, what has its place beyond three quarters of `all`, where nothing else goes. With
  /// many tenants it is less: a quarter of `all`, shared out.
  std::size_t assured = 16UL * 1024 * 1024;
};

/// The open way into one tenant. Hold the shared pointer while using it: after the tenant is gone
/// its calls fail and its caches stand still, but the objects live on. Thread: event loop.
class Session {
 public:
  Session(kube::ObjectKey cluster, std::unique_ptr<kube::Client> client, Clock& clock,
          Executor executor, std::shared_ptr<kube::CacheBudget> budget);

  const kube::ObjectKey& cluster() const { return cluster_; }
  kube::Client& client() { return *client_; }
  kube::InformerSet& informers() { return informers_; }
  /// Events for the people of the tenant: nothing about the management cluster or other tenants.
  kube::EventRecorder& events() { return events_; }

  /// Whether the tenant's kubeconfig changed or went, so that this is no longer the way in.
  bool ended() const { return ended_; }
  /// For Sessions only.
  void end() { ended_ = true; }
  asio::awaitable<void> close();

 private:
  bool ended_ = false;
  kube::ObjectKey cluster_;
  std::unique_ptr<kube::Client> client_;
  kube::InformerSet informers_;
  kube::EventRecorder events_;
};

/// Makes a client; kube::make_client outside tests.
using ClientFactory =
    std::function<Result<std::unique_ptr<kube::Client>>(Executor, kube::ClientConfig)>;

/// Keeps a session for every Cluster that has its Secret `<cluster>-kubeconfig` (key `value`, label
/// cluster.x-k8s.io/cluster-name). It is connected once `/readyz` answers and what only an
/// administrator may read can be read. Probes `/readyz` every 10 s from then on; five failures in a
/// row make it disconnected until a probe succeeds; so do objects beyond its CacheLimits; 401
/// builds it anew from the Secret as it then is. Follows the management cluster from its
/// construction on. Metric: nestor_tenant_connected{namespace,cluster}, which goes with the tenant.
/// Thread: event loop. Lifetime: closed after `runtime`, destroyed before it.
class Sessions {
 public:
  explicit Sessions(kube::Runtime& runtime, ClientFactory factory = {}, CacheLimits limits = {});
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  /// The session of a Cluster, or nullptr while its API server does not answer.
  std::shared_ptr<Session> find(const kube::ObjectKey& cluster) const;
  /// As find() says it, with the reason. A Cluster without kubeconfig is not connected.
  Probe probe(const kube::ObjectKey& cluster) const;

  /// Calls `handler` when a tenant gets connected or disconnected, and at once for each that
  /// already is connected.
  void on_change(std::function<void(const kube::ObjectKey& cluster, bool connected)> handler);
  /// Calls `handler` once for every session: when it first gets connected (before on_change's
  /// handlers), at once for those that were. The place to add to its caches. A session that is
  /// built anew, after a new kubeconfig or refused credentials, is another one.
  void on_session(std::function<void(Session&)> handler);

  template <kube::Resource T>
  using ObjectHandler =
      std::function<void(const kube::ObjectKey& cluster, const typename kube::Informer<T>::Ptr& old,
                         const typename kube::Informer<T>::Ptr& now)>;
  /// Caches the objects of kind T in every tenant from now on and calls `handler` for each change
  /// (old null: added; now null: gone), and as added for each that is cached already. The end of a
  /// session does not report its objects as gone; a new session reports them as added again.
  /// With a `scope` (namespace, label or field selector) only those; read them back with
  /// `session.informers().of<T>(scope)`. Equal scopes share one watch a tenant.
  template <kube::Resource T>
  void watch(ObjectHandler<T> handler, kube::Scope scope = {}) {
    on_session([handler = std::move(handler), scope = std::move(scope)](Session& session) {
      // The session owns the informer, so it outlives every call of this.
      session.informers().of<T>(scope).subscribe(
          [handler, &session](const auto& old, const auto& now) {
            if (!session.ended()) handler(session.cluster(), old, now);
          });
    });
  }
  /// Caches the objects of kind T in every tenant and indexes them; see Informer::add_index and
  /// by_index.
  template <kube::Resource T>
  void add_index(std::string name, std::function<std::vector<std::string>(const T&)> function,
                 kube::Scope scope = {}) {
    on_session([name = std::move(name), function = std::move(function),
                scope = std::move(scope)](Session& session) {
      session.informers().of<T>(scope).add_index(name, function);
    });
  }

  using NodePtr = kube::Informer<api::core::Node>::Ptr;
  /// watch<Node>, with the index that find_node() needs.
  void watch_nodes(ObjectHandler<api::core::Node> handler);
  /// The Node with that providerID, or nullptr.
  static NodePtr find_node(Session& session, const std::string& provider_id);

  /// Ends all sessions, which takes some two seconds when tenants do not answer, however many. Must
  /// be called before destruction, after the controllers were closed.
  asio::awaitable<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::tenant
