#include "storage/csi/csi.hpp"

#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "base/log.hpp"
#include "base/run.hpp"
#include "kube/kubeconfig.hpp"
#include "storage/csi/services.hpp"

namespace nestor::storage {
namespace {

constexpr std::string_view kComponent = "csi";
/// What a call that runs when we are asked to end still gets.
constexpr Duration kGrace = std::chrono::seconds(10);

Result<> listen(grpc::Server& server, const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  grpc::Listen where;
  where.unix_path = path;
  where.unix_mode = 0600;
  return server.listen(where);
}

/// Serves until SIGTERM, unless it did not start.
Task<> serve(asio::io_context& io, grpc::Server& server, Result<> started) {
  if (started) {
    asio::signal_set signals(io, SIGINT, SIGTERM);
    (void)co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_await server.stop(kGrace);
  co_return started;
}

/// serve() of a server whose handlers watch.
Task<> serve_watching(asio::io_context& io, grpc::Server& server, kube::InformerSet& informers,
                      Result<> started) {
  auto result = co_await serve(io, server, std::move(started));
  co_await informers.close();
  co_return result;
}

int exit_code(const Result<>& result) {
  if (result) return 0;
  log::error(kComponent, "{}", result.error().message);
  return 1;
}

}  // namespace

int csi_node_main(CsiNodeOptions options) {
  asio::io_context io(1);
  SystemClock clock(io.get_executor());
  const auto processes = make_process_runner(io.get_executor());
  const auto host = make_node_host(*processes);
  NodeOptions node{.node_name = options.node_name, .max_volumes = options.max_volumes};
  grpc::Server server(io.get_executor(),
                      join(identity_service(), join(registration_service(options.kubelet_endpoint),
                                                    node_service(*host, clock, node))));
  Result<> started;
  if (options.node_name.empty()) {
    started = fail(Code::kInvalidArgument, "--node-name or NODE_NAME is needed");
  }
  if (started) started = listen(server, options.endpoint);
  // Last: kubelet calls the driver as soon as it sees this socket.
  if (started && !options.registration.empty()) started = listen(server, options.registration);
  if (started) log::info(kComponent, "node {} serves {}", options.node_name, options.endpoint);
  return exit_code(run_to_end(io, serve(io, server, std::move(started))));
}

int csi_controller_main(CsiControllerOptions options) {
  if (options.ns.empty() || options.cluster.empty()) {
    return exit_code(fail(Code::kInvalidArgument, "--namespace and --cluster are needed"));
  }
  auto config = kube::load_config(options.kubeconfig);
  if (!config) return exit_code(std::unexpected(std::move(config).error()));
  asio::io_context io(1);
  auto client = kube::make_client(io.get_executor(), std::move(*config));
  if (!client) return exit_code(std::unexpected(std::move(client).error()));
  SystemClock clock(io.get_executor());
  kube::InformerSet informers(**client, clock, io.get_executor());
  Volumes volumes(**client);
  ControllerOptions controller;
  controller.owner.cluster = {options.ns, options.cluster};
  grpc::Server server(
      io.get_executor(),
      join(identity_service(), controller_service(volumes, informers, clock, controller)));
  auto started = listen(server, options.endpoint);
  if (started) {
    log::info(kComponent, "volumes of {}: serves {}", controller.owner.cluster.to_string(),
              options.endpoint);
  }
  return exit_code(run_to_end(io, serve_watching(io, server, informers, std::move(started))));
}

}  // namespace nestor::storage
