#include <boost/json/object.hpp>
#include <cstdio>

#include "cli/cluster_chart.hpp"
#include "cli/cluster_watch.hpp"
#include "cli/commands.hpp"
#include "cli/fits.hpp"
#include "cli/kinds.hpp"
#include "cli/upgrade_plan.hpp"

namespace nestor::cli {
namespace {

constexpr const char* kAgain = "; the same command goes on with it";

Json with_versions(Json values, const std::string& version) {
  JsonObject& object = values.as_object();
  object["kubernetesVersion"] = version;
  object["nodeKubernetesVersion"] = "";
  return values;
}

/// The cluster's objects as they are now.
Task<ClusterState> look(Context& context, kube::ObjectKey key) {
  ClusterWatch watch(context, std::move(key));
  ClusterState out;
  auto seen = co_await watch.wait_until([](const ClusterState&) { return true; },
                                        [&](const ClusterState& state) { out = state; },
                                        std::chrono::minutes(1));
  co_await watch.close();
  if (!seen) co_return std::unexpected(std::move(seen).error());
  co_return out;
}

}  // namespace

Task<int> upgrade_cluster(Context& context, UpgradeOptions options) {
  NESTOR_CO_TRY_VOID(co_await find_cluster(context, options.name));
  const kube::ObjectKey key{context.ns, options.name};
  const std::string target = with_v(options.kubernetes_version);
  NESTOR_CO_TRY(const ClusterState state, co_await look(context, key));
  NESTOR_CO_TRY(const UpgradePlan plan, plan_upgrade(state, target));
  ProgressPrinter printer(context.clock);
  // The same values again change nothing.
  const bool nodes = plan.nodes || !options.sets.empty();
  if (plan.nothing() && !nodes && control_plane_at(state, target) && nodes_at(state, target)) {
    printer.line("cluster " + options.name + ": is at " + target + " already");
    co_return 0;
  }
  NESTOR_CO_TRY(ClusterChart chart, open_chart(context));
  NESTOR_CO_TRY(const bool ours, co_await chart.exists(options.name));
  if (!ours) {
    co_return fail(
        Code::kFailedPrecondition,
        "cluster " + options.name + " is no release of Nestor's chart: change " +
            "spec.version of its KamajiControlPlane, and then spec.template.spec.version " +
            "of its MachineDeployments, where they come from");
  }
  NESTOR_CO_TRY_VOID(
      co_await chart.forget_interrupted(context.client, context.clock, options.name));
  NESTOR_CO_TRY(Json given, co_await chart.values(options.name));
  if (plan.nodes) NESTOR_CO_TRY_VOID(validate_images(given, options.sets, target));
  ValueSources sources;
  sources.sets = options.sets;
  sources.values = with_versions(std::move(given), target);
  NESTOR_CO_TRY(auto objects, co_await chart.render(options.name, sources));
  NESTOR_CO_TRY_VOID(co_await refuse_unfit(context.client, std::move(objects)));
  sources.reuse = true;
  if (plan.control_plane) {
    // Nodes stay as they are: they must never be newer than the API server they talk to.
    sources.sets.clear();
    sources.values =
        JsonObject{{"kubernetesVersion", target}, {"nodeKubernetesVersion", plan.nodes_from}};
    NESTOR_CO_TRY_VOID(co_await chart.apply(options.name, sources));
    printer.line("control plane: from " + plan.from + " to " + target);
  }
  NESTOR_CO_TRY_VOID(co_await wait_and_print(
      context, key, printer,
      [target](const ClusterState& now) { return control_plane_at(now, target); }, options.timeout,
      "the control plane is not at " + target, kAgain));
  printer.line("control plane: is at " + target);
  if (nodes) {
    sources.sets = options.sets;
    sources.values = JsonObject{{"kubernetesVersion", target}, {"nodeKubernetesVersion", ""}};
    NESTOR_CO_TRY_VOID(co_await chart.apply(options.name, sources));
    printer.line(plan.nodes ? "nodes: from " + plan.nodes_from + " to " + target
                            : "nodes: at " + target + " already, their values are set");
  }
  if (!options.wait) co_return 0;
  NESTOR_CO_TRY_VOID(co_await wait_and_print(
      context, key, printer, [target](const ClusterState& now) { return nodes_at(now, target); },
      options.timeout, "the nodes are not at " + target, kAgain));
  printer.line("cluster " + options.name + ": is at " + target);
  co_return 0;
}

}  // namespace nestor::cli
