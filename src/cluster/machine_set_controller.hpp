#pragma once

#include <map>
#include <set>
#include <string>

#include "cluster/context.hpp"
#include "cluster/machine_set_logic.hpp"
#include "kube/applier.hpp"

namespace nestor::cluster {

/// Keeps as many Machines as a MachineSet wants. Each is made as bootstrap config, infrastructure
/// machine and Machine of one name, in this order; when a crash left the first without the last,
/// the same name is used again.
class MachineSetController {
 public:
  explicit MachineSetController(Context& context) : context_(context) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using SetPtr = std::shared_ptr<const api::cluster::MachineSet>;
  Task<kube::ReconcileResult> reconcile_delete(SetPtr set);
  Task<> adopt_machines(SetPtr set, std::vector<MachinePtr> orphans);
  /// The set's place in its deployment, if it has one.
  struct Standing {
    std::shared_ptr<const api::cluster::MachineDeployment> deployment;
    bool outdated = false;
  };
  Standing standing_of(const api::cluster::MachineSet& set);
  /// Why no Machine may be made now, or "".
  Task<std::string> preflight(SetPtr set, kube::Informer<api::cluster::Cluster>::Ptr cluster);
  /// Creates, deletes and replaces; what keeps it from creating goes to `view`, and is returned
  /// after the status was written.
  Task<> scale(SetPtr set, kube::Informer<api::cluster::Cluster>::Ptr cluster,
               const std::vector<MachinePtr>& owned, const Standing& standing,
               MachineSetView& view);
  Task<> create_machines(SetPtr set, int count);
  /// Carries what needs no new Machine over to those that are there.
  Task<> update_machines(SetPtr set, std::vector<MachinePtr> owned);
  Task<> update_machine(SetPtr set, MachinePtr machine);
  Task<> create_machine(SetPtr set, std::string name);
  Task<> remove_machines(SetPtr set, std::vector<MachinePtr> machines);
  /// Creates what the template makes for `name`; one that is there already is fine.
  Task<> clone(SetPtr set, api::cluster::ContractReference ref, std::string name);
  Task<> remove_halves(SetPtr set);
  /// Names of bootstrap configs and infrastructure machines that still wait for their Machine.
  std::set<std::string> half_made(const api::cluster::MachineSet& set);
  /// Waits until the cache shows what this process created; the next decision counts Machines.
  Task<> wait_for_own_writes(kube::ObjectKey set);
  /// The cached Machines that may be members of the set.
  std::vector<MachinePtr> candidates_of(const api::cluster::MachineSet& set);
  void watch_surroundings(kube::Controller& controller);
  std::vector<kube::ObjectKey> sets_of(const api::cluster::Cluster& cluster);

  Context& context_;
  std::map<kube::ObjectKey, std::set<kube::ObjectKey>> created_;
  /// Of the Machines: what was applied before and is not any more is taken back.
  kube::Applier applier_{"nestor-machineset"};
};

}  // namespace nestor::cluster
