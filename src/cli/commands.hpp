#pragma once

#include <string>
#include <vector>

#include "cli/cluster_request.hpp"
#include "cli/context.hpp"
#include "cli/table.hpp"

/// The commands of a person. Each returns its exit code, prints its result on standard output and
/// what went wrong as an Error.
namespace nestor::cli {

struct CreateClusterOptions {
  ClusterRequest request;
  /// Values of the chart `cluster` besides the request: files, and helm's --set.
  std::vector<std::string> values_files = {};
  std::vector<std::string> sets = {};
  bool wait = false;
  Duration timeout = std::chrono::minutes(10);
  /// Print the objects instead of applying them.
  bool dry_run = false;
  OutputFormat format = OutputFormat::kYaml;
};
Task<int> create_cluster(Context& context, CreateClusterOptions options);
/// Prints the objects; needs no management cluster.
int print_cluster(const ConnectOptions& connect, CreateClusterOptions options);

struct GetOptions {
  /// "" for all.
  std::string name = {};
  /// Only what is of this cluster, "" for all.
  std::string cluster = {};
  bool all_namespaces = false;
  OutputFormat format = OutputFormat::kTable;
};
Task<int> get_clusters(Context& context, GetOptions options);
Task<int> get_machines(Context& context, GetOptions options);
/// MachineDeployments.
Task<int> get_nodegroups(Context& context, GetOptions options);

/// The cluster with all that belongs to it as a tree, with conditions that are not as they should.
Task<int> describe_cluster(Context& context, std::string name);

/// A node group: its sizes, and why the autoscaler did or did not act on it.
Task<int> describe_nodegroup(Context& context, std::string name);
/// What it prints of the group itself. Pure.
std::string nodegroup_text(const Json& group);

struct KubeconfigOptions {
  std::string name;
  /// Leave it as the control plane made it, for use inside the management cluster's network.
  bool no_proxy = false;
};
Task<int> print_kubeconfig(Context& context, KubeconfigOptions options);

struct ScaleOptions {
  std::string name;
  /// "" for the only one, or md-0.
  std::string node_group = {};
  int workers = 0;
  bool wait = false;
  Duration timeout = std::chrono::minutes(10);
};
Task<int> scale_cluster(Context& context, ScaleOptions options);

struct UpgradeOptions {
  std::string name;
  std::string kubernetes_version;
  /// Values of the chart that change together with the nodes' version, as helm's --set takes them.
  std::vector<std::string> sets = {};
  /// Also for the nodes; the control plane is always waited for.
  bool wait = false;
  /// For each of the two.
  Duration timeout = std::chrono::minutes(30);
};
/// The control plane first, then the nodes. An interrupted upgrade goes on when called again.
Task<int> upgrade_cluster(Context& context, UpgradeOptions options);

struct DeleteOptions {
  std::string name;
  bool wait = true;
  Duration timeout = std::chrono::minutes(10);
};
Task<int> delete_cluster(Context& context, DeleteOptions options);

/// Shows a machine's serial console (what it has printed, then what comes). Ends with Ctrl-C.
Task<int> show_console(Context& context, std::string machine);

/// The Cluster of that name. Errors: kNotFound with what there is.
Task<Json> find_cluster(Context& context, std::string name);

}  // namespace nestor::cli
