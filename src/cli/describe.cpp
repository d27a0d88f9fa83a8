#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/kinds.hpp"
#include "cli/progress.hpp"

namespace nestor::cli {
namespace {

/// Conditions that are well when False.
bool negative(std::string_view type) {
  for (std::string_view one : {"Deleting", "Paused", "RollingOut", "ScalingUp", "ScalingDown",
                               "Remediating", "Updating", "Failure"}) {
    if (type == one) return true;
  }
  return false;
}

class Tree {
 public:
  /// One object's line, and one for each condition that is not as it should be.
  void add(int depth, const Json& object, const std::string& extra = {}) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    std::string ready(condition_status(object, "Ready"));
    if (ready.empty()) ready = condition_status(object, "Available");
    out_ += indent + std::string(find_string(object, {"kind"})) + "/" +
            std::string(find_string(object, {"metadata", "name"}));
    if (!ready.empty()) out_ += "  ready=" + ready;
    if (!extra.empty()) out_ += "  " + extra;
    out_ += "\n";
    const Json* conditions = find(object, {"status", "conditions"});
    if (conditions == nullptr || !conditions->is_array()) return;
    for (const Json& one : conditions->get_array()) {
      const std::string_view type = find_string(one, {"type"});
      if (find_string(one, {"status"}) == (negative(type) ? "False" : "True")) continue;
      out_ += indent + "  ! " + std::string(type) + "=" +
              std::string(find_string(one, {"status"})) + " " +
              std::string(find_string(one, {"reason"}));
      if (const auto message = find_string(one, {"message"}); !message.empty()) {
        out_ += ": " + std::string(message);
      }
      out_ += "\n";
    }
  }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
};

bool owned_by(const Json& object, std::string_view kind, std::string_view name) {
  const Json* owners = find(object, {"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array()) return false;
  for (const Json& owner : owners->get_array()) {
    if (find_string(owner, {"kind"}) == kind && find_string(owner, {"name"}) == name) return true;
  }
  return false;
}

Task<std::vector<Json>> of_cluster(Context& context, kube::ResourceType type, std::string name) {
  const kube::ListOptions all;
  std::vector<Json> mine;
  auto found = co_await context.client.list(type, context.ns, all);
  // Beside somebody else's Cluster API not all kinds are there.
  if (!found && found.error().code == Code::kNotFound) co_return mine;
  if (!found) co_return std::unexpected(std::move(found).error());
  for (Json& item : found->items) {
    if (find_string(item, {"spec", "clusterName"}) == name ||
        find_string(item, {"spec", "clusterRef", "name"}) == name) {
      mine.push_back(std::move(item));
    }
  }
  co_return mine;
}

std::string replicas(const Json& object) {
  const Json* ready = find(object, {"status", "readyReplicas"});
  return (ready == nullptr ? "0" : to_text(*ready)) + "/" + std::to_string(wanted_nodes(object)) +
         " ready";
}

/// What is behind a machine that is no Ready node, where most reasons are found.
Task<> add_virtual_machine(Context& context, const Json& machine, Tree& tree) {
  const kube::ObjectKey key{
      context.ns, std::string(find_string(machine, {"spec", "infrastructureRef", "name"}))};
  for (const auto& type : {kKubevirtMachine, kVirtualMachine}) {
    auto object = co_await context.client.get(type, key);
    if (object) {
      tree.add(4, *object, std::string(find_string(*object, {"status", "printableStatus"})));
    } else if (object.error().code != Code::kNotFound) {
      co_return std::unexpected(std::move(object).error());
    }
  }
  co_return Result<>{};
}

}  // namespace

Task<Json> find_cluster(Context& context, std::string name) {
  const kube::ObjectKey key{context.ns, name};
  auto cluster = co_await context.client.get(kCluster, key);
  if (!cluster && cluster.error().code == Code::kNotFound) {
    co_return fail(Code::kNotFound, "no cluster " + name + " in namespace " + context.ns +
                                        "; `nestor get clusters -A` lists all");
  }
  co_return cluster;
}

Task<int> describe_cluster(Context& context, std::string name) {
  NESTOR_CO_TRY(const Json cluster, co_await find_cluster(context, name));
  NESTOR_CO_TRY(const auto deployments, co_await of_cluster(context, kMachineDeployment, name));
  NESTOR_CO_TRY(const auto sets, co_await of_cluster(context, kMachineSet, name));
  NESTOR_CO_TRY(const auto machines, co_await of_cluster(context, kMachine, name));
  NESTOR_CO_TRY(const auto checks, co_await of_cluster(context, kMachineHealthCheck, name));
  NESTOR_CO_TRY(const auto releases, co_await of_cluster(context, kHelmReleaseProxy, name));
  Tree tree;
  tree.add(0, cluster, std::string(find_string(cluster, {"status", "phase"})));
  for (const auto& type : {kKubevirtCluster, kKamajiControlPlane}) {
    const std::string_view ref =
        type.kind == kKubevirtCluster.kind ? "infrastructureRef" : "controlPlaneRef";
    const kube::ObjectKey key{context.ns, std::string(find_string(cluster, {"spec", ref, "name"}))};
    if (key.name.empty()) continue;
    auto object = co_await context.client.get(type, key);
    if (object) {
      tree.add(1, *object, std::string(find_string(*object, {"status", "version"})));
    } else if (object.error().code != Code::kNotFound) {
      co_return std::unexpected(object.error());
    }
  }
  for (const Json& deployment : deployments) {
    tree.add(1, deployment, replicas(deployment));
    for (const Json& set : sets) {
      if (!owned_by(set, "MachineDeployment", find_string(deployment, {"metadata", "name"}))) {
        continue;
      }
      tree.add(2, set, replicas(set));
      for (const Json& machine : machines) {
        if (!owned_by(machine, "MachineSet", find_string(set, {"metadata", "name"}))) continue;
        std::string extra(find_string(machine, {"status", "phase"}));
        if (const auto node = find_string(machine, {"status", "nodeRef", "name"}); !node.empty()) {
          extra += "  node=" + std::string(node);
        }
        tree.add(3, machine, extra);
        if (condition_status(machine, "NodeReady") == "True") continue;
        NESTOR_CO_TRY_VOID(co_await add_virtual_machine(context, machine, tree));
      }
    }
  }
  for (const Json& check : checks) tree.add(1, check);
  for (const Json& release : releases) {
    tree.add(1, release, std::string(find_string(release, {"status", "status"})));
  }
  std::fputs(tree.text().c_str(), stdout);
  co_return 0;
}

}  // namespace nestor::cli
