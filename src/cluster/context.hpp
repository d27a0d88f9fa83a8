#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/cluster/machine_set.hpp"
#include "cluster/kinds.hpp"
#include "cluster/replica_logic.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::cluster {

// Indexes of the cached Machines, for Context::machines_of.
inline constexpr const char* kMachinesByNode = "machine.node";
inline constexpr const char* kMachinesByProviderId = "machine.providerID";
inline std::string machine_node_key(const kube::ObjectKey& cluster, const std::string& node) {
  return cluster.to_string() + "/" + node;
}

/// Of a cache of objects that a MachineSet or MachineDeployment controls: by the controller's uid;
/// for Context::controlled_by.
inline constexpr const char* kByController = "cluster.controller";
template <kube::Resource T>
void index_by_controller(kube::Informer<T> informer) {
  informer.add_index(kByController, [](const T& object) {
    const auto* controller = object.metadata.controller();
    return controller == nullptr ? std::vector<std::string>{}
                                 : std::vector<std::string>{controller->uid};
  });
}

/// What the room's controllers share. Lifetime: as long as the runtime.
struct Context {
  kube::Runtime& runtime;
  tenant::Sessions& sessions;
  Kinds kinds;

  Context(kube::Runtime& rt, tenant::Sessions& tenants);

  kube::Client& client() { return runtime.client(); }
  kube::Informer<api::cluster::Cluster> clusters();
  kube::Informer<api::cluster::Machine> machines();
  kube::Informer<api::cluster::MachineSet> machine_sets();
  kube::Informer<api::cluster::MachineDeployment> machine_deployments();
  kube::Informer<api::cluster::MachineHealthCheck> machine_health_checks();
  std::string now() const;

  /// Of the cached Clusters: those whose infrastructure or control plane that is (with an empty
  /// key: any of that kind).
  std::vector<kube::Informer<api::cluster::Cluster>::Ptr> clusters_referring_to(
      const std::string& kind, const kube::ObjectKey& key);
  /// Reconciles the keys that `of` gives for a Cluster when something changed that its Machines and
  /// what makes them go by: most writes of its status are counts of theirs.
  void watch_clusters(kube::Controller& controller,
                      std::function<std::vector<kube::ObjectKey>(const api::cluster::Cluster&)> of);
  /// The Machines of a cluster that `node` of its tenant is or was the Node of.
  std::vector<kube::Informer<api::cluster::Machine>::Ptr> machines_of(
      const kube::ObjectKey& cluster, const api::core::Node& node);
  /// The cached objects of kind T whose controller is `owner`, by name. Their cache is indexed by
  /// it: those of Machines, MachineSets and what a MachineSet clones are.
  template <kube::Resource T>
  std::vector<typename kube::Informer<T>::Ptr> controlled_by(const kube::ObjectMeta& owner) {
    auto found = runtime.informers().of<T>().by_index(kByController, owner.uid);
    std::erase_if(found, [&owner](const auto& object) {
      return object->metadata.namespace_ != owner.namespace_;
    });
    return found;
  }
  /// The cached Machines of a Cluster that nobody controls.
  std::vector<kube::Informer<api::cluster::Machine>::Ptr> orphans_of(
      const kube::ObjectKey& cluster);
  /// For the options of a controller of kind T: the Cluster of each object, so that each has its
  /// share of the workers.
  template <kube::Resource T>
  std::function<std::string(const kube::ObjectKey&)> by_cluster() {
    return [this](const kube::ObjectKey& key) {
      const auto object = runtime.informers().of<T>().get(key);
      return object ? kube::ObjectKey{key.ns, object->spec.clusterName}.to_string() : "";
    };
  }
  /// The controller of `object`, if it is a T that is cached.
  template <kube::Resource T>
  typename kube::Informer<T>::Ptr controller_of(const kube::ObjectMeta& object) {
    const auto* owner = object.controller();
    if (owner == nullptr || owner->kind != T::kType.kind) return nullptr;
    auto found = runtime.informers().of<T>().get({object.namespace_, owner->name});
    return found && found->metadata.uid == owner->uid ? found : nullptr;
  }
};

/// An object that a reference names, with the type it was found under.
struct Referenced {
  kube::ResourceType type;
  Json object;
};

/// Reads what `ref` names in `ns`; nothing when it is not there, its kind is not served (see
/// Kinds::knows) or `ref` is empty.
Task<std::optional<Referenced>> fetch(Context& context, api::cluster::ContractReference ref,
                                      std::string ns);

/// The Node as the tenant's API server has it now; nothing when it is not there.
Task<std::optional<api::core::Node>> read_node(std::shared_ptr<tenant::Session> session,
                                               std::string name);

/// Gives the object the cluster's label and `owner`, when it lacks them. An owner that is its
/// controller takes over from the one that was (a Machine from its MachineSet).
Task<> adopt(Context& context, Referenced referenced, std::string cluster,
             kube::OwnerReference owner);

void complete_metadata(kube::ObjectMeta& metadata, std::string_view finalizer,
                       const api::cluster::Cluster& cluster);
/// Gives an object of a cluster its finalizer ("" none), the cluster's label, and the Cluster as
/// owner if it has no controller; whether something had to be written.
template <kube::Resource T>
Task<bool> ensure_metadata(Context& context, std::shared_ptr<const T> object,
                           std::string_view finalizer,
                           kube::Informer<api::cluster::Cluster>::Ptr cluster) {
  T after = *object;
  complete_metadata(after.metadata, finalizer, *cluster);
  if (after.metadata == object->metadata) co_return false;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context.client(), *object, after));
  co_return true;
}

/// All that a paused object gets: the condition Paused.
template <kube::Resource T>
Task<kube::ReconcileResult> show_paused(Context& context, std::shared_ptr<const T> object,
                                        kube::Informer<api::cluster::Cluster>::Ptr cluster) {
  T after = *object;
  api::cluster::set_paused(after.status.conditions, *cluster, object->metadata, context.now());
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context.client(), *object, after));
  co_return kube::ReconcileResult{};
}

/// All that an object gets whose spec is not valid: its condition `type` is False and says why. It
/// is looked at again when it changes.
template <kube::Resource T>
Task<kube::ReconcileResult> show_invalid(Context& context, std::shared_ptr<const T> object,
                                         std::string type, std::string why) {
  T after = *object;
  put_conditions(after.status.conditions,
                 {kube::make_condition(type, false, "InvalidSpec", std::move(why))},
                 object->metadata.generation, context.now());
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context.client(), *object, after));
  co_return kube::ReconcileResult{};
}

/// Starts the deletion of the object, unless it is being deleted.
Task<> begin_removal(Context& context, Referenced referenced);

/// The owner references that an object should have when `owner` is added to `current`; nothing when
/// they already are so. Pure.
std::optional<std::vector<kube::OwnerReference>> with_owner(
    const std::vector<kube::OwnerReference>& current, const kube::OwnerReference& owner);

}  // namespace nestor::cluster
