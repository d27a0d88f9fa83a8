#include "cluster/machine_controller.hpp"

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "cluster/contract.hpp"

namespace nestor::cluster {

using api::cluster::Cluster;
using api::cluster::Machine;

namespace {

constexpr const char* kByReference = "machine.reference";
constexpr const char* kByKind = "machine.kind";
constexpr const char* kByProviderId = "machine.providerID";
constexpr const char* kByCluster = "machine.cluster";
constexpr Duration kDrainPeriod = std::chrono::seconds(2);

std::string reference(std::string_view kind, std::string_view ns, std::string_view name) {
  return std::string(kind) + "/" + std::string(ns) + "/" + std::string(name);
}

/// How the Machine tells the step it is at; at the last one it lets go.
void mark_deleting(Machine& machine, MachineDeleteStep step, const std::string& message,
                   WallTime now) {
  machine.status.phase = "Deleting";
  kube::Condition deleting;
  deleting.type = "Deleting";
  deleting.status = "True";
  deleting.reason = deleting_reason(step);
  deleting.message = message;
  kube::set_condition(machine.status.conditions, deleting, format_rfc3339(now));
  if (step == MachineDeleteStep::kDone) {
    std::erase(machine.metadata.finalizers, api::cluster::kMachineFinalizer);
  }
}

kube::ReconcileResult wake_for(MachineDeleteStep step) {
  kube::ReconcileResult result;
  if (step == MachineDeleteStep::kDrain || step == MachineDeleteStep::kNode) {
    result.requeue_after = kDrainPeriod;
  }
  return result;
}

}  // namespace

void MachineController::add_indexes() {
  auto machines = context_.machines();
  machines.add_index(kByReference, [](const Machine& machine) {
    std::vector<std::string> keys;
    for (const auto* ref : {&machine.spec.bootstrap.configRef, &machine.spec.infrastructureRef}) {
      if (ref->empty()) continue;
      keys.push_back(reference(ref->kind, machine.metadata.namespace_, ref->name));
    }
    return keys;
  });
  machines.add_index(kByKind, [](const Machine& machine) {
    return std::vector<std::string>{machine.spec.bootstrap.configRef.kind,
                                    machine.spec.infrastructureRef.kind};
  });
  machines.add_index(kByProviderId, [](const Machine& machine) {
    std::vector<std::string> keys;
    if (!machine.spec.providerID.empty()) keys.push_back(machine.spec.providerID);
    return keys;
  });
  machines.add_index(kByCluster, [](const Machine& machine) {
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
        return machines_at(kByReference, reference("KubeadmConfig", object.metadata.namespace_,
                                                   object.metadata.name));
      });
  using api::infrastructure::KubevirtMachine;
  controller.watch_mapped<KubevirtMachine>(
      informers.of<KubevirtMachine>(), [this](const KubevirtMachine& object) {
        return machines_at(kByReference, reference("KubevirtMachine", object.metadata.namespace_,
                                                   object.metadata.name));
      });
  context_.kinds.on_change([this, &controller](const std::string& kind, const auto& key) {
    const bool all = key.name.empty();
    for (auto& machine : machines_at(all ? kByKind : kByReference,
                                     all ? kind : reference(kind, key.ns, key.name))) {
      controller.enqueue(std::move(machine));
    }
  });
  controller.watch_mapped<Cluster>(context_.clusters(), [this](const Cluster& cluster) {
    return machines_at(kByCluster,
                       reference("", cluster.metadata.namespace_, cluster.metadata.name));
  });
}

void MachineController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.machine", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20});
  add_indexes();
  controller.watch(context_.machines());
  watch_references(controller);
  context_.sessions.on_change([this, &controller](const kube::ObjectKey& cluster, bool) {
    for (auto& key : machines_at(kByCluster, reference("", cluster.ns, cluster.name))) {
      controller.enqueue(std::move(key));
    }
  });
  context_.sessions.watch_nodes(
      [this, &controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        for (const auto& node : {old, now}) {
          if (!node || node->spec.providerID.empty()) continue;
          for (const auto& machine :
               context_.machines().by_index(kByProviderId, node->spec.providerID)) {
            const kube::ObjectKey owner{machine->metadata.namespace_, machine->spec.clusterName};
            if (owner == cluster) controller.enqueue(machine->metadata.key());
          }
        }
      });
}

Task<kube::ReconcileResult> MachineController::reconcile(kube::ObjectKey key) {
  const auto machine = context_.machines().get(key);
  if (!machine) co_return kube::ReconcileResult{};
  const auto cluster = context_.clusters().get({key.ns, machine->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, machine->metadata)) {
    co_return kube::ReconcileResult{};
  }
  if (machine->metadata.deleting()) co_return co_await reconcile_delete(machine, cluster);
  if (!cluster) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(const bool wrote, co_await ensure_metadata(machine, cluster));
  if (wrote) co_return kube::ReconcileResult{};
  co_return co_await reconcile_normal(machine, cluster);
}

Task<bool> MachineController::ensure_metadata(MachinePtr machine, ClusterPtr cluster) {
  Machine after = *machine;
  if (!after.metadata.has_finalizer(api::cluster::kMachineFinalizer)) {
    after.metadata.finalizers.emplace_back(api::cluster::kMachineFinalizer);
  }
  after.metadata.labels[std::string(api::cluster::kClusterNameLabel)] = machine->spec.clusterName;
  if (after.metadata.controller() == nullptr) {
    const auto owners =
        with_owner(after.metadata.ownerReferences, kube::owner_reference(*cluster, false));
    if (owners) after.metadata.ownerReferences = *owners;
  }
  if (after == *machine) co_return false;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *machine, after));
  co_return true;
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
  const auto session = context_.sessions.find(cluster->metadata.key());
  view.connected = session != nullptr;
  tenant::Sessions::NodePtr node;
  if (session) node = tenant::Sessions::find_node(*session, machine->spec.providerID);
  view.node = node.get();

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
  result.requeue_after = until_available(after, view.now);
  co_return result;
}

Task<std::optional<api::core::Node>> MachineController::read_node(SessionPtr session,
                                                                  MachinePtr machine) {
  std::string name = machine->status.nodeRef.name;
  if (name.empty()) {
    const auto cached = tenant::Sessions::find_node(*session, machine->spec.providerID);
    if (!cached) co_return std::optional<api::core::Node>{};
    name = cached->metadata.name;
  }
  kube::ObjectKey key{"", name};
  auto node = co_await kube::get<api::core::Node>(session->client(), key);
  if (!node && node.error().code == Code::kNotFound) co_return std::optional<api::core::Node>{};
  if (!node) co_return std::unexpected(std::move(node).error());
  co_return std::optional<api::core::Node>(*std::move(node));
}

Task<> MachineController::do_delete_step(MachineDeleteStep step, std::optional<Referenced> infra,
                                         std::optional<Referenced> bootstrap, SessionPtr session,
                                         std::string node) {
  switch (step) {
    case MachineDeleteStep::kInfrastructure:
      co_return co_await begin_removal(context_, *std::move(infra));
    case MachineDeleteStep::kBootstrap:
      co_return co_await begin_removal(context_, *std::move(bootstrap));
    case MachineDeleteStep::kNode: {
      // Without a session the step only waits.
      if (!session || node.empty()) co_return Result<>{};
      kube::ObjectKey key{"", node};
      co_return co_await kube::ensure_deleted(session->client(), api::core::Node::kType, key);
    }
    default:
      co_return Result<>{};
  }
}

Task<> MachineController::look_into_tenant(MachinePtr machine, ClusterPtr cluster,
                                           Deletion& deletion) {
  deletion.session = context_.sessions.find(cluster->metadata.key());
  if (deletion.session) {
    auto found = co_await read_node(deletion.session, machine);
    if (!found && found.error().code == Code::kCancelled) co_return std::unexpected(found.error());
    // A tenant that fails just now must not keep the machine for ever: it counts as unreachable.
    if (!found) deletion.session = nullptr;
    if (found) deletion.node = *std::move(found);
  }
  deletion.view.node_unknown = !deletion.session && !machine->status.nodeRef.name.empty();
  if (deletion.node) deletion.view.node = &*deletion.node;
  co_return Result<>{};
}

Task<kube::ReconcileResult> MachineController::reconcile_delete(MachinePtr machine,
                                                                ClusterPtr cluster) {
  if (!machine->metadata.has_finalizer(api::cluster::kMachineFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  const std::string& ns = machine->metadata.namespace_;
  NESTOR_CO_TRY(auto infra, co_await fetch(context_, machine->spec.infrastructureRef, ns));
  NESTOR_CO_TRY(auto bootstrap, co_await fetch(context_, machine->spec.bootstrap.configRef, ns));
  Deletion deletion;
  auto& view = deletion.view;
  view.machine = machine.get();
  view.now = context_.runtime.clock().now();
  view.cluster_deleting = !cluster || cluster->metadata.deleting();
  view.infrastructure_exists = infra.has_value();
  view.bootstrap_exists = bootstrap.has_value();
  if (!view.cluster_deleting) {
    NESTOR_CO_TRY_VOID(co_await look_into_tenant(machine, cluster, deletion));
  }

  Machine after = *machine;
  std::string message;
  if (next_delete_step(view) == MachineDeleteStep::kDrain) {
    if (after.status.deletion.nodeDrainStartTime.empty()) {
      after.status.deletion.nodeDrainStartTime = format_rfc3339(view.now);
    }
    NESTOR_CO_TRY(const DrainResult drained,
                  co_await drain_once(deletion.session->client(), *deletion.node));
    view.drained = drained.remaining == 0;
    message = view.drained ? "" : std::to_string(drained.remaining) + " pods are left";
    if (!drained.message.empty()) message += ": " + drained.message;
  }
  const MachineDeleteStep step = next_delete_step(view);
  NESTOR_CO_TRY_VOID(co_await do_delete_step(step, std::move(infra), std::move(bootstrap),
                                             deletion.session,
                                             deletion.node ? deletion.node->metadata.name : ""));
  mark_deleting(after, step, message, view.now);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *machine, after));
  co_return wake_for(step);
}

}  // namespace nestor::cluster
