#include "cloud/node_controller.hpp"

#include "api/infrastructure/labels.hpp"
#include "base/log.hpp"
#include "cloud/names.hpp"
#include "cloud/settings.hpp"

namespace nestor::cloud {

using api::cluster::Cluster;
using api::core::Node;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using tenant::TenantKey;

namespace {

constexpr std::string_view kNodeComponent = "cloud.node";
/// In a tenant: Nodes by the machine they are.
constexpr const char* kNodesByMachine = "cloud.machine";

Place place_at(const Node& parent) {
  Place out;
  out.region = parent.metadata.label(kRegionLabel);
  out.zone = parent.metadata.label(kZoneLabel);
  if (out.region.empty()) out.region = parent.metadata.label(kBetaRegionLabel);
  if (out.zone.empty()) out.zone = parent.metadata.label(kBetaZoneLabel);
  return out;
}

bool same_place(const Node& a, const Node& b) {
  const Place left = place_at(a);
  const Place right = place_at(b);
  return left.region == right.region && left.zone == right.zone;
}

}  // namespace

void NodeController::add() {
  auto& controller = runtime_.add_controller(
      "cloud.node", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20, .group = TenantKey::group_of});
  sessions_.add_index<Node>(kNodesByMachine, [](const Node& node) {
    return std::vector<std::string>{machine_name(node)};
  });
  sessions_.watch_nodes(
      [&controller](const kube::ObjectKey& cluster, const NodePtr& old, const NodePtr& now) {
        const auto& node = now ? now : old;
        controller.enqueue(TenantKey{cluster, {"", node->metadata.name}}.packed());
      });
  sessions_.on_change([this, &controller](const kube::ObjectKey& cluster, bool connected) {
    if (connected) enqueue_all(controller, cluster);
  });
  auto clusters = runtime_.informers().of<Cluster>();
  controller.watch_mapped<Cluster>(clusters,
                                   [](const Cluster&) { return std::vector<kube::ObjectKey>{}; });
  clusters.subscribe([this, &controller](const ClusterPtr& old, const ClusterPtr& now) {
    // Only what settings_of and paused read.
    if (old && now && old->metadata.annotations == now->metadata.annotations &&
        old->spec.paused == now->spec.paused) {
      return;
    }
    if (now) enqueue_all(controller, now->metadata.key());
  });
  watch_machines(controller);
  if (zones_) watch_places(controller);
}

void NodeController::watch_machines(kube::Controller& controller) {
  controller.watch_mapped<VirtualMachine>(machines_.vms(), [this](const VirtualMachine& vm) {
    const auto cluster = Machines::cluster_of(vm.metadata);
    return cluster ? nodes_of(*cluster, vm.metadata.name) : std::vector<kube::ObjectKey>{};
  });
  controller.watch_mapped<VirtualMachineInstance>(
      machines_.vmis(), [this](const VirtualMachineInstance& vmi) {
        const auto cluster = Machines::cluster_of(vmi.metadata);
        return cluster ? nodes_of(*cluster, vmi.metadata.name) : std::vector<kube::ObjectKey>{};
      });
}

void NodeController::watch_places(kube::Controller& controller) {
  // Not one of the caches the controller waits for: Nodes then wait, each for itself.
  runtime_.informers().of<Node>().subscribe(
      [this, &controller](const NodePtr& old, const NodePtr& now) {
        if (!now || (old && same_place(*old, *now))) return;
        for (const auto& [cluster, machine] : machines_.on_node(now->metadata.name)) {
          for (auto& key : nodes_of(cluster, machine)) controller.enqueue(std::move(key));
        }
      });
}

void NodeController::enqueue_all(kube::Controller& controller, const kube::ObjectKey& cluster) {
  const auto session = sessions_.find(cluster);
  if (!session) return;
  for (const auto& node : session->informers().of<Node>().list()) {
    controller.enqueue(TenantKey{cluster, {"", node->metadata.name}}.packed());
  }
}

std::vector<kube::ObjectKey> NodeController::nodes_of(const kube::ObjectKey& cluster,
                                                      const std::string& machine) const {
  std::vector<kube::ObjectKey> out;
  const auto session = sessions_.find(cluster);
  if (!session) return out;
  for (const auto& node : session->informers().of<Node>().by_index(kNodesByMachine, machine)) {
    out.push_back(TenantKey{cluster, {"", node->metadata.name}}.packed());
  }
  return out;
}

std::optional<Place> NodeController::place_of(const Machine& machine) {
  if (!machine.vmi || machine.vmi->status.nodeName.empty()) return std::nullopt;
  const auto parent = runtime_.informers().of<Node>().get({"", machine.vmi->status.nodeName});
  if (!parent) return std::nullopt;
  return place_at(*parent);
}

Task<kube::ReconcileResult> NodeController::reconcile(kube::ObjectKey key) {
  const auto tenant = TenantKey::unpack(key);
  if (!tenant) co_return kube::ReconcileResult{};
  const auto cluster = runtime_.informers().of<Cluster>().get(tenant->cluster);
  const auto session = sessions_.find(tenant->cluster);
  // Both come back here by their watches.
  if (!cluster || !session || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  const Settings settings = settings_of(cluster->metadata);
  if (!settings.nodes || api::cluster::paused(*cluster, {})) co_return kube::ReconcileResult{};
  const auto node = session->informers().of<Node>().get(tenant->object);
  if (!node || node->metadata.deleting()) co_return kube::ReconcileResult{};

  const std::string name = machine_name(*node);
  if (name.empty()) co_return kube::ReconcileResult{};
  Machine machine = machines_.find(tenant->cluster, name);
  if (!machine) {
    NESTOR_CO_TRY_VOID(co_await remove_if_gone(session, node, name));
  } else {
    const bool needs_place = zones_ && settings.zones;
    NESTOR_CO_TRY_VOID(co_await bring_up_to_date(session, node, machine, needs_place));
  }
  co_return kube::ReconcileResult{};
}

Task<> NodeController::bring_up_to_date(SessionPtr session, NodePtr node, Machine machine,
                                        bool needs_place) {
  NodeView view{.node = *node, .machine = machine, .place = {}, .needs_place = needs_place};
  if (needs_place) view.place = place_of(machine);
  const Node wanted = wanted_node(view);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(session->client(), *node, wanted));
  if (uninitialized(*node) && !uninitialized(wanted)) {
    session->events().normal(*node, "Synced", "the Node is machine " + machine.name);
    log::info(kNodeComponent, "tenant {}: Node {} initialized", session->cluster().to_string(),
              node->metadata.name);
  }
  co_return Result<>{};
}

Task<> NodeController::remove_if_gone(SessionPtr session, NodePtr node, std::string machine) {
  if (node->spec.providerID.empty()) {
    // It was never a machine's.
    if (uninitialized(*node)) {
      session->events().warning(*node, "MachineNotFound",
                                "the cluster has no virtual machine called " + machine);
    }
    co_return Result<>{};
  }
  // Asked live: no lagging cache may cost a Node that lives.
  NESTOR_CO_TRY(const bool exists, co_await machines_.exists(session->cluster(), machine));
  if (exists) co_return Result<>{};
  session->events().normal(*node, "DeletingNode",
                           "deleting Node " + node->metadata.name + ": its machine is gone");
  log::info(kNodeComponent, "tenant {}: Node {} removed: its machine is gone",
            session->cluster().to_string(), node->metadata.name);
  kube::DeleteOptions options;
  options.uid = node->metadata.uid;
  co_return co_await kube::ensure_deleted(session->client(), Node::kType, node->metadata.key(),
                                          options);
}

}  // namespace nestor::cloud
