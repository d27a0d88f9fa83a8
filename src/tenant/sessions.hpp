#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "kube/client.hpp"
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

/// The open way into one tenant. Hold the shared pointer while using it: after the tenant is gone
/// its calls fail and its caches stand still, but the objects live on. Thread: event loop.
class Session {
 public:
  Session(kube::ObjectKey cluster, std::unique_ptr<kube::Client> client, Clock& clock,
          Executor executor);

  const kube::ObjectKey& cluster() const { return cluster_; }
  kube::Client& client() { return *client_; }
  kube::InformerSet& informers() { return informers_; }

 private:
  kube::ObjectKey cluster_;
  std::unique_ptr<kube::Client> client_;
  kube::InformerSet informers_;
};

/// Makes a client; kube::make_client outside tests.
using ClientFactory =
    std::function<Result<std::unique_ptr<kube::Client>>(Executor, kube::ClientConfig)>;

/// Keeps a session for every Cluster that has its Secret `<cluster>-kubeconfig` (key `value`, label
/// cluster.x-k8s.io/cluster-name). Probes `/readyz` every 10 s; five failures in a row make it
/// disconnected until a probe succeeds; 401 builds it anew from the Secret as it then is.
/// Follows the management cluster from its construction on.
/// Thread: event loop. Lifetime: closed after `runtime`, destroyed before it.
class Sessions {
 public:
  explicit Sessions(kube::Runtime& runtime, ClientFactory factory = {});
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  /// The session of a Cluster, or nullptr while its API server does not answer.
  std::shared_ptr<Session> find(const kube::ObjectKey& cluster) const;
  /// As find() says it, with the reason. A Cluster without kubeconfig is not connected.
  Probe probe(const kube::ObjectKey& cluster) const;

  /// Calls `handler` when a tenant gets connected or disconnected, and at once for each that
  /// already is connected. At the first connection of a session is the time to subscribe to its
  /// informers.
  void on_change(std::function<void(const kube::ObjectKey& cluster, bool connected)> handler);
  /// Calls `handler` for each change of a Node of any tenant (old null: added; now null: gone). All
  /// Nodes are cached from then on, indexed by "providerID".
  using NodePtr = kube::Informer<api::core::Node>::Ptr;
  using NodeHandler =
      std::function<void(const kube::ObjectKey& cluster, const NodePtr& old, const NodePtr& now)>;
  void watch_nodes(NodeHandler handler);
  /// The Node with that providerID, or nullptr.
  static NodePtr find_node(Session& session, const std::string& provider_id);

  /// Ends all sessions. Must be called before destruction, after the controllers were closed.
  asio::awaitable<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor::tenant
