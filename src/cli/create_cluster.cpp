#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <filesystem>

#include "base/file.hpp"
#include "base/run.hpp"
#include "cli/cluster_chart.hpp"
#include "cli/cluster_watch.hpp"
#include "cli/commands.hpp"
#include "cli/fits.hpp"
#include "cli/kinds.hpp"

namespace nestor::cli {
namespace {

/// Before anything is made or rendered.
Result<> validate_options(const CreateClusterOptions& options) {
  NESTOR_TRY_VOID(validate(options.request));
  std::vector<ValuesFile> files;
  for (const std::string& path : options.values_files) {
    // A pipe can be read once, by helm, which also says what is wrong with a file.
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    NESTOR_TRY(const std::string text, read_file(path));
    auto documents = parse_yaml_documents(text);
    if (documents && !documents->empty()) files.push_back({path, std::move(documents->front())});
  }
  return validate_groups(options.request, files);
}

/// An existing cluster is only ever changed by scale and upgrade: a second `create` with other
/// values must not change it silently.
Task<> refuse_existing(Context& context, const ClusterRequest& request) {
  const kube::ObjectKey key{request.ns, request.name};
  auto existing = co_await context.client.get(kCluster, key);
  if (existing) {
    const std::string name = request.name + context.same_place;
    co_return fail(Code::kAlreadyExists,
                   "cluster " + key.to_string() + " already exists; change it with `nestor scale " +
                       name + "`, `nestor upgrade cluster " + name +
                       "` or helm, or remove it with `nestor delete cluster " + name + "`");
  }
  if (existing.error().code == Code::kNotFound) {
    NESTOR_CO_TRY_VOID(co_await require_kinds(context));
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

void print_next_steps(const std::string& name, const std::string& same_place) {
  std::printf(
      "\nCluster %s is ready.\n"
      "  (umask 077 && nestor kubeconfig %s%s > %s.kubeconfig)\n"
      "  kubectl --kubeconfig %s.kubeconfig get nodes\n"
      "  nestor describe cluster %s%s\n",
      name.c_str(), name.c_str(), same_place.c_str(), name.c_str(), name.c_str(), name.c_str(),
      same_place.c_str());
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

int print_cluster(const ConnectOptions& connect, CreateClusterOptions options) {
  auto ns = namespace_without_connection(connect);
  if (!ns) return print_error(ns.error());
  options.request.ns = std::move(*ns);
  if (auto valid = validate_options(options); !valid) return print_error(valid.error());
  asio::io_context io(1);
  const auto printed = run_to_end(io, print_objects(io.get_executor(), options));
  return printed ? 0 : print_error(printed.error());
}

Task<int> create_cluster(Context& context, CreateClusterOptions options) {
  options.request.ns = context.ns;
  NESTOR_CO_TRY_VOID(validate_options(options));
  NESTOR_CO_TRY_VOID(co_await refuse_existing(context, options.request));
  ProgressPrinter printer(context.clock);
  NESTOR_CO_TRY(ClusterChart chart, open_chart(context));
  const std::string name = options.request.name;
  ValueSources sources = sources_of(options);
  NESTOR_CO_TRY(auto objects, co_await chart.render(name, sources));
  NESTOR_CO_TRY_VOID(co_await refuse_unfit(context.client, std::move(objects)));
  NESTOR_CO_TRY_VOID(co_await chart.forget_interrupted(context.client, context.clock, name));
  auto applied = co_await chart.apply(name, std::move(sources));
  if (!applied) co_return with_context(std::move(applied).error(), "creating the cluster");
  printer.line("cluster " + name + ": created");
  if (!options.wait) {
    std::printf("\nIt becomes ready in the background: nestor describe cluster %s%s\n",
                name.c_str(), context.same_place.c_str());
    co_return 0;
  }
  const kube::ObjectKey key{context.ns, name};
  NESTOR_CO_TRY_VOID(co_await wait_and_print(context, key, printer, complete, options.timeout,
                                             "cluster " + name + " is not ready"));
  print_next_steps(name, context.same_place);
  co_return 0;
}

}  // namespace nestor::cli
