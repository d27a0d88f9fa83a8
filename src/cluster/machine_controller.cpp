#include "cluster/machine_controller.hpp"

#include <algorithm>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "cluster/contract.hpp"
#include "cluster/machine_deployment_logic.hpp"

namespace nestor::cluster {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;

namespace {

constexpr const char* kMachinesByReference = "machine.reference";
constexpr const char* kMachinesByKind = "machine.kind";
constexpr const char* kMachinesByCluster = "machine.cluster";
constexpr const char* kByDeployment = "machine.deployment";

/// How long a tenant may be away before what its Nodes said last counts no more.
constexpr Duration kNodeWordLasts = std::chrono::minutes(5);
/// Nothing tells when a tenant's Nodes are all in the cache.
constexpr Duration kLookAgain = std::chrono::seconds(2);

std::string reference(std::string_view kind, std::string_view ns, std::string_view name) {
  return std::string(kind) + "/" + std::string(ns) + "/" + std::string(name);
}

}  // namespace

void MachineController::add_indexes() {
  auto machines = context_.machines();
  machines.add_index(kMachinesByReference, [](const Machine& machine) {
    std::vector<std::string> keys;
    for (const auto* ref : {&machine.spec.bootstrap.configRef, &machine.spec.infrastructureRef}) {
      if (ref->empty()) continue;
      keys.push_back(reference(ref->kind, machine.metadata.namespace_, ref->name));
    }
    return keys;
  });
  machines.add_index(kMachinesByKind, [](const Machine& machine) {
    return std::vector<std::string>{machine.spec.bootstrap.configRef.kind,
                                    machine.spec.infrastructureRef.kind};
  });
  machines.add_index(kMachinesByProviderId, [](const Machine& machine) {
    std::vector<std::string> keys;
    if (!machine.spec.providerID.empty()) keys.push_back(machine.spec.providerID);
    return keys;
  });
  machines.add_index(kMachinesByNode, [](const Machine& machine) {
    std::vector<std::string> keys;
    if (!machine.status.nodeRef.name.empty()) {
      keys.push_back(machine_node_key({machine.metadata.namespace_, machine.spec.clusterName},
                                      machine.status.nodeRef.name));
    }
    return keys;
  });
  machines.add_index(kByDeployment, [](const Machine& machine) {
    const auto name = machine.metadata.label(api::cluster::kDeploymentNameLabel);
    return std::vector<std::string>{machine.metadata.namespace_ + "/" + std::string(name)};
  });
  machines.add_index(kMachinesByCluster, [](const Machine& machine) {
    return std::vector<std::string>{
        reference("", machine.metadata.namespace_, machine.spec.clusterName)};
  });
}

std::vector<kube::ObjectKey> MachineController::machines_at(std::string index, std::string value) {
  std::vector<kube::ObjectKey> keys;
  for (const auto& machine : context_.machines().by_index(index, value)) {
    keys.push_back(machine->metadata.key());
  }
  return keys;
}

void MachineController::watch_references(kube::Controller& controller) {
  auto& informers = context_.runtime.informers();
  using api::bootstrap::KubeadmConfig;
  controller.watch_mapped<KubeadmConfig>(
      informers.of<KubeadmConfig>(), [this](const KubeadmConfig& object) {
        return machines_at(
            kMachinesByReference,
            reference("KubeadmConfig", object.metadata.namespace_, object.metadata.name));
      });
  using api::infrastructure::KubevirtMachine;
  controller.watch_mapped<KubevirtMachine>(
      informers.of<KubevirtMachine>(), [this](const KubevirtMachine& object) {
        return machines_at(
            kMachinesByReference,
            reference("KubevirtMachine", object.metadata.namespace_, object.metadata.name));
      });
  context_.kinds.on_change([this, &controller](const std::string& kind, const auto& key) {
    const bool all = key.name.empty();
    for (auto& machine : machines_at(all ? kMachinesByKind : kMachinesByReference,
                                     all ? kind : reference(kind, key.ns, key.name))) {
      controller.enqueue(std::move(machine));
    }
  });
  context_.watch_clusters(controller, [this](const Cluster& cluster) {
    return machines_at(kMachinesByCluster,
                       reference("", cluster.metadata.namespace_, cluster.metadata.name));
  });
}

void MachineController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.machine", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20, .group = context_.by_cluster<Machine>()});
  controller_ = &controller;
  add_indexes();
  controller.watch(context_.machines());
  watch_references(controller);
  watch_deployments();
  context_.sessions.on_change([this, &controller](const kube::ObjectKey& cluster, bool) {
    for (auto& key : machines_at(kMachinesByCluster, reference("", cluster.ns, cluster.name))) {
      controller.enqueue(std::move(key));
    }
  });
  context_.sessions.watch_nodes(
      [this](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        if (old && now && !tells_news(*old, *now)) return;
        for (const auto& node : {old, now}) {
          if (node) node_changed(cluster, *node);
        }
      });
}

void MachineController::node_changed(const kube::ObjectKey& cluster, const api::core::Node& node) {
  for (const auto& machine : context_.machines_of(cluster, node)) {
    // The first word of a Node is waited for, and comes once.
    const bool first = machine->status.nodeRef.name.empty() && !machine->metadata.deleting();
    controller_->enqueue_after(machine->metadata.key(), first ? Duration(0) : kNodePace);
  }
}

Task<kube::ReconcileResult> MachineController::reconcile(kube::ObjectKey key) {
  const auto machine = context_.machines().get(key);
  if (!machine) {
    deletion_.forget(key);
    co_return kube::ReconcileResult{};
  }
  const auto cluster = context_.clusters().get({key.ns, machine->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, machine->metadata)) {
    co_return co_await show_paused(context_, machine, cluster);
  }
  if (machine->metadata.deleting()) co_return co_await deletion_.reconcile(machine, cluster);
  if (const auto valid = validate(*machine); !valid) {
    co_return co_await show_invalid(context_, machine, "Ready", valid.error().message);
  }
  if (!cluster) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(const bool wrote, co_await ensure_metadata(
                                      context_, machine, api::cluster::kMachineFinalizer, cluster));
  if (wrote) co_return kube::ReconcileResult{};
  co_return co_await reconcile_normal(machine, cluster);
}

std::optional<Duration> MachineController::look_at_tenant(
    const kube::ObjectKey& cluster, const std::shared_ptr<tenant::Session>& session,
    MachineView& view) {
  // Before the cache is complete a Node that it lacks may well be there.
  view.connected = session && session->informers().of<api::core::Node>().synced();
  if (view.connected) return std::nullopt;
  // What was before our own start nobody counted.
  const WallTime since = std::max(context_.sessions.probe(cluster).since, begun_);
  const Duration left = time_until(since + kNodeWordLasts, view.now);
  view.lost = left == Duration(0);
  if (session) return kLookAgain;
  return view.lost ? std::nullopt : std::optional(left);
}

std::optional<Duration> MachineController::look_at_deployment(MachineView& view) {
  const auto set = context_.controller_of<api::cluster::MachineSet>(view.machine.metadata);
  if (!set) return std::nullopt;
  const auto found = context_.controller_of<MachineDeployment>(set->metadata);
  if (!found) return std::nullopt;
  MachineDeployment deployment = *found;
  api::cluster::set_defaults(deployment);
  view.in_deployment = true;
  view.outdated = outdated_because(deployment, *set, view.now);
  return until_rollout(deployment, view.now);
}

void MachineController::watch_deployments() {
  // Only what it wants matters, not what it counts.
  context_.machine_deployments().subscribe([this](const auto& old, const auto& now) {
    if (!now || (old && old->metadata.generation == now->metadata.generation)) return;
    for (auto& key : machines_at(kByDeployment, now->metadata.key().to_string())) {
      controller_->enqueue(std::move(key));
    }
  });
}

Task<kube::ReconcileResult> MachineController::reconcile_normal(MachinePtr machine,
                                                                ClusterPtr cluster) {
  const std::string& ns = machine->metadata.namespace_;
  NESTOR_CO_TRY(auto bootstrap, co_await fetch(context_, machine->spec.bootstrap.configRef, ns));
  NESTOR_CO_TRY(auto infra, co_await fetch(context_, machine->spec.infrastructureRef, ns));
  const auto owner = kube::owner_reference(*machine, true);
  for (auto* one : {&bootstrap, &infra}) {
    if (!*one) continue;
    Referenced object = **one;
    NESTOR_CO_TRY_VOID(co_await adopt(context_, object, machine->spec.clusterName, owner));
  }

  MachineView view;
  view.machine = *machine;
  view.now = context_.runtime.clock().now();
  if (bootstrap) view.bootstrap = std::move(bootstrap->object);
  if (infra) view.infrastructure = std::move(infra->object);
  view.bootstrap_known = context_.kinds.knows(machine->spec.bootstrap.configRef);
  view.infrastructure_known = context_.kinds.knows(machine->spec.infrastructureRef);
  const auto session = context_.sessions.find(cluster->metadata.key());
  const auto until_lost = look_at_tenant(cluster->metadata.key(), session, view);
  tenant::Sessions::NodePtr node;
  if (session) node = tenant::Sessions::find_node(*session, machine->spec.providerID);
  view.node = node.get();
  const auto until_outdated = look_at_deployment(view);

  const Machine after = observe(view);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *machine, after));
  if (node) {
    if (machine->status.nodeRef.name.empty()) {
      context_.runtime.events().normal(*machine, "SuccessfulSetNodeRef",
                                       "the Machine is Node " + node->metadata.name);
    }
    const auto wanted = wanted_node(*node, after);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(session->client(), *node, wanted));
  }
  kube::ReconcileResult result;
  result.look_again(until_available(after, view.now));
  result.look_again(until_outdated);
  result.look_again(until_lost);
  co_return result;
}

}  // namespace nestor::cluster
