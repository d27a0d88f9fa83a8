#include <boost/json/object.hpp>
#include <cstdio>

#include "api/cluster/labels.hpp"
#include "base/base64.hpp"
#include "cli/cluster_chart.hpp"
#include "cli/cluster_watch.hpp"
#include "cli/commands.hpp"
#include "cli/kinds.hpp"

namespace nestor::cli {
namespace {

Result<std::string> secret_value(const Json& secret, std::string_view key) {
  const std::string_view data = find_string(secret, {"data", key});
  if (data.empty()) return fail(Code::kNotFound, "its kubeconfig is empty");
  return base64_decode(data);
}

/// Adds `proxy-url` to every cluster of a kubeconfig.
Result<std::string> with_proxy(const std::string& kubeconfig, const std::string& proxy_url) {
  if (proxy_url.empty()) return kubeconfig;
  NESTOR_TRY(std::vector<Json> documents, parse_yaml_documents(kubeconfig));
  if (documents.size() != 1 || find(documents[0], {"clusters"}) == nullptr) {
    return fail(Code::kDataLoss, "its kubeconfig cannot be read");
  }
  for (Json& cluster : documents[0].as_object()["clusters"].as_array()) {
    cluster.as_object()["cluster"].as_object()["proxy-url"] = proxy_url;
  }
  return to_yaml(documents[0]);
}

std::string of_cluster(const std::string& cluster) {
  return std::string(api::cluster::kClusterNameLabel) + "=" + cluster;
}

/// The MachineDeployment that `scale` means. Errors: kNotFound, kInvalidArgument with what there
/// is.
Task<std::string> find_scaled_group(Context& context, std::string cluster, std::string group) {
  kube::ListOptions mine;
  mine.label_selector = of_cluster(cluster);
  NESTOR_CO_TRY(const auto list,
                co_await context.client.list(kMachineDeployment, context.ns, mine));
  const std::string wanted = node_group_name(cluster, group.empty() ? kDefaultGroup : group);
  std::string names;
  std::string only;
  for (const Json& item : list.items) {
    const std::string name(find_string(item, {"metadata", "name"}));
    if (name == wanted) co_return name;
    only = name;
    names += (names.empty() ? "" : ", ") +
             (name.starts_with(cluster + "-") ? name.substr(cluster.size() + 1) : name);
  }
  if (group.empty() && list.items.size() == 1) co_return only;
  if (group.empty() && !list.items.empty()) {
    co_return fail(Code::kInvalidArgument,
                   "name one of its node groups with --node-group: " + names);
  }
  co_return fail(Code::kNotFound, "cluster " + cluster + " has no node group " +
                                      (group.empty() ? kDefaultGroup : group) +
                                      (names.empty() ? "" : "; it has " + names));
}

/// Templates of clusters that are no release, which nobody else would remove.
Task<> remove_templates(Context& context, std::string cluster) {
  for (const auto& type : {kKubevirtMachineTemplate, kKubeadmConfigTemplate}) {
    kube::ListOptions mine;
    mine.label_selector = of_cluster(cluster);
    NESTOR_CO_TRY(const auto list, co_await context.client.list(type, context.ns, std::move(mine)));
    for (const Json& item : list.items) {
      kube::ObjectKey key{context.ns, std::string(find_string(item, {"metadata", "name"}))};
      NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context.client, type, std::move(key)));
    }
  }
  co_return Result<>{};
}

}  // namespace

Task<int> print_kubeconfig(Context& context, KubeconfigOptions options) {
  NESTOR_CO_TRY_VOID(co_await find_cluster(context, options.name));
  const kube::ObjectKey key{context.ns, api::cluster::kubeconfig_secret_name(options.name)};
  auto secret = co_await context.client.get(kSecret, key);
  if (!secret) {
    if (secret.error().code != Code::kNotFound) co_return std::unexpected(secret.error());
    co_return fail(Code::kFailedPrecondition,
                   "cluster " + options.name +
                       " has no kubeconfig yet: its control plane is still " +
                       "starting; `nestor describe cluster " + options.name + context.same_place +
                       "` shows how far");
  }
  NESTOR_CO_TRY(const std::string text, secret_value(*secret, api::cluster::kSecretValueKey));
  NESTOR_CO_TRY(const std::string out,
                with_proxy(text, options.no_proxy ? std::string() : context.tenant_proxy_url));
  std::fputs(out.c_str(), stdout);
  co_return 0;
}

Task<int> scale_cluster(Context& context, ScaleOptions options) {
  NESTOR_CO_TRY_VOID(co_await find_cluster(context, options.name));
  ClusterRequest limits;
  limits.name = "x";
  limits.workers = options.workers;
  NESTOR_CO_TRY_VOID(validate(limits));
  NESTOR_CO_TRY(const std::string group,
                co_await find_scaled_group(context, options.name, options.node_group));
  const kube::ObjectKey key{context.ns, group};
  const Json patch = JsonObject{{"spec", JsonObject{{"replicas", options.workers}}}};
  auto patched =
      co_await context.client.patch(kMachineDeployment, key, kube::PatchType::kMerge, patch);
  if (!patched) co_return with_context(std::move(patched).error(), "scaling " + key.to_string());
  ProgressPrinter printer(context.clock);
  printer.line("cluster " + options.name + ": " + std::to_string(options.workers) +
               " workers wanted");
  if (!options.wait) co_return 0;
  const kube::ObjectKey cluster{context.ns, options.name};
  NESTOR_CO_TRY_VOID(
      co_await wait_and_print(context, cluster, printer, complete, options.timeout,
                              "cluster " + options.name + " has not all workers ready"));
  printer.line("cluster " + options.name + ": all workers ready");
  co_return 0;
}

Task<int> delete_cluster(Context& context, DeleteOptions options) {
  NESTOR_CO_TRY(ClusterChart chart, open_chart(context));
  NESTOR_CO_TRY(const bool released, co_await chart.exists(options.name));
  // A release whose Cluster is gone is what an interrupted deletion leaves.
  if (!released) NESTOR_CO_TRY_VOID(co_await find_cluster(context, options.name));
  const kube::ObjectKey key{context.ns, options.name};
  NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context.client, kCluster, key));
  if (released) NESTOR_CO_TRY_VOID(co_await chart.uninstall(options.name));
  ProgressPrinter printer(context.clock);
  printer.line("cluster " + options.name + ": deleting");
  if (options.wait) {
    const auto gone = [](const ClusterState& state) { return state.cluster.is_null(); };
    NESTOR_CO_TRY_VOID(co_await wait_and_print(context, key, printer, gone, options.timeout,
                                               "cluster " + options.name + " is not gone"));
  }
  NESTOR_CO_TRY_VOID(co_await remove_templates(context, options.name));
  printer.line("cluster " + options.name + ": " + (options.wait ? "gone" : "deletion started"));
  co_return 0;
}

}  // namespace nestor::cli
