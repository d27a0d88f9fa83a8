#include "cli/get_tables.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/cluster/labels.hpp"
#include "cli/progress.hpp"

namespace nestor::cli {
namespace {

std::string text(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : to_text(*value);
}

std::string age(WallTime now, const Json& object) {
  auto created = parse_rfc3339(find_string(object, {"metadata", "creationTimestamp"}));
  if (!created) return {};
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - *created));
}

std::string endpoint_text(const Json& cluster) {
  const std::string host = text(cluster, {"spec", "controlPlaneEndpoint", "host"});
  return host.empty() ? host : host + ":" + text(cluster, {"spec", "controlPlaneEndpoint", "port"});
}

std::string internal_address(const Json& machine) {
  const Json* addresses = find(machine, {"status", "addresses"});
  if (addresses == nullptr || !addresses->is_array()) return {};
  for (const Json& one : addresses->get_array()) {
    if (find_string(one, {"type"}) == "InternalIP") return text(one, {"address"});
  }
  return {};
}

bool same_namespace(const Json& one, const Json& other) {
  return text(one, {"metadata", "namespace"}) == text(other, {"metadata", "namespace"});
}

/// The version of a cluster's control plane, once one runs.
std::string version_of(const Json& cluster, const std::vector<Json>& control_planes) {
  const auto name = find_string(cluster, {"spec", "controlPlaneRef", "name"});
  for (const Json& one : control_planes) {
    if (find_string(one, {"metadata", "name"}) == name && same_namespace(one, cluster)) {
      return text(one, {"status", "version"});
    }
  }
  return {};
}

std::int64_t ready_nodes(const Json& deployment) {
  const Json* ready = find(deployment, {"status", "readyReplicas"});
  return ready != nullptr && ready->is_int64() ? ready->get_int64() : 0;
}

/// A table whose first column is the namespace where there are several.
Table table_of(const GetOptions& options, std::vector<std::string> header,
               std::vector<std::string> wide) {
  if (options.all_namespaces) header.insert(header.begin(), "NAMESPACE");
  if (options.format == OutputFormat::kWide) {
    header.insert(header.end(), wide.begin(), wide.end());
  }
  return Table(std::move(header));
}

void add_row(Table& table, const GetOptions& options, const Json& object,
             std::vector<std::string> row, std::vector<std::string> wide) {
  if (options.all_namespaces) row.insert(row.begin(), text(object, {"metadata", "namespace"}));
  if (options.format == OutputFormat::kWide) row.insert(row.end(), wide.begin(), wide.end());
  table.add(std::move(row));
}

}  // namespace

Table clusters_table(const GetOptions& options, WallTime now, const std::vector<Json>& clusters,
                     const std::vector<Json>& control_planes,
                     const std::vector<Json>& deployments) {
  Table table = table_of(options, {"NAME", "PHASE", "AVAILABLE", "WORKERS", "VERSION", "AGE"},
                         {"ENDPOINT", "NODES-VERSION"});
  for (const Json& cluster : clusters) {
    std::int64_t ready = 0, wanted = 0;
    std::vector<std::string> versions;
    for (const Json& group : deployments) {
      if (text(group, {"spec", "clusterName"}) != text(cluster, {"metadata", "name"}) ||
          !same_namespace(group, cluster)) {
        continue;
      }
      wanted += wanted_nodes(group);
      ready += ready_nodes(group);
      std::string version = text(group, {"spec", "template", "spec", "version"});
      if (std::ranges::find(versions, version) == versions.end()) {
        versions.push_back(std::move(version));
      }
    }
    std::string of_nodes;
    for (const std::string& one : versions) of_nodes += (of_nodes.empty() ? "" : ",") + one;
    add_row(table, options, cluster,
            {text(cluster, {"metadata", "name"}), text(cluster, {"status", "phase"}),
             std::string(condition_status(cluster, "Available")),
             std::to_string(ready) + "/" + std::to_string(wanted),
             version_of(cluster, control_planes), age(now, cluster)},
            {endpoint_text(cluster), of_nodes});
  }
  return table;
}

Table machines_table(const GetOptions& options, WallTime now, const std::vector<Json>& machines) {
  Table table = table_of(options, {"NAME", "CLUSTER", "PHASE", "NODE", "READY", "VERSION", "AGE"},
                         {"PROVIDERID", "ADDRESS"});
  for (const Json& machine : machines) {
    add_row(table, options, machine,
            {text(machine, {"metadata", "name"}), text(machine, {"spec", "clusterName"}),
             text(machine, {"status", "phase"}), text(machine, {"status", "nodeRef", "name"}),
             std::string(condition_status(machine, "NodeReady")),
             text(machine, {"spec", "version"}), age(now, machine)},
            {text(machine, {"spec", "providerID"}), internal_address(machine)});
  }
  return table;
}

Table nodegroups_table(const GetOptions& options, WallTime now,
                       const std::vector<Json>& deployments) {
  Table table =
      table_of(options, {"CLUSTER", "NAME", "MIN", "MAX", "WANTED", "READY", "VERSION", "AGE"}, {});
  const auto bound = [](const Json& group, std::string_view name) {
    return text(group, {"metadata", "annotations", name});
  };
  for (const Json& group : deployments) {
    add_row(table, options, group,
            {text(group, {"spec", "clusterName"}), text(group, {"metadata", "name"}),
             bound(group, api::cluster::kAutoscalerMinSizeAnnotation),
             bound(group, api::cluster::kAutoscalerMaxSizeAnnotation),
             std::to_string(wanted_nodes(group)), std::to_string(ready_nodes(group)),
             text(group, {"spec", "template", "spec", "version"}), age(now, group)},
            {});
  }
  return table;
}

}  // namespace nestor::cli
