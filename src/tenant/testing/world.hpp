#pragma once

#include <map>
#include <memory>
#include <string>

#include "api/cluster/cluster.hpp"
#include "api/core/secret.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/runtime.hpp"
#include "kube/testing/fake_client.hpp"
#include "tenant/sessions.hpp"
#include "tenant/testing/forwarding_client.hpp"

namespace nestor::tenant::testing {

/// A management cluster and one tenant in memory, with everything a room's controllers need.
/// `restart()` is what a crash of the manager is: all of our state is gone, theirs stays.
class World {
 public:
  explicit World(CacheLimits limits_in = {}) : limits(limits_in) { boot(); }
  ~World() { stop(); }

  void boot() {
    runtime =
        std::make_unique<kube::Runtime>(io.get_executor(), management, clock, *processes, "test");
    sessions = std::make_unique<Sessions>(
        *runtime,
        [this](Executor, kube::ClientConfig config) -> Result<std::unique_ptr<kube::Client>> {
          ++opened;
          last_server = config.server;
          const auto other = others.find(config.server);
          return std::make_unique<ForwardingClient>(other == others.end() ? tenant
                                                                          : *other->second);
        },
        limits);
  }
  void start() {
    runtime->start();
    run();
  }
  void stop() {
    if (!runtime) return;
    run_coroutine(io, runtime->close());
    run_coroutine(io, sessions->close());
    sessions.reset();
    runtime.reset();
  }
  /// Runs everything that is ready.
  void run() { settle(io); }
  /// Lets time pass, step by step so that each step's work gets done.
  void pass(Duration time) {
    for (Duration step(500); time > Duration(0); time -= step) {
      clock.advance(std::min(step, time));
      run();
    }
  }

  /// A Cluster called demo in namespace default with the kubeconfig of the tenant.
  void add_cluster(const std::string& name = "demo") {
    api::cluster::Cluster cluster;
    cluster.metadata.name = name;
    cluster.metadata.namespace_ = "default";
    management.put(cluster);
  }
  void add_kubeconfig(const std::string& server = "https://10.0.0.1:6443",
                      const std::string& cluster = "demo") {
    api::core::Secret secret;
    secret.metadata.name = cluster + "-kubeconfig";
    secret.metadata.namespace_ = "default";
    secret.metadata.labels["cluster.x-k8s.io/cluster-name"] = cluster;
    api::core::set_secret_value(
        secret, "value",
        "{apiVersion: v1, kind: Config, current-context: x, contexts: [{name: x, context: "
        "{cluster: x, user: x}}], clusters: [{name: x, cluster: {server: '" +
            server + "'}}], users: [{name: x, user: {token: abc}}]}");
    management.put(secret);
  }
  /// Makes the tenant's API server answer.
  void tenant_up() { tenant.set_raw("/readyz", "ok"); }

  const CacheLimits limits;
  const kube::ObjectKey demo{"default", "demo"};
  asio::io_context io;
  ManualClock clock{io.get_executor()};
  kube::testing::FakeClient management{&clock};
  kube::testing::FakeClient tenant{&clock};
  std::unique_ptr<ProcessRunner> processes = make_process_runner(io.get_executor());
  std::unique_ptr<kube::Runtime> runtime;
  std::unique_ptr<Sessions> sessions;
  /// Tenants beside the one, by the server that their kubeconfigs name.
  std::map<std::string, kube::testing::FakeClient*> others;
  /// Clients made so far, and for which server the last.
  int opened = 0;
  std::string last_server;
};

}  // namespace nestor::tenant::testing
