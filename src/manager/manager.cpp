#include "manager/manager.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <memory>
#include <optional>

#include "addon/addon.hpp"
#include "autoscale/autoscale.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/process.hpp"
#include "base/random.hpp"
#include "base/run.hpp"
#include "bootstrap/bootstrap.hpp"
#include "cloud/cloud.hpp"
#include "cluster/cluster.hpp"
#include "controlplane/controlplane.hpp"
#include "infrastructure/infrastructure.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/leader.hpp"
#include "kube/metrics.hpp"
#include "kube/runtime.hpp"
#include "net/http.hpp"
#include "storage/storage.hpp"
#include "tenant/sessions.hpp"
#include "vm/vm.hpp"

namespace nestor::manager {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A pod's name is its own: a container that is started again in the same pod is the same holder
/// of the lease, and goes on at once.
std::string lease_holder() {
  SystemRandom random;
  auto pod = environment("POD_NAME");
  return pod.empty() ? "nestor_" + random.name_suffix() : pod;
}

/// Everything that lives as long as the process, in the order of construction.
class Manager {
 public:
  Manager(asio::io_context& io, Options options)
      : io_(io),
        options_(std::move(options)),
        clock_(io.get_executor()),
        processes_(make_process_runner(io.get_executor())),
        tasks_(io.get_executor()) {}

  Result<> start() {
    // Without the pool no load balancer would ever get an address, and nothing would say why.
    if (!options_.address_pool.empty()) {
      auto pool = cloud::AddressPool::parse(options_.address_pool);
      if (!pool) return with_context(std::move(pool).error(), "--address-pool");
      pool_ = *std::move(pool);
    }
    NESTOR_TRY(auto config, kube::load_config(options_.kubeconfig));
    NESTOR_TRY(client_, kube::make_client(io_.get_executor(), std::move(config)));
    net::HttpServerOptions http{.address = options_.address, .port = options_.port, .max_body = 0};
    NESTOR_TRY(server_,
               net::make_http_server(io_.get_executor(), http, [this](net::HttpRequest request) {
                 return answer(std::move(request));
               }));
    log::info("manager", "Nestor {} listens on port {}", NESTOR_VERSION, server_->port());
    if (options_.leader_elect) {
      tasks_.spawn("leader election", lead());
    } else {
      start_controllers();
    }
    return {};
  }

  Task<> run_until(asio::signal_set& signals) {
    co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await stop();
    co_return Result<>{};
  }

  /// Stops everything, in the reverse order.
  asio::awaitable<void> stop() {
    if (runtime_) co_await runtime_->close();
    if (sessions_) co_await sessions_->close();
    co_await tasks_.close();
    if (server_) co_await server_->stop();
  }

 private:
  void start_controllers() {
    kube::set_metrics(&metrics_);
    runtime_ = std::make_unique<kube::Runtime>(io_.get_executor(), *client_, clock_, *processes_,
                                               "nestor-manager");
    sessions_ = std::make_unique<tenant::Sessions>(*runtime_);
    cluster::add_controllers(*runtime_, *sessions_);
    bootstrap::add_controllers(*runtime_, *sessions_);
    infrastructure::add_controllers(*runtime_, *sessions_);
    autoscale::add_controllers(*runtime_, *sessions_);
    controlplane::Options controlplane;
    controlplane.etcdctl = options_.etcdctl;
    controlplane.image = options_.image;
    controlplane.privileged = options_.privileged_control_planes;
    controlplane::add_controllers(*runtime_, *sessions_, std::move(controlplane));
    storage::Options storage;
    storage.grow_local_path = options_.grow_local_path;
    storage::add_controllers(*runtime_, *sessions_, std::move(storage));
    addon::Options addon;
    addon.helm = options_.helm;
    addon::add_controllers(*runtime_, *sessions_, std::move(addon));
    if (options_.vm_runtime == "builtin") {
      vm::Options vm;
      vm.launcher_image = options_.vm_launcher_image;
      vm.runtime_class = options_.vm_runtime_class;
      vm.kvm_resource = options_.vm_kvm_resource;
      vm.kubelet_folder = options_.vm_kubelet_folder;
      vm.fence.enabled = options_.vm_fence;
      if (!options_.vm_fence_closed.empty()) vm.fence.closed = options_.vm_fence_closed;
      vm.fence.open = options_.vm_fence_open;
      vm::add_controllers(*runtime_, std::move(vm));
    }
    cloud::Options cloud;
    cloud.zones = options_.cloud_zones;
    cloud.node_ports = !pool_;
    cloud.max_load_balancers = options_.cloud_max_load_balancers;
    cloud.passed_annotations = options_.cloud_pass_annotations;
    cloud::add_controllers(*runtime_, *sessions_, cloud);
    if (pool_) cloud::add_address_pool(*runtime_, *pool_);
    runtime_->start();
    leading_.set(1);
  }

  Task<> lead() {
    kube::LeaderOptions lease;
    lease.ns =
        options_.lease_namespace.empty() ? environment("POD_NAMESPACE") : options_.lease_namespace;
    lease.name = "nestor-manager";
    lease.identity = lease_holder();
    if (lease.ns.empty()) {
      log::error("manager", "leader election needs --lease-namespace or POD_NAMESPACE");
    } else {
      auto ended = co_await kube::lead(*client_, clock_, lease, [this] { start_controllers(); });
      if (!ended && ended.error().code == Code::kCancelled) co_return ended;
      log::error("manager", "no longer the leader: {}", ended ? "" : ended.error().message);
    }
    // Another replica may lead already: nothing of ours may go on.
    std::_Exit(1);
  }

  asio::awaitable<net::HttpResponse> answer(net::HttpRequest request) {
    net::HttpResponse response;
    response.status = 200;
    response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    if (request.target == "/healthz" || request.target == "/readyz") {
      // A replica that waits for the lease is ready too: it can take over.
      response.body = "ok\n";
    } else if (request.target == "/metrics") {
      response.body = metrics_.serialize();
    } else {
      response.status = 404;
      response.body = "not found: try /healthz, /readyz or /metrics\n";
    }
    co_return response;
  }

  asio::io_context& io_;
  Options options_;
  std::optional<cloud::AddressPool> pool_;
  SystemClock clock_;
  std::unique_ptr<ProcessRunner> processes_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<kube::Runtime> runtime_;
  std::unique_ptr<tenant::Sessions> sessions_;
  Metrics metrics_;
  Gauge leading_ = metrics_.gauge("nestor_leader", "Whether this replica runs the controllers");
  TaskGroup tasks_;
};

}  // namespace

int run(Options options) {
  asio::io_context io(1);
  Manager manager(io, std::move(options));
  if (auto started = manager.start(); !started) {
    log::error("manager", "cannot start: {}", started.error().message);
    return 1;
  }
  asio::signal_set signals(io, SIGINT, SIGTERM);
  const auto ended = run_to_end(io, manager.run_until(signals));
  if (!ended) log::error("manager", "{}", ended.error().message);
  return ended ? 0 : 1;
}

}  // namespace nestor::manager
