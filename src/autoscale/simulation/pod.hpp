#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscale/simulation/resources.hpp"
#include "autoscale/simulation/selector.hpp"
#include "base/heap_size.hpp"
#include "base/json_convert.hpp"
#include "kube/object.hpp"

namespace nestor::autoscale {

struct Toleration {
  std::string key;
  /// "Exists" or "Equal".
  std::string op;
  std::string value;
  /// "" for every effect.
  std::string effect;
  bool operator==(const Toleration&) const = default;
};
BOOST_DESCRIBE_STRUCT(Toleration, (), (key, op, value, effect))

/// A required term of pod (anti-)affinity.
struct PodTerm {
  std::vector<std::string> namespaces;
  /// Namespaces by their labels, beside those named. An empty list of requirements: all of them.
  std::optional<Requirements> namespace_selector;
  /// Absent: selects no pod.
  std::optional<Requirements> selector;
  std::string topology_key;
  bool operator==(const PodTerm&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodTerm, (), (namespaces, namespace_selector, selector, topology_key))

/// A topology spread constraint that must hold (DoNotSchedule).
struct SpreadConstraint {
  std::int64_t max_skew = 1;
  std::string topology_key;
  std::optional<Requirements> selector;
  std::int64_t min_domains = 1;
  bool honor_affinity = true;
  bool honor_taints = false;
  bool operator==(const SpreadConstraint&) const = default;
};
BOOST_DESCRIBE_STRUCT(SpreadConstraint, (),
                      (max_skew, topology_key, selector, min_domains, honor_affinity, honor_taints))

struct HostPort {
  std::string ip;
  std::string protocol;
  std::int64_t port = 0;
  bool operator==(const HostPort&) const = default;
};
BOOST_DESCRIBE_STRUCT(HostPort, (), (ip, protocol, port))

/// All that decides where a pod can run, apart from its volumes. Pods of one workload have equal
/// ones, and share it.
struct PodShape {
  std::string ns;
  LabelMap labels;
  /// Of containers, sidecars, init containers and overhead, with one "pods".
  Resources requests;
  std::vector<Toleration> tolerations;
  LabelMap node_selector;
  /// Absent: any node.
  std::optional<NodeTerms> node_terms;
  std::vector<PodTerm> affinity;
  std::vector<PodTerm> anti_affinity;
  std::vector<SpreadConstraint> spread;
  std::vector<HostPort> ports;
  /// Whether a term of (anti-)affinity looks at the labels of namespaces.
  bool selects_namespaces() const;
  bool operator==(const PodShape&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodShape, (),
                      (ns, labels, requests, tolerations, node_selector, node_terms, affinity,
                       anti_affinity, spread, ports))

/// A pod in the form that a cache of tens of thousands can afford, read straight from the API's
/// JSON. A kind of its own for kube::Informer; read only.
struct Pod {
  static constexpr kube::ResourceType kType{"", "v1", "Pod", "pods"};
  /// Labels are in `shape`; of the annotations and owners only what this room looks at is kept.
  kube::ObjectMeta metadata;
  /// Mutable so that equal shapes of several pods can be made one after reading (ShapePool).
  mutable std::shared_ptr<const PodShape> shape;
  std::string node;
  std::string nominated_node;
  std::string scheduler;
  std::string phase;
  /// Claims used as volumes, in the pod's namespace. A generic ephemeral volume is one too.
  std::vector<std::string> claims;
  /// Names of volumes whose content stays on the node (hostPath, emptyDir on disk).
  std::vector<std::string> local_volumes;
  std::int64_t priority = 0;
  /// Seconds.
  std::int64_t grace_period = 30;
  /// The scheduler found no node for it.
  bool unschedulable = false;
  std::string restart_policy;

  bool finished() const { return phase == "Succeeded" || phase == "Failed"; }
  /// A copy of a static pod, which no API call can move.
  bool mirror() const { return metadata.annotations.contains("kubernetes.io/config.mirror"); }
  bool owned_by(std::string_view kind) const {
    const auto* owner = metadata.controller();
    return owner != nullptr && owner->kind == kind;
  }
};
BOOST_DESCRIBE_STRUCT(Pod, (),
                      (metadata, shape, node, nominated_node, scheduler, phase, claims,
                       local_volumes, priority, grace_period, unschedulable, restart_policy))

Result<Pod> read_pod(const Json& json);
/// From a PodTemplateSpec: the shape of the pods that an owner in `ns` makes from it.
Result<PodShape> read_shape(const Json& pod_or_template, const std::string& ns);

std::size_t hash_of(const PodShape& shape);

}  // namespace nestor::autoscale

namespace nestor {
// For kube::Informer<autoscale::Pod>.
template <>
inline std::size_t heap_size<autoscale::Resources>(const autoscale::Resources& value) {
  std::size_t size = value.extended().capacity() * sizeof(value.extended().front());
  for (const auto& [name, amount] : value.extended()) size += heap_size(name);
  return size;
}
template <>
Result<autoscale::Pod> from_json<autoscale::Pod>(const Json& value);
}  // namespace nestor
