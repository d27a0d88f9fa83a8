#include "cluster/context.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "cluster/contract.hpp"

namespace nestor::cluster {

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
std::string Context::now() const { return format_rfc3339(runtime.clock().now()); }

Task<std::optional<Referenced>> fetch(Context& context, api::cluster::ContractReference ref,
                                      std::string ns) {
  if (ref.empty()) co_return std::optional<Referenced>{};
  NESTOR_CO_TRY(const kube::ResourceType type,
                co_await context.kinds.resolve(ref.apiGroup, ref.kind));
  kube::ObjectKey key{ns, ref.name};
  auto object = co_await context.client().get(type, key);
  if (!object && object.error().code == Code::kNotFound) co_return std::optional<Referenced>{};
  if (!object) co_return with_context(std::move(object).error(), ref.kind + " " + key.to_string());
  co_return Referenced{type, *std::move(object)};
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

Task<> adopt(Context& context, Referenced referenced, std::string cluster,
             kube::OwnerReference owner) {
  const kube::ObjectMeta metadata = metadata_of(referenced.object);
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
  const kube::ObjectMeta metadata = metadata_of(referenced.object);
  if (metadata.deleting()) co_return Result<>{};
  kube::DeleteOptions options{.uid = metadata.uid};
  co_return co_await kube::ensure_deleted(context.client(), referenced.type, metadata.key(),
                                          options);
}

}  // namespace nestor::cluster
