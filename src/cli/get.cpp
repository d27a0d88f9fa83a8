#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/kinds.hpp"
#include "cli/progress.hpp"

namespace nestor::cli {
namespace {

std::string text(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : to_text(*value);
}

std::string age(Context& context, const Json& object) {
  auto created = parse_rfc3339(find_string(object, {"metadata", "creationTimestamp"}));
  if (!created) return {};
  return human_duration(
      std::chrono::duration_cast<std::chrono::seconds>(context.clock.now() - *created));
}

std::string endpoint_text(const Json& cluster) {
  const std::string host = text(cluster, {"spec", "controlPlaneEndpoint", "host"});
  return host.empty() ? host : host + ":" + text(cluster, {"spec", "controlPlaneEndpoint", "port"});
}

/// The objects that `options` ask for. Errors: kNotFound for a name that is not there.
Task<std::vector<Json>> select(Context& context, kube::ResourceType type, GetOptions options) {
  if (!options.name.empty()) {
    const kube::ObjectKey key{context.ns, options.name};
    NESTOR_CO_TRY(Json object, co_await context.client.get(type, key));
    std::vector<Json> one;
    one.push_back(std::move(object));
    co_return one;
  }
  const kube::ListOptions list;
  NESTOR_CO_TRY(kube::List found,
                co_await context.client.list(type, options.all_namespaces ? "" : context.ns, list));
  co_return std::move(found.items);
}

void print(const Table& table, const std::string& nothing) {
  if (table.empty()) {
    std::fprintf(stderr, "%s\n", nothing.c_str());
  } else {
    std::fputs(table.to_string().c_str(), stdout);
  }
}

bool is_table(OutputFormat format) {
  return format == OutputFormat::kTable || format == OutputFormat::kWide;
}

}  // namespace

Task<int> get_clusters(Context& context, GetOptions options) {
  NESTOR_CO_TRY(const std::vector<Json> clusters, co_await select(context, kCluster, options));
  if (!is_table(options.format)) {
    std::fputs(format_objects(clusters, options.format).c_str(), stdout);
    co_return 0;
  }
  const bool wide = options.format == OutputFormat::kWide;
  std::vector<std::string> header{"NAME", "PHASE", "AVAILABLE", "WORKERS", "VERSION", "AGE"};
  if (options.all_namespaces) header.insert(header.begin(), "NAMESPACE");
  if (wide) header.emplace_back("ENDPOINT");
  Table table(header);
  const kube::ListOptions all;
  const std::string ns = options.all_namespaces ? "" : context.ns;
  NESTOR_CO_TRY(const kube::List groups, co_await context.client.list(kMachineDeployment, ns, all));
  for (const Json& cluster : clusters) {
    std::int64_t ready = 0, wanted = 0;
    std::string version;
    for (const Json& group : groups.items) {
      if (text(group, {"spec", "clusterName"}) != text(cluster, {"metadata", "name"}) ||
          text(group, {"metadata", "namespace"}) != text(cluster, {"metadata", "namespace"})) {
        continue;
      }
      version = text(group, {"spec", "template", "spec", "version"});
      const Json* now = find(group, {"status", "readyReplicas"});
      wanted += wanted_nodes(group);
      if (now != nullptr && now->is_int64()) ready += now->get_int64();
    }
    std::vector<std::string> row{text(cluster, {"metadata", "name"}),
                                 text(cluster, {"status", "phase"}),
                                 std::string(condition_status(cluster, "Available")),
                                 std::to_string(ready) + "/" + std::to_string(wanted),
                                 version,
                                 age(context, cluster)};
    if (options.all_namespaces) row.insert(row.begin(), text(cluster, {"metadata", "namespace"}));
    if (wide) row.push_back(endpoint_text(cluster));
    table.add(std::move(row));
  }
  print(table, "No clusters" + (ns.empty() ? "" : " in namespace " + ns) +
                   "; make one with `nestor create cluster NAME`");
  co_return 0;
}

Task<int> get_machines(Context& context, GetOptions options) {
  NESTOR_CO_TRY(const std::vector<Json> machines, co_await select(context, kMachine, options));
  if (!is_table(options.format)) {
    std::fputs(format_objects(machines, options.format).c_str(), stdout);
    co_return 0;
  }
  const bool wide = options.format == OutputFormat::kWide;
  std::vector<std::string> header{"NAME", "CLUSTER", "PHASE", "NODE", "READY", "VERSION", "AGE"};
  if (options.all_namespaces) header.insert(header.begin(), "NAMESPACE");
  if (wide) {
    header.emplace_back("PROVIDERID");
    header.emplace_back("ADDRESS");
  }
  Table table(header);
  for (const Json& machine : machines) {
    std::vector<std::string> row{text(machine, {"metadata", "name"}),
                                 text(machine, {"spec", "clusterName"}),
                                 text(machine, {"status", "phase"}),
                                 text(machine, {"status", "nodeRef", "name"}),
                                 std::string(condition_status(machine, "NodeReady")),
                                 text(machine, {"spec", "version"}),
                                 age(context, machine)};
    if (options.all_namespaces) row.insert(row.begin(), text(machine, {"metadata", "namespace"}));
    if (wide) {
      row.push_back(text(machine, {"spec", "providerID"}));
      std::string address;
      const Json* addresses = find(machine, {"status", "addresses"});
      if (addresses != nullptr && addresses->is_array()) {
        for (const Json& one : addresses->get_array()) {
          if (find_string(one, {"type"}) == "InternalIP") address = text(one, {"address"});
        }
      }
      row.push_back(address);
    }
    table.add(std::move(row));
  }
  print(table, "No machines");
  co_return 0;
}

}  // namespace nestor::cli
