#include "cluster/machine_set_logic.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "api/cluster/labels.hpp"
#include "cluster/contract.hpp"
#include "cluster/machine_health_logic.hpp"
#include "cluster/replica_logic.hpp"
#include "kube/client.hpp"

namespace nestor::cluster {

namespace names = api::cluster;
using api::cluster::Machine;
using api::cluster::MachineSet;

namespace {

std::string_view status_of(const Machine& machine, std::string_view type) {
  const auto* found = kube::find_condition(machine.status.conditions, type);
  return found == nullptr ? std::string_view() : found->status;
}

/// What is Unknown is no reason: the Node of a tenant that is away may well be at work.
bool is_unhealthy(const Machine& machine) {
  return machine.status.nodeRef.name.empty() || status_of(machine, "NodeHealthy") == "False" ||
         status_of(machine, "HealthCheckSucceeded") == "False";
}

/// Not ready, but only because its Node cannot be asked.
bool is_unknown(const Machine& machine) {
  return !machine.metadata.deleting() && !is_unhealthy(machine) &&
         status_of(machine, "Ready") != "True" && status_of(machine, "NodeHealthy") == "Unknown";
}

int delete_class(const Machine& machine) {
  if (machine.metadata.deleting()) return 0;
  if (machine.metadata.annotations.contains(std::string(names::kDeleteMachineAnnotation))) {
    return 1;
  }
  if (is_unhealthy(machine)) return 2;
  // One that serves nothing yet is what a roll-out takes for free; one that cannot be asked may.
  const bool idle =
      status_of(machine, "Available") == "False" && status_of(machine, "NodeHealthy") != "Unknown";
  return idle ? 3 : 4;
}

/// Labels of what the set makes: its template's, its own mark, its deployment's and cluster's.
std::map<std::string, std::string> labels_of(const MachineSet& set) {
  auto labels = set.spec.template_.metadata.labels;
  labels[std::string(names::kClusterNameLabel)] = set.spec.clusterName;
  labels[std::string(names::kSetNameLabel)] = set.metadata.name;
  if (const auto name = set.metadata.label(names::kDeploymentNameLabel); !name.empty()) {
    labels[std::string(names::kDeploymentNameLabel)] = name;
  }
  return labels;
}

/// Those that are being deleted serve no more, also before their own conditions say so.
int count_serving(const std::vector<MachinePtr>& machines, std::string_view type) {
  return static_cast<int>(std::ranges::count_if(machines, [&](const MachinePtr& machine) {
    return !machine->metadata.deleting() && kube::condition_true(machine->status.conditions, type);
  }));
}

std::vector<names::VersionCount> versions_of(const std::vector<MachinePtr>& machines) {
  std::map<std::string, std::int32_t> counts;
  for (const auto& machine : machines) {
    if (!machine->spec.version.empty()) ++counts[machine->spec.version];
  }
  std::vector<names::VersionCount> out;
  for (const auto& [version, count] : counts) out.push_back({version, count});
  return out;
}

}  // namespace

MachineSetMembers members_of(const MachineSet& set, const std::vector<MachinePtr>& machines) {
  MachineSetMembers members;
  for (const auto& machine : machines) {
    if (machine->metadata.namespace_ != set.metadata.namespace_) continue;
    if (const auto* controller = machine->metadata.controller()) {
      if (controller->uid == set.metadata.uid) members.owned.push_back(machine);
      continue;
    }
    const bool same_cluster = machine->spec.clusterName == set.spec.clusterName;
    if (same_cluster && !machine->metadata.deleting() && !set.spec.selector.empty() &&
        api::matches(set.spec.selector, machine->metadata.labels)) {
      members.orphans.push_back(machine);
    }
  }
  return members;
}

std::vector<MachinePtr> by_delete_priority(std::vector<MachinePtr> machines,
                                           std::string_view order) {
  std::ranges::sort(machines, [&](const MachinePtr& a, const MachinePtr& b) {
    const int first = delete_class(*a);
    const int second = delete_class(*b);
    if (first != second) return first < second;
    // RFC 3339 in UTC sorts as text.
    const auto& born_a = a->metadata.creationTimestamp;
    const auto& born_b = b->metadata.creationTimestamp;
    if (order == "Newest" && born_a != born_b) return born_a > born_b;
    if (order == "Oldest" && born_a != born_b) return born_a < born_b;
    return a->metadata.name < b->metadata.name;
  });
  return machines;
}

ScalePlan plan_scale(const MachineSet& set, std::vector<MachinePtr> owned) {
  std::erase_if(owned, [](const MachinePtr& machine) {
    return machine->metadata.deleting() && api::cluster::infrastructure_failed(*machine);
  });
  const int wanted = std::max(0, set.spec.replicas.value_or(1));
  const int have = static_cast<int>(owned.size());
  ScalePlan plan;
  if (have < wanted) {
    const bool stopped =
        set.metadata.annotations.contains(std::string(names::kDisableMachineCreateAnnotation));
    plan.create = stopped ? 0 : wanted - have;
    return plan;
  }
  auto order = by_delete_priority(owned, set.spec.deletion.order);
  order.resize(static_cast<std::size_t>(have - wanted));
  std::erase_if(order, [](const MachinePtr& machine) { return machine->metadata.deleting(); });
  plan.remove = std::move(order);
  return plan;
}

std::string kind_of_template(std::string_view template_kind) {
  constexpr std::string_view kSuffix = "Template";
  if (template_kind.ends_with(kSuffix)) template_kind.remove_suffix(kSuffix.size());
  return std::string(template_kind);
}

Machine machine_of(const MachineSet& set, const std::string& name) {
  Machine machine;
  machine.metadata.name = name;
  machine.metadata.namespace_ = set.metadata.namespace_;
  machine.metadata.labels = labels_of(set);
  machine.metadata.annotations = set.spec.template_.metadata.annotations;
  machine.metadata.ownerReferences = {kube::owner_reference(set)};
  machine.metadata.finalizers = {std::string(names::kMachineFinalizer)};
  machine.spec = set.spec.template_.spec;
  machine.spec.clusterName = set.spec.clusterName;
  for (auto* ref : {&machine.spec.bootstrap.configRef, &machine.spec.infrastructureRef}) {
    if (ref->empty()) continue;
    ref->kind = kind_of_template(ref->kind);
    ref->name = name;
  }
  names::set_defaults(machine);
  return machine;
}

Result<Json> clone_template(const MachineSet& set, const Json& template_object,
                            const std::string& name) {
  const auto api_version = find_string(template_object, {"apiVersion"});
  const auto kind = find_string(template_object, {"kind"});
  const Json* spec = find(template_object, {"spec", "template", "spec"});
  const auto source = kube::metadata_of(template_object);
  if (!kind.ends_with("Template")) {
    return fail(Code::kInvalidArgument,
                std::string(kind) + " " + source.name + " is not a template to make Machines from");
  }
  kube::ObjectMeta metadata;
  api::TemplateMetadata given;
  if (const Json* value = find(template_object, {"spec", "template", "metadata"})) {
    NESTOR_TRY_VOID(read_json(*value, given));
  }
  metadata.name = name;
  metadata.namespace_ = set.metadata.namespace_;
  metadata.labels = labels_of(set);
  metadata.labels.merge(given.labels);
  metadata.annotations = set.spec.template_.metadata.annotations;
  metadata.annotations.merge(given.annotations);
  metadata.annotations[std::string(names::kClonedFromNameAnnotation)] = source.name;
  const auto group = api_version.substr(0, api_version.find('/'));
  metadata.annotations[std::string(names::kClonedFromGroupKindAnnotation)] =
      std::string(kind) + "." + std::string(group);
  metadata.ownerReferences = {kube::owner_reference(set)};
  return JsonObject{{"apiVersion", api_version},
                    {"kind", kind_of_template(kind)},
                    {"metadata", to_json(metadata)},
                    {"spec", spec == nullptr ? Json(JsonObject{}) : *spec}};
}

Machine updated_machine(const MachineSet& set, const Machine& existing) {
  Machine wanted = machine_of(set, existing.metadata.name);
  wanted.metadata.uid = existing.metadata.uid;
  wanted.spec.version = existing.spec.version;
  wanted.spec.failureDomain = existing.spec.failureDomain;
  wanted.spec.infrastructureRef = existing.spec.infrastructureRef;
  wanted.spec.bootstrap.configRef = existing.spec.bootstrap.configRef;
  return wanted;
}

std::vector<MachinePtr> plan_remediation(const std::vector<MachinePtr>& owned, int most) {
  std::vector<MachinePtr> waiting;
  for (const auto& machine : owned) {
    if (!awaits_remediation(*machine)) continue;
    if (machine->metadata.deleting()) {
      --most;
    } else {
      waiting.push_back(machine);
    }
  }
  std::ranges::sort(waiting, [](const MachinePtr& a, const MachinePtr& b) {
    const auto rank = [](const Machine& machine) {
      return machine.metadata.annotations.contains(std::string(names::kRemediateMachineAnnotation))
                 ? 0
                 : 1;
    };
    if (rank(*a) != rank(*b)) return rank(*a) < rank(*b);
    const auto& born_a = a->metadata.creationTimestamp;
    const auto& born_b = b->metadata.creationTimestamp;
    return born_a != born_b ? born_a > born_b : a->metadata.name < b->metadata.name;
  });
  const auto room = static_cast<std::size_t>(std::max(0, most));
  if (waiting.size() > room) waiting.resize(room);
  return waiting;
}

MachineSet observe(const MachineSet& set, const std::vector<MachinePtr>& owned,
                   const MachineSetView& view, std::string_view now) {
  MachineSet out = set;
  auto& status = out.status;
  ReplicaCounts counts;
  counts.wanted = set.spec.replicas.value_or(1);
  counts.have = static_cast<int>(owned.size());
  counts.ready = count_serving(owned, "Ready");
  counts.available = count_serving(owned, "Available");
  counts.unknown = static_cast<int>(
      std::ranges::count_if(owned, [](const MachinePtr& machine) { return is_unknown(*machine); }));
  counts.up_to_date = view.outdated ? 0 : counts.have;
  counts.remediating = static_cast<int>(std::ranges::count_if(
      owned, [](const MachinePtr& machine) { return awaits_remediation(*machine); }));
  counts.deleting = set.metadata.deleting();
  counts.blocked = view.blocked;
  write_counts(counts, status);
  status.selector = api::to_selector_text(set.spec.selector);
  status.versions = versions_of(owned);
  status.observedGeneration = set.metadata.generation;
  put_conditions(status.conditions, replica_conditions(counts), set.metadata.generation, now);
  return out;
}

}  // namespace nestor::cluster
