#pragma once

#include <optional>
#include <string>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "cluster/kinds.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::cluster {

/// What the room's controllers share. Lifetime: as long as the runtime.
struct Context {
  kube::Runtime& runtime;
  tenant::Sessions& sessions;
  Kinds kinds;

  Context(kube::Runtime& rt, tenant::Sessions& tenants)
      : runtime(rt), sessions(tenants), kinds(rt.informers()) {}

  kube::Client& client() { return runtime.client(); }
  kube::Informer<api::cluster::Cluster> clusters();
  kube::Informer<api::cluster::Machine> machines();
  kube::Informer<api::cluster::MachineSet> machine_sets();
  kube::Informer<api::cluster::MachineDeployment> machine_deployments();
  std::string now() const;
};

/// An object that a reference names, with the type it was found under.
struct Referenced {
  kube::ResourceType type;
  Json object;
};

/// Reads what `ref` names in `ns`; nothing when it is not there or `ref` is empty.
Task<std::optional<Referenced>> fetch(Context& context, api::cluster::ContractReference ref,
                                      std::string ns);

/// Gives the object the cluster's label and `owner`, when it lacks them. An owner that is its
/// controller takes over from the one that was (a Machine from its MachineSet).
Task<> adopt(Context& context, Referenced referenced, std::string cluster,
             kube::OwnerReference owner);

/// Starts the deletion of the object, unless it is being deleted.
Task<> begin_removal(Context& context, Referenced referenced);

/// The owner references that an object should have when `owner` is added to `current`; nothing when
/// they already are so. Pure.
std::optional<std::vector<kube::OwnerReference>> with_owner(
    const std::vector<kube::OwnerReference>& current, const kube::OwnerReference& owner);

}  // namespace nestor::cluster
