#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/cluster/machine.hpp"
#include "api/cluster/machine_set.hpp"
#include "base/json.hpp"

/// What a MachineSet does about its number of Machines. Pure.
namespace nestor::cluster {

using MachinePtr = std::shared_ptr<const api::cluster::Machine>;

/// Machines, sorted out for a set.
struct MachineSetMembers {
  /// Controlled by the set, those being deleted included.
  std::vector<MachinePtr> owned;
  /// Matching its selector and without controller: to be adopted.
  std::vector<MachinePtr> orphans;
};
MachineSetMembers members_of(const api::cluster::MachineSet& set,
                             const std::vector<MachinePtr>& machines);

/// How many Machines to create, or which to delete. A Machine that is being deleted is replaced
/// only once it is gone, so that no more stand than were asked for; but one whose infrastructure
/// has failed stands no more, and its drain may take long.
struct ScalePlan {
  int create = 0;
  std::vector<MachinePtr> remove;
};
ScalePlan plan_scale(const api::cluster::MachineSet& set, std::vector<MachinePtr> owned);

/// The order in which Machines go: those already going, marked by annotation, unhealthy, not yet
/// available, the others; among these by `order` ("Newest", "Oldest", else by name).
std::vector<MachinePtr> by_delete_priority(std::vector<MachinePtr> machines,
                                           std::string_view order);

/// The Machine called `name` that the set makes. `spec.bootstrap` and `spec.infrastructureRef` name
/// the objects cloned from the set's templates, which have the same name.
api::cluster::Machine machine_of(const api::cluster::MachineSet& set, const std::string& name);

/// The object that a template (`spec.template`) makes for the Machine called `name`, controlled by
/// the set until the Machine takes it over. `template_object` is what the API server gave.
Result<Json> clone_template(const api::cluster::MachineSet& set, const Json& template_object,
                            const std::string& name);

/// `existing` as the set wants it, without what only a new Machine can have otherwise (version,
/// bootstrap data, infrastructure, failure domain).
api::cluster::Machine updated_machine(const api::cluster::MachineSet& set,
                                      const api::cluster::Machine& existing);

/// Unhealthy Machines that the set replaces now, at most `most` at a time, those included that are
/// on their way out for it: first those that somebody asked for, then the newest.
std::vector<MachinePtr> plan_remediation(const std::vector<MachinePtr>& owned, int most);

/// What decides on the set's status beside its Machines.
struct MachineSetView {
  /// Its Machines are not what its deployment wants any more.
  bool outdated = false;
  /// Why no Machine is made at the moment, or "".
  std::string blocked;
};
/// Counts, selector and conditions of the set.
api::cluster::MachineSet observe(const api::cluster::MachineSet& set,
                                 const std::vector<MachinePtr>& owned, const MachineSetView& view,
                                 std::string_view now);

/// "KubevirtMachineTemplate" makes "KubevirtMachine".
std::string kind_of_template(std::string_view template_kind);

}  // namespace nestor::cluster
