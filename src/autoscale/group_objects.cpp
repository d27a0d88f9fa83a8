#include "autoscale/group_objects.hpp"

#include <algorithm>
#include <set>

#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"

namespace nestor::autoscale {
namespace {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::infrastructure::KubevirtMachineTemplate;

bool usable(const Cluster& cluster, const kube::ObjectMeta& metadata,
            const std::string& cluster_name) {
  return cluster_name == cluster.metadata.name && !metadata.deleting() &&
         !api::cluster::paused(cluster, metadata);
}

/// Adds the object if its annotations make it a group, or to `faulty` if they are meant to.
template <class T>
void add(std::vector<GroupObject>& out, std::vector<GroupObject>& faulty,
         const std::shared_ptr<const T>& object) {
  std::string fault;
  const auto sizes = read_sizes(object->metadata, fault);
  if (!sizes && fault.empty()) return;
  GroupObject group;
  if constexpr (std::same_as<T, MachineDeployment>) {
    group.deployment = object;
  } else {
    group.set = object;
  }
  if (sizes) {
    group.sizes = *sizes;
    out.push_back(std::move(group));
  } else {
    group.faults.push_back(std::move(fault));
    faulty.push_back(std::move(group));
  }
}

}  // namespace

std::vector<GroupObject> GroupObjects::of(const Cluster& cluster,
                                          std::vector<GroupObject>& faulty) const {
  std::vector<GroupObject> out;
  const std::string& ns = cluster.metadata.namespace_;
  for (const auto& one : runtime_.informers().of<MachineDeployment>().list(ns)) {
    if (one->spec.paused.value_or(false)) continue;
    if (usable(cluster, one->metadata, one->spec.clusterName)) add(out, faulty, one);
  }
  for (const auto& one : runtime_.informers().of<MachineSet>().list(ns)) {
    // One that belongs to a MachineDeployment is scaled by it.
    if (one->metadata.controller() != nullptr) continue;
    if (usable(cluster, one->metadata, one->spec.clusterName)) add(out, faulty, one);
  }
  return out;
}

void GroupObjects::add_machines(const TenantView& view, NodeGroup& group,
                                const GroupObject& object) const {
  std::set<std::string> set_uids;
  if (object.set) {
    set_uids.insert(object.set->metadata.uid);
  } else {
    int in_use = 0;
    for (const auto& set : runtime_.informers().of<MachineSet>().list(group.metadata.namespace_)) {
      const auto* owner = set->metadata.controller();
      if (owner == nullptr || owner->uid != group.metadata.uid) continue;
      set_uids.insert(set->metadata.uid);
      const bool used = set->spec.replicas.value_or(0) > 0 || set->status.replicas.value_or(0) > 0;
      in_use += used ? 1 : 0;
    }
    group.rolling = in_use > 1;
  }
  std::map<std::string_view, const std::string*> node_by_provider_id;
  for (const auto& node : view.nodes) {
    if (!node->spec.providerID.empty()) {
      node_by_provider_id[node->spec.providerID] = &node->metadata.name;
    }
  }
  for (const auto& machine : runtime_.informers().of<Machine>().list(group.metadata.namespace_)) {
    const auto* owner = machine->metadata.controller();
    if (owner == nullptr || !set_uids.contains(owner->uid)) continue;
    MachineView one = view_of(*machine);
    // A Node is there a moment before its Machine says so: it must not count twice.
    const auto node = node_by_provider_id.find(one.provider_id);
    if (one.node.empty() && node != node_by_provider_id.end()) one.node = *node->second;
    group.machines.push_back(std::move(one));
  }
}

void GroupObjects::add_template(const TenantView& view, NodeGroup& group,
                                GroupObject& object) const {
  const std::string& name = group.metadata.name;
  std::map<std::string, const api::core::Node*> nodes;
  for (const auto& node : view.nodes) nodes[node->metadata.name] = node.get();
  for (const MachineView& machine : group.machines) {
    const auto found = nodes.find(machine.node);
    if (found == nodes.end() || machine.deleting || !api::core::ready(*found->second)) continue;
    auto made = std::make_shared<Node>(template_from(*found->second, name));
    if (const auto limits = view.volume_limits.find(machine.node);
        limits != view.volume_limits.end()) {
      made->volume_limits = limits->second;
    }
    group.template_node = std::move(made);
    return;
  }
  const auto& machine_template =
      object.deployment ? object.deployment->spec.template_ : object.set->spec.template_;
  const auto& ref = machine_template.spec.infrastructureRef;
  std::map<std::string, std::string> capacity;
  if (ref.kind == KubevirtMachineTemplate::kType.kind) {
    const auto infra = runtime_.informers().of<KubevirtMachineTemplate>().get(
        {group.metadata.namespace_, ref.name});
    if (infra) {
      for (const auto& [resource, amount] : infra->status.capacity) {
        capacity[resource] = amount.is_string() ? std::string(std::string_view(amount.get_string()))
                                                : to_text(amount);
      }
    }
  }
  auto made = node_from_capacity(group.metadata, machine_template, capacity);
  if (made) {
    group.template_node = std::make_shared<const Node>(*std::move(made));
    return;
  }
  group.no_template = made.error().message;
  if (made.error().code == Code::kInvalidArgument) object.faults.push_back(group.no_template);
}

NodeGroup GroupObjects::describe(const TenantView& view, GroupObject& object) const {
  NodeGroup group;
  group.type = object.type();
  group.metadata = object.metadata();
  group.min = object.sizes.min;
  group.max = object.sizes.max;
  const auto replicas =
      object.deployment ? object.deployment->spec.replicas : object.set->spec.replicas;
  // As Cluster API defaults it for a group that is scaled.
  group.target = replicas.value_or(group.min);
  group.options = read_group_options(group.metadata, view.options, object.faults);
  group.state = read_state(group.metadata);
  add_machines(view, group, object);
  add_template(view, group, object);
  return group;
}

void GroupObjects::fill(TenantView& view, std::vector<GroupObject>& objects) const {
  for (GroupObject& object : objects) view.groups.push_back(describe(view, object));
}

}  // namespace nestor::autoscale
