#include "cluster/machine_logic.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/json_convert.hpp"
#include "cluster/cluster_logic.hpp"
#include "cluster/contract.hpp"
#include "cluster/kinds.hpp"

namespace nestor::cluster {

namespace {

using api::cluster::Machine;
using api::core::Node;
using kube::Condition;

void observe_bootstrap(const MachineView& view, Machine& machine) {
  auto& bootstrap = machine.spec.bootstrap;
  if (bootstrap.dataSecretName.empty() && view.bootstrap) {
    bootstrap.dataSecretName = bootstrap_data_secret(*view.bootstrap);
  }
  if (!bootstrap.dataSecretName.empty()) {
    machine.status.initialization.bootstrapDataSecretCreated = true;
  }
}

void observe_infrastructure(const MachineView& view, Machine& machine) {
  if (!view.infrastructure) return;
  const Json& infra = *view.infrastructure;
  const auto provider_id = find_string(infra, {"spec", "providerID"});
  if (!is_provisioned(infra) || provider_id.empty()) return;
  machine.spec.providerID = provider_id;
  machine.status.initialization.infrastructureProvisioned = true;
  if (const Json* addresses = find(infra, {"status", "addresses"})) {
    (void)read_json(*addresses, machine.status.addresses);
  }
  for (const auto path : {"status", "spec"}) {
    const auto domain = find_string(infra, {path, "failureDomain"});
    if (domain.empty()) continue;
    machine.status.failureDomain = domain;
    break;
  }
}

void observe_node(const MachineView& view, Machine& machine) {
  if (view.node == nullptr) return;
  machine.status.nodeRef.name = view.node->metadata.name;
  if (view.node->status.nodeInfo) machine.status.nodeInfo = to_json(*view.node->status.nodeInfo);
}

Condition bootstrap_ready(const MachineView& view, const Machine& machine) {
  if (view.bootstrap) {
    return mirror(*view.bootstrap, "Ready", "BootstrapConfigReady",
                  machine.status.initialization.bootstrapDataSecretCreated.value_or(false));
  }
  if (!machine.spec.bootstrap.dataSecretName.empty()) {
    return kube::make_condition("BootstrapConfigReady", true, "DataSecretProvided");
  }
  return kube::make_condition("BootstrapConfigReady", false, "DoesNotExist",
                              absence_of(machine.spec.bootstrap.configRef, view.bootstrap_known));
}

Condition infrastructure_ready(const MachineView& view, const Machine& machine) {
  const bool provisioned = machine.status.initialization.infrastructureProvisioned.value_or(false);
  if (view.infrastructure) {
    const auto failure = find_string(*view.infrastructure, {"status", "failureReason"});
    if (!failure.empty()) {
      const auto message = find_string(*view.infrastructure, {"status", "failureMessage"});
      return kube::make_condition("InfrastructureReady", false, api::cluster::kInfrastructureFailed,
                                  std::string(message.empty() ? failure : message));
    }
    return mirror(*view.infrastructure, "Ready", "InfrastructureReady", provisioned);
  }
  const auto& ref = machine.spec.infrastructureRef;
  if (provisioned && view.infrastructure_known) {
    return kube::make_condition("InfrastructureReady", false, api::cluster::kInfrastructureDeleted,
                                ref.kind + " is gone");
  }
  return kube::make_condition("InfrastructureReady", false, "DoesNotExist",
                              absence_of(ref, view.infrastructure_known));
}

/// Whether what the Node said last still counts.
bool keeps_node_conditions(const MachineView& view, const Machine& machine) {
  if (view.node != nullptr || view.connected || view.lost) return false;
  const auto& conditions = machine.status.conditions;
  return kube::find_condition(conditions, "NodeReady") != nullptr &&
         kube::find_condition(conditions, "NodeHealthy") != nullptr;
}

/// NodeReady mirrors the Node; NodeHealthy also looks at its pressures. A tenant that is away for a
/// while (a restart of ours is enough) does not make them unhealthy.
void observe_node_conditions(const MachineView& view, Machine& machine,
                             std::vector<Condition>& out) {
  if (keeps_node_conditions(view, machine)) return;
  const bool known = !machine.status.nodeRef.name.empty();
  if (view.node == nullptr) {
    const bool gone = known && view.connected;
    const std::string message = !view.connected ? "the tenant cluster cannot be reached"
                                : known         ? "the Node is gone"
                                                : "waiting for the Node to join";
    const auto add = [&](std::string_view type, std::string_view unknown) {
      out.push_back(gone ? kube::make_condition(type, false, "NodeDeleted", message)
                         : kube::make_unknown_condition(type, unknown, message));
    };
    add("NodeReady", "NodeReadyUnknown");
    add("NodeHealthy", "NodeHealthyUnknown");
    return;
  }
  const auto& conditions = view.node->status.conditions;
  const auto* ready = kube::find_condition(conditions, "Ready");
  const bool is_ready = ready != nullptr && ready->status == "True";
  const std::string why = ready == nullptr ? "the Node has not reported" : ready->message;
  out.push_back(kube::make_condition("NodeReady", is_ready, is_ready ? "NodeReady" : "NodeNotReady",
                                     is_ready ? "" : why));
  std::string message = is_ready ? "" : why;
  for (const auto type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
    if (!kube::condition_true(conditions, type)) continue;
    if (!message.empty()) message += "; ";
    message += std::string("the Node has ") + type;
  }
  out.push_back(kube::make_condition("NodeHealthy", message.empty(),
                                     message.empty() ? "NodeHealthy" : "NodeNotHealthy", message));
}

/// Adds the condition's message to `message` unless it has the `good` status.
void require_condition(const Machine& machine, const std::string& type, std::string_view good,
                       std::string& message) {
  const auto* one = kube::find_condition(machine.status.conditions, type);
  if (one != nullptr && one->status == good) return;
  if (!message.empty()) message += "; ";
  message += type;
  if (one != nullptr && !one->message.empty()) message += ": " + one->message;
}

Condition ready_summary(const Machine& machine) {
  if (machine.metadata.deleting()) {
    return kube::make_condition("Ready", false, "NotReady", "the Machine is being deleted");
  }
  std::string message;
  for (const auto type : {"BootstrapConfigReady", "InfrastructureReady", "NodeHealthy"}) {
    require_condition(machine, type, "True", message);
  }
  if (kube::find_condition(machine.status.conditions, "HealthCheckSucceeded") != nullptr) {
    require_condition(machine, "HealthCheckSucceeded", "True", message);
  }
  for (const auto& gate : machine.spec.readinessGates) {
    const bool negative = gate.polarity == "Negative";
    require_condition(machine, gate.conditionType, negative ? "False" : "True", message);
  }
  return kube::make_condition("Ready", message.empty(), message.empty() ? "Ready" : "NotReady",
                              message);
}

Condition available(const Machine& machine, WallTime now) {
  if (!kube::condition_true(machine.status.conditions, "Ready")) {
    return kube::make_condition("Available", false, "NotAvailable", "the Machine is not ready");
  }
  if (until_available(machine, now)) {
    return kube::make_condition("Available", false, "WaitingForMinReadySeconds");
  }
  return kube::make_condition("Available", true, "Available");
}

Condition up_to_date(const MachineView& view) {
  if (view.outdated.empty()) return kube::make_condition("UpToDate", true, "UpToDate");
  std::string message;
  for (const std::string& one : view.outdated) message += (message.empty() ? "" : "; ") + one;
  return kube::make_condition("UpToDate", false, "NotUpToDate", std::move(message));
}

void observe_conditions(const MachineView& view, Machine& machine) {
  const std::string now = format_rfc3339(view.now);
  const auto set = [&](Condition one) {
    one.observedGeneration = machine.metadata.generation;
    kube::set_condition(machine.status.conditions, std::move(one), now);
  };
  set(bootstrap_ready(view, machine));
  set(infrastructure_ready(view, machine));
  std::vector<Condition> node;
  observe_node_conditions(view, machine, node);
  for (Condition& one : node) set(std::move(one));
  set(kube::make_condition("Deleting", false, "NotDeleting"));
  set(kube::make_condition("Paused", false, "NotPaused"));
  if (view.in_deployment) set(up_to_date(view));
  summarize(machine, view.now);
}

std::string phase_of(const Machine& machine) {
  if (machine.metadata.deleting()) return "Deleting";
  if (infrastructure_failed(machine)) return "Failed";
  if (!machine.status.nodeRef.name.empty()) return "Running";
  const auto& done = machine.status.initialization;
  if (done.infrastructureProvisioned.value_or(false)) return "Provisioned";
  if (done.bootstrapDataSecretCreated.value_or(false)) return "Provisioning";
  return "Pending";
}

}  // namespace

Machine observe(const MachineView& view) {
  Machine machine = view.machine;
  observe_bootstrap(view, machine);
  observe_infrastructure(view, machine);
  observe_node(view, machine);
  observe_conditions(view, machine);
  machine.status.phase = phase_of(machine);
  if (machine.status.phase != view.machine.status.phase) {
    machine.status.lastUpdated = format_rfc3339(view.now);
  }
  machine.status.observedGeneration = machine.metadata.generation;
  return machine;
}

void summarize(Machine& machine, WallTime now) {
  const std::string at = format_rfc3339(now);
  const auto set = [&](Condition one) {
    one.observedGeneration = machine.metadata.generation;
    kube::set_condition(machine.status.conditions, std::move(one), at);
  };
  set(ready_summary(machine));
  set(available(machine, now));
}

std::optional<Duration> until_available(const Machine& machine, WallTime now) {
  const auto* ready = kube::find_condition(machine.status.conditions, "Ready");
  if (ready == nullptr || ready->status != "True") return std::nullopt;
  const auto since = parse_rfc3339(ready->lastTransitionTime);
  if (!since) return std::nullopt;
  const auto when = *since + std::chrono::seconds(machine.spec.minReadySeconds.value_or(0));
  if (when <= now) return std::nullopt;
  return time_until(when, now);
}

bool is_node_label(std::string_view key) {
  if (key.starts_with("node-role.kubernetes.io")) return true;
  const std::string_view domain = key.substr(0, key.find('/'));
  if (domain.size() == key.size()) return false;
  for (const std::string_view own : {std::string_view("node-restriction.kubernetes.io"),
                                     std::string_view("node.cluster.x-k8s.io")}) {
    if (domain == own || domain.ends_with("." + std::string(own))) return true;
  }
  return false;
}

bool tells_news(const Node& before, const Node& now) {
  return before.spec != now.spec || before.metadata.labels != now.metadata.labels ||
         before.metadata.annotations != now.metadata.annotations ||
         before.status.nodeInfo != now.status.nodeInfo ||
         before.status.volumesAttached != now.status.volumesAttached ||
         before.status.conditions != now.status.conditions;
}

Node wanted_node(const Node& node, const Machine& machine) {
  namespace names = api::cluster;
  Node wanted = node;
  auto& labels = wanted.metadata.labels;
  auto& annotations = wanted.metadata.annotations;
  // What the Machine gave before and no longer has goes.
  std::string before(node.metadata.annotation(names::kNodeLabelsFromMachineAnnotation));
  while (!before.empty()) {
    const auto end = std::min(before.find(','), before.size());
    const std::string key = before.substr(0, end);
    if (!machine.metadata.labels.contains(key)) labels.erase(key);
    before.erase(0, end + 1);
  }
  std::string given;
  for (const auto& [key, value] : machine.metadata.labels) {
    if (!is_node_label(key)) continue;
    labels[key] = value;
    if (!given.empty()) given += ",";
    given += key;
  }
  annotations[std::string(names::kNodeLabelsFromMachineAnnotation)] = given;
  annotations[std::string(names::kNodeClusterNameAnnotation)] = machine.spec.clusterName;
  annotations[std::string(names::kNodeClusterNamespaceAnnotation)] = machine.metadata.namespace_;
  annotations[std::string(names::kNodeMachineAnnotation)] = machine.metadata.name;
  if (const auto* owner = machine.metadata.controller()) {
    annotations[std::string(names::kNodeOwnerKindAnnotation)] = owner->kind;
    annotations[std::string(names::kNodeOwnerNameAnnotation)] = owner->name;
  }
  auto& taints = wanted.spec.taints;
  std::erase_if(taints,
                [](const auto& taint) { return taint.key == names::kNodeUninitializedTaint; });
  const auto* current = kube::find_condition(machine.status.conditions, "UpToDate");
  const bool outdated = current != nullptr && current->status == "False";
  const auto marked = std::ranges::find(taints, names::kNodeOutdatedTaint, &api::core::Taint::key);
  if (outdated && marked == taints.end()) {
    api::core::Taint taint;
    taint.key = names::kNodeOutdatedTaint;
    taint.effect = "PreferNoSchedule";
    taints.push_back(std::move(taint));
  } else if (!outdated && marked != taints.end()) {
    taints.erase(marked);
  }
  return wanted;
}

}  // namespace nestor::cluster
