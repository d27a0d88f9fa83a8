#pragma once

#include "api/core/node.hpp"
#include "api/meta.hpp"

/// Shapes that the kinds of cluster.x-k8s.io/v1beta2 share.
namespace nestor::api::cluster {

/// A reference to an object of the same namespace. Which version of its kind is read says a label
/// of the kind's CRD.
struct ContractReference {
  /// API group of the object, without a version.
  std::string apiGroup;
  /// Kind of the object.
  std::string kind;
  /// Name of the object.
  std::string name;
  bool empty() const { return name.empty(); }
  bool operator==(const ContractReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(ContractReference, (), (apiGroup, kind, name))

/// Where an API server is reached.
struct Endpoint {
  /// Address or name of the API server.
  std::string host;
  /// Port of the API server.
  std::optional<std::int32_t> port;
  /// Both parts are known.
  bool valid() const { return !host.empty() && port.value_or(0) != 0; }
  bool operator==(const Endpoint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (host, port))

/// A condition that must hold too before the object counts as ready (or available).
struct ConditionGate {
  /// Type of the condition.
  std::string conditionType;
  /// Positive (the default) when True is good, Negative when False is good.
  std::string polarity;
  bool operator==(const ConditionGate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ConditionGate, (), (conditionType, polarity))

/// A part of the infrastructure that can fail by itself.
struct FailureDomain {
  /// Name of the failure domain.
  std::string name;
  /// Whether control plane machines may be there.
  std::optional<bool> controlPlane;
  /// What else is known of it.
  std::map<std::string, std::string> attributes;
  bool operator==(const FailureDomain&) const = default;
};
BOOST_DESCRIBE_STRUCT(FailureDomain, (), (name, controlPlane, attributes))

/// How many Machines run a version.
struct VersionCount {
  /// A version of Kubernetes.
  std::string version;
  /// How many Machines have it.
  std::optional<std::int32_t> replicas;
  bool operator==(const VersionCount&) const = default;
};
BOOST_DESCRIBE_STRUCT(VersionCount, (), (version, replicas))

/// How new Machines are named.
struct MachineNaming {
  /// Kept, but without effect: a Machine has the name of its MachineSet and five random characters.
  std::string template_;
  bool operator==(const MachineNaming&) const = default;
};
BOOST_DESCRIBE_STRUCT(MachineNaming, (), (template_))

/// Which Machines go first when there are too many.
struct DeletionOrder {
  /// Random (the default), Newest or Oldest. Machines with the annotation
  /// cluster.x-k8s.io/delete-machine and unhealthy ones go before all others.
  std::string order;
  bool operator==(const DeletionOrder&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeletionOrder, (), (order))

/// A whole number or percentage ("25%"), of zero or more.
bool is_count_or_percentage(const Json& value);

}  // namespace nestor::api::cluster
