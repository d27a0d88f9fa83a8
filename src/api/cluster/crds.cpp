#include "api/all_crds.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/crd.hpp"

namespace nestor::api::cluster {
namespace {

// replicas of MachineSet and MachineDeployment have no default in the schema, as upstream: it
// depends on the autoscaler's annotations (set_defaults).

const PrinterColumn kClusterColumn{"Cluster", "string", ".spec.clusterName"};
const PrinterColumn kPaused{"Paused", "string", R"(.status.conditions[?(@.type=="Paused")].status)",
                            10};
const PrinterColumn kPhase{"Phase", "string", ".status.phase"};
const PrinterColumn kAge{"Age", "date", ".metadata.creationTimestamp"};

PrinterColumn condition_column(const std::string& name, const std::string& type) {
  return {name, "string", ".status.conditions[?(@.type==\"" + type + "\")].status"};
}

/// The rules of a MachineSpec at `at`.
void add_machine_rules(std::vector<FieldRule>& rules, const std::string& at) {
  rules.push_back({at, required({"bootstrap", "clusterName", "infrastructureRef"})});
  for (const char* reference : {".bootstrap.configRef", ".infrastructureRef"}) {
    rules.push_back({at + reference, required({"apiGroup", "kind", "name"})});
  }
  rules.push_back({at + ".minReadySeconds", minimum(0)});
  for (const char* timeout : {".nodeDrainTimeoutSeconds", ".nodeVolumeDetachTimeoutSeconds",
                              ".nodeDeletionTimeoutSeconds"}) {
    rules.push_back({at + ".deletion" + timeout, minimum(0)});
  }
  rules.push_back({at + ".readinessGates[]", required({"conditionType"})});
  rules.push_back({at + ".readinessGates[].polarity", one_of({"Positive", "Negative"})});
  rules.push_back({at + ".taints[]", required({"key", "effect", "propagation"})});
  rules.push_back(
      {at + ".taints[].effect", one_of({"NoSchedule", "PreferNoSchedule", "NoExecute"})});
  rules.push_back({at + ".taints[].propagation", one_of({"Always", "OnInitialization"})});
}

/// The rules that MachineSet and MachineDeployment share.
std::vector<FieldRule> set_rules() {
  std::vector<FieldRule> rules{
      {"", required({"spec"})},
      {"spec", required({"clusterName", "selector", "template"})},
      {"spec.clusterName", immutable("spec.clusterName is immutable")},
      {"spec.selector.matchExpressions[]", required({"key", "operator"})},
      {"spec.template", required({"spec"})},
      {"spec.deletion.order", one_of({"Random", "Newest", "Oldest"})},
      {"status.versions[]", required({"version"})},
  };
  add_machine_rules(rules, "spec.template.spec");
  return rules;
}

Json cluster_crd() {
  return make_crd<Cluster>({
      .short_names = {"cl"},
      .categories = {"cluster-api"},
      .columns = {condition_column("Available", "Available"),
                  {"CP Desired", "integer", ".status.controlPlane.desiredReplicas"},
                  {"CP Current", "integer", ".status.controlPlane.replicas", 10},
                  {"CP Ready", "integer", ".status.controlPlane.readyReplicas", 10},
                  {"CP Available", "integer", ".status.controlPlane.availableReplicas"},
                  {"CP Up-to-date", "integer", ".status.controlPlane.upToDateReplicas"},
                  {"W Desired", "integer", ".status.workers.desiredReplicas"},
                  {"W Current", "integer", ".status.workers.replicas", 10},
                  {"W Ready", "integer", ".status.workers.readyReplicas", 10},
                  {"W Available", "integer", ".status.workers.availableReplicas"},
                  {"W Up-to-date", "integer", ".status.workers.upToDateReplicas"},
                  kPaused,
                  kPhase,
                  kAge},
      .rules = {{"", required({"spec"})},
                {"spec.clusterNetwork.apiServerPort", between(1, 65535)},
                {"spec.clusterNetwork.pods", required({"cidrBlocks"})},
                {"spec.clusterNetwork.services", required({"cidrBlocks"})},
                {"spec.controlPlaneEndpoint.port", between(1, 65535)},
                {"spec.controlPlaneRef", required({"apiGroup", "kind", "name"})},
                {"spec.infrastructureRef", required({"apiGroup", "kind", "name"})},
                {"spec.availabilityGates[]", required({"conditionType"})},
                {"spec.availabilityGates[].polarity", one_of({"Positive", "Negative"})},
                {"status.failureDomains[]", required({"name"})},
                {"status.phase", one_of({"Pending", "Provisioning", "Provisioned", "Deleting",
                                         "Failed", "Unknown"})}},
  });
}

Json machine_crd() {
  std::vector<FieldRule> rules{
      {"", required({"spec"})},
      {"spec.clusterName", immutable("spec.clusterName is immutable")},
      {"status.nodeRef", required({"name"})},
      {"status.nodeInfo", any_object()},
      {"status.addresses[]", required({"address", "type"})},
      {"status.phase", one_of({"Pending", "Provisioning", "Provisioned", "Running", "Updating",
                               "Deleting", "Deleted", "Failed", "Unknown"})},
  };
  add_machine_rules(rules, "spec");
  return make_crd<Machine>({
      .short_names = {"ma"},
      .categories = {"cluster-api"},
      .columns = {kClusterColumn,
                  {"Node Name", "string", ".status.nodeRef.name"},
                  {"Provider ID", "string", ".spec.providerID", 10},
                  {"Failure domain", "string", ".status.failureDomain"},
                  condition_column("Ready", "Ready"),
                  condition_column("Available", "Available"),
                  condition_column("Up-to-date", "UpToDate"),
                  {"Internal-IP", "string", R"(.status.addresses[?(@.type=="InternalIP")].address)",
                   10},
                  {"OS-Image", "string", ".status.nodeInfo.osImage", 10},
                  kPaused,
                  kPhase,
                  kAge,
                  {"Version", "string", ".spec.version"}},
      .rules = std::move(rules),
  });
}

std::vector<PrinterColumn> replica_columns() {
  return {{"Desired", "integer", ".spec.replicas"},
          {"Current", "integer", ".status.replicas"},
          {"Ready", "integer", ".status.readyReplicas"},
          {"Available", "integer", ".status.availableReplicas"},
          {"Up-to-date", "integer", ".status.upToDateReplicas"},
          kPaused};
}

Json machine_set_crd() {
  std::vector<PrinterColumn> columns = replica_columns();
  columns.insert(columns.begin(), kClusterColumn);
  columns.insert(columns.end(), {kAge, {"Version", "string", ".spec.template.spec.version"}});
  return make_crd<MachineSet>({.short_names = {"ms"},
                               .categories = {"cluster-api"},
                               .columns = std::move(columns),
                               .rules = set_rules(),
                               .scale = ScalePaths{}});
}

Json machine_deployment_crd() {
  std::vector<FieldRule> rules = set_rules();
  rules.insert(
      rules.end(),
      {{"spec.rollout.after", JsonObject{{"format", "date-time"}}},
       {"spec.rollout.strategy", required({"type"})},
       {"spec.rollout.strategy.type", one_of({"RollingUpdate", "OnDelete"})},
       {"spec.rollout.strategy.rollingUpdate.maxSurge", int_or_string()},
       {"spec.rollout.strategy.rollingUpdate.maxUnavailable", int_or_string()},
       {"spec.remediation.maxInFlight", int_or_string()},
       {"status.phase", one_of({"ScalingUp", "ScalingDown", "Running", "Failed", "Unknown"})}});
  std::vector<PrinterColumn> columns = replica_columns();
  columns.insert(columns.begin(), {kClusterColumn, condition_column("Available", "Available")});
  columns.insert(columns.end(),
                 {kPhase, kAge, {"Version", "string", ".spec.template.spec.version"}});
  return make_crd<MachineDeployment>({.short_names = {"md"},
                                      .categories = {"cluster-api"},
                                      .columns = std::move(columns),
                                      .rules = std::move(rules),
                                      .scale = ScalePaths{}});
}

Json machine_health_check_crd() {
  std::vector<FieldRule> rules{
      {"", required({"spec"})},
      {"spec", required({"clusterName", "selector"})},
      {"spec.clusterName", immutable("spec.clusterName is immutable")},
      {"spec.selector.matchExpressions[]", required({"key", "operator"})},
      {"spec.checks.nodeStartupTimeoutSeconds", minimum(0)},
      {"spec.checks.unhealthyMachineConditions[].status", one_of({"True", "False", "Unknown"})},
      {"spec.remediation.templateRef", required({"apiVersion", "kind", "name"})},
      {"spec.remediation.triggerIf.unhealthyLessThanOrEqualTo", int_or_string()},
      {"spec.remediation.triggerIf.unhealthyInRange",
       JsonObject{{"pattern", R"(^\[[0-9]+-[0-9]+\]$)"}}},
  };
  for (const char* list : {"unhealthyNodeConditions[]", "unhealthyMachineConditions[]"}) {
    const std::string at = std::string("spec.checks.") + list;
    rules.push_back({at, required({"status", "timeoutSeconds", "type"})});
    rules.push_back({at + ".timeoutSeconds", minimum(0)});
  }
  return make_crd<MachineHealthCheck>(
      {.short_names = {"mhc", "mhcs"},
       .categories = {"cluster-api"},
       .columns = {kClusterColumn,
                   {"Replicas", "integer", ".status.expectedMachines"},
                   {"Healthy", "integer", ".status.currentHealthy"},
                   kPaused,
                   kAge},
       .rules = std::move(rules)});
}

}  // namespace

std::vector<Json> crds() {
  return {cluster_crd(), machine_crd(), machine_set_crd(), machine_deployment_crd(),
          machine_health_check_crd()};
}

}  // namespace nestor::api::cluster
