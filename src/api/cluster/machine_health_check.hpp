#pragma once

#include "api/cluster/common.hpp"
#include "api/json.hpp"

namespace nestor::api::cluster {

/// A condition that makes a Machine unhealthy once it has lasted for so long.
struct UnhealthyCondition {
  /// Type of the condition, such as Ready.
  std::string type;
  /// The status that is unhealthy: True, False or Unknown.
  std::string status;
  /// How long it must have lasted, in seconds.
  std::optional<std::int32_t> timeoutSeconds;
  bool operator==(const UnhealthyCondition&) const = default;
};
BOOST_DESCRIBE_STRUCT(UnhealthyCondition, (), (type, status, timeoutSeconds))

/// What makes a Machine unhealthy. A lost Node and a machine that failed for good always do.
struct MachineHealthChecks {
  /// How long a Machine may take to become a Node, in seconds. Default 600; 0: as long as it likes.
  std::optional<std::int32_t> nodeStartupTimeoutSeconds;
  /// Conditions of the Node that make its Machine unhealthy.
  std::vector<UnhealthyCondition> unhealthyNodeConditions;
  /// Conditions of the Machine that make it unhealthy.
  std::vector<UnhealthyCondition> unhealthyMachineConditions;
  bool operator==(const MachineHealthChecks&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthChecks, (),
                      (nodeStartupTimeoutSeconds, unhealthyNodeConditions,
                       unhealthyMachineConditions))

/// When nothing is remediated, because with so many unhealthy Machines the fault is elsewhere.
struct RemediationTrigger {
  /// Remediate only while not more Machines than this are unhealthy: a number, or a percentage of
  /// those selected (rounded down). Default: all.
  Json unhealthyLessThanOrEqualTo;
  /// Remediate only while the number of unhealthy Machines is in this range, such as [2-5], both
  /// ends included. Wins over unhealthyLessThanOrEqualTo.
  std::string unhealthyInRange;
  bool operator==(const RemediationTrigger&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemediationTrigger, (), (unhealthyLessThanOrEqualTo, unhealthyInRange))

/// The template of the object that asks somebody else to remediate.
struct RemediationTemplate {
  /// API version of the template.
  std::string apiVersion;
  /// Kind of the template. What is made from it has the kind without Template at the end.
  std::string kind;
  /// Name of the template, in the same namespace.
  std::string name;
  bool empty() const { return name.empty(); }
  bool operator==(const RemediationTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemediationTemplate, (), (apiVersion, kind, name))

/// When and by whom unhealthy Machines are remediated.
struct MachineHealthCheckRemediation {
  /// With how many unhealthy Machines.
  RemediationTrigger triggerIf;
  /// Somebody else remediates: while a Machine is unhealthy, an object of its name is made from
  /// this template. Absent: the MachineSet deletes the Machine and makes a new one.
  RemediationTemplate templateRef;
  bool operator==(const MachineHealthCheckRemediation&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckRemediation, (), (triggerIf, templateRef))

/// Which Machines are watched, and what makes them unhealthy.
struct MachineHealthCheckSpec {
  /// Name of the Cluster the Machines belong to, in the same namespace.
  std::string clusterName;
  /// Which Machines of the cluster are watched. An empty one selects none. Machines with the
  /// annotation cluster.x-k8s.io/skip-remediation are left out.
  LabelSelector selector;
  /// What makes a Machine unhealthy.
  MachineHealthChecks checks;
  /// When and by whom unhealthy Machines are remediated.
  MachineHealthCheckRemediation remediation;
  bool operator==(const MachineHealthCheckSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckSpec, (), (clusterName, selector, checks, remediation))

/// How the Machines are.
struct MachineHealthCheckStatus {
  /// RemediationAllowed and Paused.
  std::vector<kube::Condition> conditions;
  /// How many Machines are watched.
  std::optional<std::int32_t> expectedMachines;
  /// How many of them are healthy.
  std::optional<std::int32_t> currentHealthy;
  /// How many more may become unhealthy before nothing is remediated any more.
  std::optional<std::int32_t> remediationsAllowed;
  /// Names of the Machines that are watched, sorted.
  std::vector<std::string> targets;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const MachineHealthCheckStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineHealthCheckStatus, (),
                      (conditions, expectedMachines, currentHealthy, remediationsAllowed, targets,
                       observedGeneration))

/// Watches Machines and has unhealthy ones replaced.
struct MachineHealthCheck {
  static constexpr kube::ResourceType kType{"cluster.x-k8s.io", "v1beta2", "MachineHealthCheck",
                                            "machinehealthchecks"};
  kube::ObjectMeta metadata;
  /// Which Machines are watched, and what makes them unhealthy.
  MachineHealthCheckSpec spec;
  /// How the Machines are.
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
