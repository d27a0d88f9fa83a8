#pragma once

#include <optional>
#include <string>

#include "cluster/context.hpp"
#include "cluster/drain_watches.hpp"
#include "cluster/machine_deletion_logic.hpp"

namespace nestor::cluster {

/// Takes a Machine away: hooks, drain, volumes, infrastructure, bootstrap data, Node.
class MachineDeletion {
 public:
  using MachinePtr = kube::Informer<api::cluster::Machine>::Ptr;
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;

  /// `wake` is called with a Machine whose Node's pods or volumes changed.
  MachineDeletion(Context& context, DrainWatches::Wake wake)
      : context_(context), watches_(std::move(wake)) {}

  Task<kube::ReconcileResult> reconcile(MachinePtr machine, ClusterPtr cluster);
  /// The Machine is gone: nothing is watched for it any more.
  void forget(const kube::ObjectKey& machine) { watches_.end(machine); }

 private:
  /// One pass over the steps.
  struct Pass {
    kube::ObjectKey key;
    MachineDeleteView view;
    std::optional<Referenced> infrastructure;
    std::optional<Referenced> bootstrap;
    std::shared_ptr<tenant::Session> session;
    std::optional<api::core::Node> node;
    /// What the step waits for.
    std::string message;
    /// When to look again, beside what wakes it and the step's time limit.
    std::optional<Duration> again;
    /// When to ask for the evictions that were too many for this pass.
    std::optional<Duration> next_evictions;
  };
  // `pass` outlives the calls. The bools say whether the step is done with.
  Task<> look(MachinePtr machine, ClusterPtr cluster, Pass& pass);
  Task<> look_into_tenant(MachinePtr machine, ClusterPtr cluster, Pass& pass);
  Task<std::optional<api::core::Node>> find_node(std::shared_ptr<tenant::Session> session,
                                                 MachinePtr machine);
  Task<bool> do_step(MachineDeleteStep step, Pass& pass);
  Task<bool> do_tenant_step(MachineDeleteStep step, Pass& pass);
  Task<bool> drain(Pass& pass);
  Task<bool> detach(Pass& pass);
  Task<bool> remove_node(Pass& pass);
  Task<> evict(std::shared_ptr<DrainWatches::Watch> watch, const DrainView& view,
               std::vector<PodPtr> pods);
  void announce(const api::cluster::Machine& before, const api::cluster::Machine& after,
                MachineDeleteStep step, const Pass& pass);

  Context& context_;
  DrainWatches watches_;
};

}  // namespace nestor::cluster
