#include <algorithm>
#include <limits>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/faults.hpp"
#include "api/kubernetes_version.hpp"
#include "base/text.hpp"

namespace nestor::api::cluster {
namespace {

/// Far above any cluster, and far enough below the type's end to be counted with.
constexpr int kMostReplicas = 1'000'000;
constexpr std::string_view kControlPlaneTaint = "node-role.kubernetes.io/control-plane";

/// All parts of a reference or none.
void check_reference(const ContractReference& reference, const std::string& where, Faults& faults) {
  if (reference == ContractReference{}) return;
  faults.require(where + ".apiGroup", reference.apiGroup);
  faults.require(where + ".kind", reference.kind);
  faults.require(where + ".name", reference.name);
}

void check_ranges(const NetworkRanges& ranges, const std::string& where, Faults& faults) {
  for (const std::string& block : ranges.cidrBlocks) {
    if (!is_cidr(block)) faults.add(where, "\"" + block + "\" is not an address range");
  }
}

void check_count(const Json& value, const std::string& where, Faults& faults) {
  if (!value.is_null() && !is_count_or_percentage(value)) {
    faults.add(where, "must be a whole number or a percentage");
  }
}

void check_selector(const LabelSelector& selector, const MachineTemplate& machine_template,
                    Faults& faults) {
  if (!selector.empty() && !matches(selector, machine_template.metadata.labels)) {
    faults.add("spec.selector", "does not select the labels of spec.template.metadata");
  }
}

void check_strategy(const RolloutStrategy& strategy, Faults& faults) {
  if (!strategy.type.empty() && strategy.type != "RollingUpdate" && strategy.type != "OnDelete") {
    faults.add("spec.rollout.strategy.type", "must be RollingUpdate or OnDelete");
  }
  const RollingUpdate& update = strategy.rollingUpdate;
  const std::string where = "spec.rollout.strategy.rollingUpdate";
  // Both may be 0: then one Machine is unavailable at a time.
  check_count(update.maxSurge, where + ".maxSurge", faults);
  check_count(update.maxUnavailable, where + ".maxUnavailable", faults);
}

template <class Spec>
void check_machine_set_spec(const kube::ObjectMeta& metadata, const Spec& spec, Faults& faults) {
  // The name becomes the value of a label.
  if (!is_dns_subdomain(metadata.name) || metadata.name.size() > 63) {
    faults.add("metadata.name", "must be a DNS name of at most 63 characters");
  }
  faults.require("spec.clusterName", spec.clusterName);
  const int replicas = spec.replicas.value_or(0);
  if (replicas < 0) faults.add("spec.replicas", "cannot be negative");
  if (replicas > kMostReplicas) {
    faults.add("spec.replicas", "cannot be above " + std::to_string(kMostReplicas));
  }
  if (spec.template_.spec.clusterName != spec.clusterName) {
    faults.add("spec.template.spec.clusterName", "must equal spec.clusterName");
  }
  check_selector(spec.selector, spec.template_, faults);
  faults.add(validate_machine_spec(spec.template_.spec, "spec.template.spec"));
}

}  // namespace

bool is_count_or_percentage(const Json& value) {
  if (value.is_int64()) {
    return value.get_int64() >= 0 && value.get_int64() <= std::numeric_limits<std::int32_t>::max();
  }
  if (!value.is_string()) return false;
  const std::string_view text = value.get_string();
  if (!text.ends_with('%')) return false;
  const auto percent = parse_number<int>(text.substr(0, text.size() - 1));
  return percent && *percent >= 0;
}

Result<> validate(const Cluster& cluster) {
  Faults faults;
  if (!is_dns_label(cluster.metadata.name)) {
    faults.add("metadata.name",
               "must be at most 63 lower-case letters, digits and dashes, "
               "with a letter or digit at both ends");
  }
  const ClusterSpec& spec = cluster.spec;
  check_ranges(spec.clusterNetwork.pods, "spec.clusterNetwork.pods.cidrBlocks", faults);
  check_ranges(spec.clusterNetwork.services, "spec.clusterNetwork.services.cidrBlocks", faults);
  const Endpoint& endpoint = spec.controlPlaneEndpoint;
  // Zero is how other writers say that there is none yet.
  if (endpoint.port && (*endpoint.port < 0 || *endpoint.port > 65535)) {
    faults.add("spec.controlPlaneEndpoint.port", "must be between 1 and 65535");
  }
  check_reference(spec.controlPlaneRef, "spec.controlPlaneRef", faults);
  check_reference(spec.infrastructureRef, "spec.infrastructureRef", faults);
  return faults.result();
}

Result<> validate_machine_spec(const MachineSpec& spec, std::string_view where) {
  Faults faults;
  const std::string at(where);
  faults.require(at + ".clusterName", spec.clusterName);
  if (spec.bootstrap.configRef.empty() && spec.bootstrap.dataSecretName.empty()) {
    faults.add(at + ".bootstrap", "needs configRef or dataSecretName");
  }
  check_reference(spec.bootstrap.configRef, at + ".bootstrap.configRef", faults);
  faults.require(at + ".infrastructureRef.name", spec.infrastructureRef.name);
  check_reference(spec.infrastructureRef, at + ".infrastructureRef", faults);
  if (!spec.version.empty() && !is_kubernetes_version(spec.version)) {
    faults.add(at + ".version", "\"" + spec.version + "\" is not a version such as v1.37.2");
  }
  for (const MachineTaint& taint : spec.taints) {
    if (taint.key == kControlPlaneTaint) {
      faults.add(at + ".taints", "\"" + taint.key + "\" is not for workers");
    }
  }
  return faults.result();
}

Result<> validate(const Machine& machine) { return validate_machine_spec(machine.spec, "spec"); }

Result<> validate(const MachineSet& set) {
  Faults faults;
  check_machine_set_spec(set.metadata, set.spec, faults);
  return faults.result();
}

Result<> validate(const MachineDeployment& deployment) {
  Faults faults;
  check_machine_set_spec(deployment.metadata, deployment.spec, faults);
  check_strategy(deployment.spec.rollout.strategy, faults);
  check_count(deployment.spec.remediation.maxInFlight, "spec.remediation.maxInFlight", faults);
  return faults.result();
}

}  // namespace nestor::api::cluster
