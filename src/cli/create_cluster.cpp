#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "base/run.hpp"
#include "cli/cluster_chart.hpp"
#include "cli/cluster_watch.hpp"
#include "cli/commands.hpp"
#include "cli/fits.hpp"
#include "cli/kinds.hpp"

namespace nestor::cli {
namespace {

/// An existing cluster is only ever changed by scale and upgrade: a second `create` with other
/// values must not change it silently.
Task<> refuse_existing(Context& context, const ClusterRequest& request) {
  const kube::ObjectKey key{request.ns, request.name};
  auto existing = co_await context.client.get(kCluster, key);
  if (existing) {
    co_return fail(Code::kAlreadyExists,
                   "cluster " + key.to_string() + " already exists; change it with `nestor scale " +
                       request.name + "`, `nestor upgrade cluster " + request.name +
                       "` or helm, or remove it with `nestor delete cluster " + request.name + "`");
  }
  if (existing.error().code == Code::kNotFound) {
    const kube::ObjectKey ns{"", request.ns};
    auto found = co_await context.client.get(kNamespace, ns);
    if (!found && found.error().code == Code::kNotFound) {
      co_return fail(Code::kNotFound, "no namespace " + request.ns + "; make it with `kubectl " +
                                          "create namespace " + request.ns + "`");
    }
    co_return Result<>{};
  }
  co_return std::unexpected(existing.error());
}

void print_next_steps(const ClusterRequest& request) {
  std::printf(
      "\nCluster %s is ready.\n"
      "  nestor kubeconfig %s > %s.kubeconfig\n"
      "  kubectl --kubeconfig %s.kubeconfig get nodes\n"
      "  nestor describe cluster %s\n",
      request.name.c_str(), request.name.c_str(), request.name.c_str(), request.name.c_str(),
      request.name.c_str());
}

ValueSources sources_of(const CreateClusterOptions& options) {
  ValueSources sources;
  sources.files = options.values_files;
  sources.values = chart_values(options.request);
  sources.sets = options.sets;
  return sources;
}

Task<> print_objects(Executor executor, const CreateClusterOptions& options) {
  NESTOR_CO_TRY(ClusterChart chart, ClusterChart::open(executor, "", options.request.ns));
  ValueSources sources = sources_of(options);
  NESTOR_CO_TRY(const auto objects,
                co_await chart.render(options.request.name, std::move(sources)));
  if (options.format == OutputFormat::kJson) {
    std::fputs(format_objects(objects, OutputFormat::kJson).c_str(), stdout);
    co_return Result<>{};
  }
  for (const Json& object : objects) std::printf("---\n%s", to_yaml(object).c_str());
  co_return Result<>{};
}

}  // namespace

int print_cluster(const CreateClusterOptions& options) {
  if (auto valid = validate(options.request); !valid) return print_error(valid.error());
  asio::io_context io(1);
  const auto printed = run_to_end(io, print_objects(io.get_executor(), options));
  return printed ? 0 : print_error(printed.error());
}

Task<int> create_cluster(Context& context, CreateClusterOptions options) {
  options.request.ns = context.ns;
  NESTOR_CO_TRY_VOID(validate(options.request));
  NESTOR_CO_TRY_VOID(co_await refuse_existing(context, options.request));
  ProgressPrinter printer(context.clock);
  NESTOR_CO_TRY(ClusterChart chart,
                ClusterChart::open(context.executor, context.kubeconfig, context.ns));
  const std::string name = options.request.name;
  ValueSources sources = sources_of(options);
  NESTOR_CO_TRY(auto objects, co_await chart.render(name, sources));
  NESTOR_CO_TRY_VOID(co_await refuse_unfit(context.client, std::move(objects)));
  NESTOR_CO_TRY_VOID(co_await chart.forget_interrupted(context.client, context.clock, name));
  auto applied = co_await chart.apply(name, std::move(sources));
  if (!applied) co_return with_context(std::move(applied).error(), "creating the cluster");
  printer.line("cluster " + name + ": created");
  if (!options.wait) {
    std::printf("\nIt becomes ready in the background: nestor describe cluster %s\n", name.c_str());
    co_return 0;
  }
  ClusterWatch watch(context, kube::ObjectKey{context.ns, name});
  ClusterState last;
  auto waited = co_await watch.wait_until(
      complete,
      [&](const ClusterState& state) {
        printer.print(state);
        last = state;
      },
      options.timeout);
  co_await watch.close();
  if (!waited) {
    if (waited.error().code != Code::kDeadlineExceeded) co_return std::unexpected(waited.error());
    co_return fail(
        Code::kDeadlineExceeded,
        "cluster " + name + " is not ready after " +
            human_duration(std::chrono::duration_cast<std::chrono::seconds>(options.timeout)) +
            " (it goes on in the background):\n" + what_is_missing(last));
  }
  print_next_steps(options.request);
  co_return 0;
}

}  // namespace nestor::cli
