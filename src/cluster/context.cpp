#include "cluster/context.hpp"

#include <algorithm>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "cluster/contract.hpp"

namespace nestor::cluster {

namespace {

constexpr const char* kClustersByReference = "cluster.reference";
constexpr const char* kClustersByKind = "cluster.kind";
constexpr const char* kOrphansByCluster = "machine.orphan";

std::string reference(std::string_view kind, const kube::ObjectKey& key) {
  return std::string(kind) + "/" + key.to_string();
}

}  // namespace

Context::Context(kube::Runtime& rt, tenant::Sessions& tenants)
    : runtime(rt), sessions(tenants), kinds(rt.informers()) {
  using api::cluster::Cluster;
  clusters().add_index(kClustersByReference, [](const Cluster& cluster) {
    std::vector<std::string> keys;
    for (const auto* ref : {&cluster.spec.infrastructureRef, &cluster.spec.controlPlaneRef}) {
      if (ref->empty()) continue;
      keys.push_back(reference(ref->kind, {cluster.metadata.namespace_, ref->name}));
    }
    return keys;
  });
  clusters().add_index(kClustersByKind, [](const Cluster& cluster) {
    return std::vector<std::string>{cluster.spec.infrastructureRef.kind,
                                    cluster.spec.controlPlaneRef.kind};
  });
  index_by_controller(machines());
  index_by_controller(machine_sets());
  index_by_controller(rt.informers().of<api::bootstrap::KubeadmConfig>());
  index_by_controller(rt.informers().of<api::infrastructure::KubevirtMachine>());
  machines().add_index(kOrphansByCluster, [](const api::cluster::Machine& machine) {
    std::vector<std::string> keys;
    if (machine.metadata.controller() == nullptr) {
      keys.push_back(
          kube::ObjectKey{machine.metadata.namespace_, machine.spec.clusterName}.to_string());
    }
    return keys;
  });
}

std::vector<kube::Informer<api::cluster::Machine>::Ptr> Context::orphans_of(
    const kube::ObjectKey& cluster) {
  return machines().by_index(kOrphansByCluster, cluster.to_string());
}

std::vector<kube::Informer<api::cluster::Cluster>::Ptr> Context::clusters_referring_to(
    const std::string& kind, const kube::ObjectKey& key) {
  if (key.name.empty()) return clusters().by_index(kClustersByKind, kind);
  return clusters().by_index(kClustersByReference, reference(kind, key));
}

void Context::watch_clusters(
    kube::Controller& controller,
    std::function<std::vector<kube::ObjectKey>(const api::cluster::Cluster&)> of) {
  using api::cluster::Cluster;
  // Only to wait for the cache; which changes matter is decided below.
  controller.watch_mapped<Cluster>(clusters(),
                                   [](const Cluster&) { return std::vector<kube::ObjectKey>{}; });
  clusters().subscribe([of, &controller](const auto& old, const auto& now) {
    if (old && now && old->metadata.uid == now->metadata.uid &&
        old->metadata.deletionTimestamp == now->metadata.deletionTimestamp &&
        old->spec == now->spec && old->status.initialization == now->status.initialization) {
      return;
    }
    for (auto& key : of(now ? *now : *old)) controller.enqueue(std::move(key));
  });
}

kube::Informer<api::cluster::Cluster> Context::clusters() {
  return runtime.informers().of<api::cluster::Cluster>();
}
kube::Informer<api::cluster::Machine> Context::machines() {
  return runtime.informers().of<api::cluster::Machine>();
}
kube::Informer<api::cluster::MachineSet> Context::machine_sets() {
  return runtime.informers().of<api::cluster::MachineSet>();
}
kube::Informer<api::cluster::MachineDeployment> Context::machine_deployments() {
  return runtime.informers().of<api::cluster::MachineDeployment>();
}
kube::Informer<api::cluster::MachineHealthCheck> Context::machine_health_checks() {
  return runtime.informers().of<api::cluster::MachineHealthCheck>();
}
std::string Context::now() const { return format_rfc3339(runtime.clock().now()); }

Task<std::optional<Referenced>> fetch(Context& context, api::cluster::ContractReference ref,
                                      std::string ns) {
  if (ref.empty()) co_return std::optional<Referenced>{};
  auto type = co_await context.kinds.resolve(ref.apiGroup, ref.kind);
  // Where a kind is not served there is no object of it.
  if (!type && type.error().code == Code::kNotFound) co_return std::optional<Referenced>{};
  if (!type) co_return std::unexpected(std::move(type).error());
  kube::ObjectKey key{ns, ref.name};
  auto object = co_await context.client().get(*type, key);
  if (!object && object.error().code == Code::kNotFound) co_return std::optional<Referenced>{};
  if (!object) co_return with_context(std::move(object).error(), ref.kind + " " + key.to_string());
  co_return Referenced{*type, *std::move(object)};
}

Task<std::optional<api::core::Node>> read_node(std::shared_ptr<tenant::Session> session,
                                               std::string name) {
  using api::core::Node;
  kube::ObjectKey key{"", std::move(name)};
  auto node = co_await kube::get<Node>(session->client(), std::move(key));
  if (!node && node.error().code == Code::kNotFound) co_return std::optional<Node>{};
  if (!node) co_return std::unexpected(std::move(node).error());
  co_return std::optional<Node>(*std::move(node));
}

std::optional<std::vector<kube::OwnerReference>> with_owner(
    const std::vector<kube::OwnerReference>& current, const kube::OwnerReference& owner) {
  std::vector<kube::OwnerReference> wanted;
  const bool takes_over = owner.controller.value_or(false);
  for (const kube::OwnerReference& one : current) {
    if (one.uid == owner.uid) continue;
    if (takes_over && one.controller.value_or(false)) continue;
    wanted.push_back(one);
  }
  wanted.push_back(owner);
  const auto same = std::ranges::find(current, owner) != current.end();
  if (same && wanted.size() == current.size()) return std::nullopt;
  return wanted;
}

std::vector<kube::Informer<api::cluster::Machine>::Ptr> Context::machines_of(
    const kube::ObjectKey& cluster, const api::core::Node& node) {
  auto found = machines().by_index(kMachinesByNode, machine_node_key(cluster, node.metadata.name));
  if (node.spec.providerID.empty()) return found;
  for (auto& machine : machines().by_index(kMachinesByProviderId, node.spec.providerID)) {
    const kube::ObjectKey owner{machine->metadata.namespace_, machine->spec.clusterName};
    if (owner == cluster && std::ranges::find(found, machine) == found.end()) {
      found.push_back(std::move(machine));
    }
  }
  return found;
}

void complete_metadata(kube::ObjectMeta& metadata, std::string_view finalizer,
                       const api::cluster::Cluster& cluster) {
  if (!finalizer.empty() && !metadata.has_finalizer(finalizer)) {
    metadata.finalizers.emplace_back(finalizer);
  }
  metadata.labels[std::string(api::cluster::kClusterNameLabel)] = cluster.metadata.name;
  if (metadata.controller() != nullptr) return;
  const auto owners = with_owner(metadata.ownerReferences, kube::owner_reference(cluster, false));
  if (owners) metadata.ownerReferences = *owners;
}

Task<> adopt(Context& context, Referenced referenced, std::string cluster,
             kube::OwnerReference owner) {
  const kube::ObjectMeta metadata = kube::metadata_of(referenced.object);
  if (metadata.deleting()) co_return Result<>{};
  const auto owners = with_owner(metadata.ownerReferences, owner);
  const bool labelled = metadata.label(api::cluster::kClusterNameLabel) == cluster;
  if (!owners && labelled) co_return Result<>{};
  JsonObject changes;
  // Owner references are replaced as a whole, so nobody may have changed them meanwhile.
  changes["resourceVersion"] = metadata.resourceVersion;
  if (!labelled) changes["labels"] = JsonObject{{api::cluster::kClusterNameLabel, cluster}};
  if (owners) changes["ownerReferences"] = to_json(*owners);
  Json body = JsonObject{{"metadata", std::move(changes)}};
  auto written = co_await context.client().patch(referenced.type, metadata.key(),
                                                 kube::PatchType::kMerge, std::move(body));
  if (!written) {
    co_return with_context(std::move(written).error(), "adopting " + metadata.key().to_string());
  }
  co_return Result<>{};
}

Task<> begin_removal(Context& context, Referenced referenced) {
  const kube::ObjectMeta metadata = kube::metadata_of(referenced.object);
  if (metadata.deleting()) co_return Result<>{};
  kube::DeleteOptions options{.uid = metadata.uid};
  co_return co_await kube::ensure_deleted(context.client(), referenced.type, metadata.key(),
                                          options);
}

}  // namespace nestor::cluster
