#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "autoscale/plan.hpp"
#include "kube/runtime.hpp"

namespace nestor::autoscale {

/// A node group with the object it comes from: one of the two is set.
struct GroupObject {
  std::shared_ptr<const api::cluster::MachineDeployment> deployment;
  std::shared_ptr<const api::cluster::MachineSet> set;
  Sizes sizes;
  /// What is wrong with its annotations.
  std::vector<std::string> faults;

  const kube::ObjectMeta& metadata() const {
    return deployment ? deployment->metadata : set->metadata;
  }
  const kube::ResourceType& type() const {
    return deployment ? api::cluster::MachineDeployment::kType : api::cluster::MachineSet::kType;
  }
};

/// Finds node groups in the management cluster's caches and says what simulation has to know of
/// them. Thread: event loop.
class GroupObjects {
 public:
  explicit GroupObjects(kube::Runtime& runtime) : runtime_(runtime) {}

  /// The groups of a Cluster that may be changed: not paused, not being deleted. `faulty` gets the
  /// objects that are none only because their sizes cannot be used.
  std::vector<GroupObject> of(const api::cluster::Cluster& cluster,
                              std::vector<GroupObject>& faulty) const;
  /// As groups of the view, whose nodes are known already. Faults are added to the objects.
  void fill(TenantView& view, std::vector<GroupObject>& objects) const;

 private:
  NodeGroup describe(const TenantView& view, GroupObject& object) const;
  void add_machines(const TenantView& view, NodeGroup& group, const GroupObject& object) const;
  void add_template(const TenantView& view, NodeGroup& group, GroupObject& object) const;

  kube::Runtime& runtime_;
};

}  // namespace nestor::autoscale
