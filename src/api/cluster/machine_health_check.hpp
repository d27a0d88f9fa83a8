#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// A condition of a Node or Machine that makes it unhealthy once it has lasted so long.
struct UnhealthyCondition {
  std::string type;
  std::string status;
  std::optional<std::int32_t> timeoutSeconds;
  bool operator==(const UnhealthyCondition&) const = default;
};
BOOST_DESCRIBE_STRUCT(UnhealthyCondition, (), (type, status, timeoutSeconds))

struct MachineHealthChecks {
  /// How long a Machine may take until it has a Node; absent 600, 0 for ever.
  std::optional<std::int32_t> nodeStartupTimeoutSeconds;
  std::vector<UnhealthyCondition> unhealthyNodeConditions;
  std::vector<UnhealthyCondition> unhealthyMachineConditions;
  bool operator==(const MachineHealthChecks&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthChecks, (),
                      (nodeStartupTimeoutSeconds, unhealthyNodeConditions,
                       unhealthyMachineConditions))

/// With more unhealthy Machines than this nothing is remediated: then the fault is elsewhere.
struct RemediationTrigger {
  /// Number or percentage of the selected Machines; absent 100 %.
  Json unhealthyLessThanOrEqualTo;
  /// "[2-5]": from 2 to 5, both included; wins over the other.
  std::string unhealthyInRange;
  bool operator==(const RemediationTrigger&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemediationTrigger, (), (unhealthyLessThanOrEqualTo, unhealthyInRange))

/// The template of an object that asks somebody else to remediate.
struct RemediationTemplate {
  std::string apiVersion;
  std::string kind;
  std::string name;
  bool empty() const { return name.empty(); }
  bool operator==(const RemediationTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemediationTemplate, (), (apiVersion, kind, name))

struct MachineHealthCheckRemediation {
  RemediationTrigger triggerIf;
  RemediationTemplate templateRef;
  bool operator==(const MachineHealthCheckRemediation&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckRemediation, (), (triggerIf, templateRef))

struct MachineHealthCheckSpec {
  std::string clusterName;
  LabelSelector selector;
  MachineHealthChecks checks;
  MachineHealthCheckRemediation remediation;
  bool operator==(const MachineHealthCheckSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckSpec, (), (clusterName, selector, checks, remediation))

struct MachineHealthCheckStatus {
  std::vector<kube::Condition> conditions;
  std::optional<std::int32_t> expectedMachines;
  std::optional<std::int32_t> currentHealthy;
  std::optional<std::int32_t> remediationsAllowed;
  /// Names of the selected Machines, sorted.
  std::vector<std::string> targets;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineHealthCheckStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckStatus, (),
                      (conditions, expectedMachines, currentHealthy, remediationsAllowed, targets,
                       observedGeneration))

struct MachineHealthCheck {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineHealthCheck",
                                            "machinehealthchecks"};
  kube::ObjectMeta metadata;
  MachineHealthCheckSpec spec;
  MachineHealthCheckStatus status;
  bool operator==(const MachineHealthCheck&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheck, (), (metadata, spec, status))

/// nodeStartupTimeoutSeconds 600, the cluster's label.
void set_defaults(MachineHealthCheck& check);
/// Errors: kInvalidArgument with every fault: selector empty, a start-up limit under 30 s, a limit
/// that is neither number nor percentage, a range that is none.
Result<> validate(const MachineHealthCheck& check);

/// "[2-5]" as its two ends. Errors: kInvalidArgument.
Result<std::pair<int, int>> parse_range(std::string_view text);

}  // namespace nestor::api::cluster

NESTOR_EXTERN_JSON(nestor::api::cluster::MachineHealthCheck)
