#include <boost/json/object.hpp>
#include <cstdio>

#include "cli/get_tables.hpp"
#include "cli/kinds.hpp"

namespace nestor::cli {
namespace {

std::string namespace_of(const Context& context, const GetOptions& options) {
  return options.all_namespaces ? "" : context.ns;
}

Task<std::vector<Json>> list_all(Context& context, kube::ResourceType type, GetOptions options) {
  const kube::ListOptions all;
  NESTOR_CO_TRY(kube::List found,
                co_await context.client.list(type, namespace_of(context, options), all));
  co_return std::move(found.items);
}

/// The objects that `options` ask for. Errors: kNotFound for a name that is not there.
Task<std::vector<Json>> select(Context& context, kube::ResourceType type, GetOptions options) {
  if (!options.name.empty() && options.all_namespaces) {
    co_return fail(Code::kInvalidArgument,
                   "a name is looked for in one namespace: choose it with -n instead of -A");
  }
  if (!options.name.empty()) {
    const kube::ObjectKey key{context.ns, options.name};
    NESTOR_CO_TRY(Json object, co_await context.client.get(type, key));
    std::vector<Json> one;
    one.push_back(std::move(object));
    co_return one;
  }
  NESTOR_CO_TRY(auto found, co_await list_all(context, type, options));
  std::erase_if(found, [&](const Json& object) {
    return !options.cluster.empty() &&
           find_string(object, {"spec", "clusterName"}) != options.cluster;
  });
  co_return found;
}

/// "No machines of cluster demo in namespace default"
std::string nothing_text(const Context& context, const GetOptions& options,
                         const std::string& what) {
  const std::string ns = namespace_of(context, options);
  return "No " + what + (options.cluster.empty() ? "" : " of cluster " + options.cluster) +
         (ns.empty() ? "" : " in namespace " + ns);
}

void print(const Table& table, const std::string& nothing) {
  if (table.empty()) {
    std::fprintf(stderr, "%s\n", nothing.c_str());
  } else {
    std::fputs(table.to_string().c_str(), stdout);
  }
}

/// For programs. False: a table is wanted.
bool print_objects_as(const std::vector<Json>& objects, OutputFormat format) {
  if (format == OutputFormat::kTable || format == OutputFormat::kWide) return false;
  std::fputs(format_objects(objects, format).c_str(), stdout);
  return true;
}

}  // namespace

Task<int> get_clusters(Context& context, GetOptions options) {
  NESTOR_CO_TRY(const auto clusters, co_await select(context, kCluster, options));
  if (print_objects_as(clusters, options.format)) co_return 0;
  NESTOR_CO_TRY(const auto planes, co_await list_all(context, kKamajiControlPlane, options));
  NESTOR_CO_TRY(const auto groups, co_await list_all(context, kMachineDeployment, options));
  print(clusters_table(options, context.clock.now(), clusters, planes, groups),
        nothing_text(context, options, "clusters") + "; make one with `nestor create cluster NAME" +
            context.same_place + "`");
  co_return 0;
}

Task<int> get_machines(Context& context, GetOptions options) {
  NESTOR_CO_TRY(const auto machines, co_await select(context, kMachine, options));
  if (print_objects_as(machines, options.format)) co_return 0;
  print(machines_table(options, context.clock.now(), machines),
        nothing_text(context, options, "machines"));
  co_return 0;
}

Task<int> get_nodegroups(Context& context, GetOptions options) {
  NESTOR_CO_TRY(const auto groups, co_await select(context, kMachineDeployment, options));
  if (print_objects_as(groups, options.format)) co_return 0;
  print(nodegroups_table(options, context.clock.now(), groups),
        nothing_text(context, options, "node groups"));
  co_return 0;
}

}  // namespace nestor::cli
