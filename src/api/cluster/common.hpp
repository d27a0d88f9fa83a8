#pragma once

#include "api/core/node.hpp"
#include "api/meta.hpp"

/// Shapes that the kinds of cluster.x-k8s.io/v1beta2 share.
namespace nestor::api::cluster {

/// A reference whose version is looked up by the contract label of the kind's CRD; always to the
/// same namespace.
struct ContractReference {
  std::string apiGroup;
  std::string kind;
  std::string name;
  bool empty() const { return name.empty(); }
  bool operator==(const ContractReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(ContractReference, (), (apiGroup, kind, name))

struct Endpoint {
  std::string host;
  std::optional<std::int32_t> port;
  /// Both parts are known.
  bool valid() const { return !host.empty() && port.value_or(0) != 0; }
  bool operator==(const Endpoint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (host, port))

/// A condition that must hold too before the object counts as ready (or available).
struct ConditionGate {
  std::string conditionType;
  /// "Positive" (the default) or "Negative".
  std::string polarity;
  bool operator==(const ConditionGate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ConditionGate, (), (conditionType, polarity))

struct FailureDomain {
  std::string name;
  std::optional<bool> controlPlane;
  std::map<std::string, std::string> attributes;
  bool operator==(const FailureDomain&) const = default;
};
BOOST_DESCRIBE_STRUCT(FailureDomain, (), (name, controlPlane, attributes))

/// How many Machines run a version.
struct VersionCount {
  std::string version;
  std::optional<std::int32_t> replicas;
  bool operator==(const VersionCount&) const = default;
};
BOOST_DESCRIBE_STRUCT(VersionCount, (), (version, replicas))

/// How Machines made by an owner are named: a template with {{ .machineSet.name }} and
/// {{ .random }}.
struct MachineNaming {
  std::string template_;
  bool operator==(const MachineNaming&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineNaming, (), (template_))

/// Which Machines go first when there are too many: "Random" (the default), "Newest", "Oldest".
struct DeletionOrder {
  std::string order;
  bool operator==(const DeletionOrder&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeletionOrder, (), (order))

/// A whole number of zero or more, or a percentage of 0 to 100.
bool is_count_or_percentage(const Json& value);

}  // namespace nestor::api::cluster
