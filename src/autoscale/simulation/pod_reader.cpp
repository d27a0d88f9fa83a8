#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "autoscale/simulation/pod.hpp"
#include "base/quantity.hpp"

namespace nestor::autoscale {
namespace {

/// Different in each pod of one workload, and nothing selects by them where pods can run.
constexpr std::array<std::string_view, 3> kOrdinalLabels{
    "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name",
    "batch.kubernetes.io/job-completion-index"};

bool kept_annotation(std::string_view key) {
  return key.starts_with("cluster-autoscaler.kubernetes.io/") ||
         key == "kubernetes.io/config.mirror";
}

const JsonArray& list(const Json& value, std::initializer_list<std::string_view> path) {
  static const JsonArray kNone;
  const Json* found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

std::int64_t integer(const Json& value, std::initializer_list<std::string_view> path,
                     std::int64_t otherwise) {
  const Json* found = find(value, path);
  if (found == nullptr) return otherwise;
  if (found->is_int64()) return found->get_int64();
  if (found->is_uint64()) return static_cast<std::int64_t>(found->get_uint64());
  return otherwise;
}

std::string text(const Json& value, std::initializer_list<std::string_view> path) {
  return std::string(find_string(value, path));
}

Result<Resources> quantities(const Json* object) {
  std::map<std::string, std::string> out;
  if (object == nullptr || !object->is_object()) return Resources{};
  for (const auto& item : object->get_object()) {
    out[item.key()] = item.value().is_string()
                          ? std::string(std::string_view(item.value().get_string()))
                          : to_text(item.value());
  }
  return parse_resources(out);
}

/// Sum of containers and sidecars, or the largest moment of the initialization, whichever is more;
/// plus overhead. Source: KEP-753, "resource requests calculation".
Result<Resources> requests_of(const Json& spec) {
  Resources running;
  for (const Json& container : list(spec, {"containers"})) {
    NESTOR_TRY(const Resources one, quantities(find(container, {"resources", "requests"})));
    running += one;
  }
  Resources sidecars;
  Resources starting;
  for (const Json& container : list(spec, {"initContainers"})) {
    NESTOR_TRY(Resources one, quantities(find(container, {"resources", "requests"})));
    if (find_string(container, {"restartPolicy"}) == "Always") {
      sidecars += one;
      running += one;
      one = sidecars;
    } else {
      one += sidecars;
    }
    starting.raise_to(one);
  }
  running.raise_to(starting);
  // A pod-level request stands for the sum of its containers'.
  NESTOR_TRY(const Resources whole, quantities(find(spec, {"resources", "requests"})));
  for (const auto kind : {Resources::kCpu, Resources::kMemory}) {
    if (whole.get(kind) > 0) running.set(kind, whole.get(kind));
  }
  NESTOR_TRY(const Resources overhead, quantities(find(spec, {"overhead"})));
  running += overhead;
  running.set(Resources::kPods, 1);
  return running;
}

/// Adds what `matchLabelKeys` of a term mean for a pod with these labels.
void add_label_keys(const Json& term, std::string_view member, Requirement::Operator op,
                    const LabelMap& labels, std::optional<Requirements>& selector) {
  if (!selector) return;
  for (const Json& key : list(term, {member})) {
    if (!key.is_string()) continue;
    const auto label = labels.find(std::string(std::string_view(key.get_string())));
    if (label == labels.end()) continue;
    Requirement one{label->first, op, {label->second}};
    if (std::ranges::find(*selector, one) == selector->end()) selector->push_back(std::move(one));
  }
}

std::vector<PodTerm> read_terms(const Json& spec, std::string_view kind, const PodShape& shape) {
  std::vector<PodTerm> out;
  for (const Json& json :
       list(spec, {"affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution"})) {
    PodTerm term;
    term.topology_key = text(json, {"topologyKey"});
    term.selector = read_label_selector(find(json, {"labelSelector"}));
    add_label_keys(json, "matchLabelKeys", Requirement::Operator::kIn, shape.labels, term.selector);
    add_label_keys(json, "mismatchLabelKeys", Requirement::Operator::kNotIn, shape.labels,
                   term.selector);
    term.namespace_selector = read_label_selector(find(json, {"namespaceSelector"}));
    for (const Json& ns : list(json, {"namespaces"})) {
      if (ns.is_string()) term.namespaces.emplace_back(std::string_view(ns.get_string()));
    }
    if (term.namespaces.empty() && !term.namespace_selector) term.namespaces.push_back(shape.ns);
    out.push_back(std::move(term));
  }
  return out;
}

std::vector<SpreadConstraint> read_spread(const Json& spec, const PodShape& shape) {
  std::vector<SpreadConstraint> out;
  for (const Json& json : list(spec, {"topologySpreadConstraints"})) {
    if (find_string(json, {"whenUnsatisfiable"}) == "ScheduleAnyway") continue;
    SpreadConstraint one;
    one.max_skew = integer(json, {"maxSkew"}, 1);
    one.min_domains = integer(json, {"minDomains"}, 1);
    one.topology_key = text(json, {"topologyKey"});
    one.selector = read_label_selector(find(json, {"labelSelector"}));
    add_label_keys(json, "matchLabelKeys", Requirement::Operator::kIn, shape.labels, one.selector);
    one.honor_affinity = find_string(json, {"nodeAffinityPolicy"}) != "Ignore";
    one.honor_taints = find_string(json, {"nodeTaintsPolicy"}) == "Honor";
    out.push_back(std::move(one));
  }
  return out;
}

void read_ports(const Json& spec, PodShape& shape) {
  const Json* host_network = find(spec, {"hostNetwork"});
  const bool on_host =
      host_network != nullptr && host_network->is_bool() && host_network->get_bool();
  const auto read = [&](const Json& container) {
    for (const Json& port : list(container, {"ports"})) {
      const auto number =
          integer(port, {"hostPort"}, on_host ? integer(port, {"containerPort"}, 0) : 0);
      if (number == 0) continue;
      HostPort one;
      one.ip = text(port, {"hostIP"});
      if (one.ip.empty()) one.ip = "0.0.0.0";
      one.protocol = text(port, {"protocol"});
      if (one.protocol.empty()) one.protocol = "TCP";
      one.port = number;
      shape.ports.push_back(std::move(one));
    }
  };
  for (const Json& container : list(spec, {"containers"})) read(container);
  for (const Json& container : list(spec, {"initContainers"})) {
    if (find_string(container, {"restartPolicy"}) == "Always") read(container);
  }
}

void read_volumes(const Json& spec, Pod& pod) {
  for (const Json& volume : list(spec, {"volumes"})) {
    std::string name = text(volume, {"name"});
    if (const auto claim = find_string(volume, {"persistentVolumeClaim", "claimName"});
        !claim.empty()) {
      pod.claims.emplace_back(claim);
    } else if (find(volume, {"ephemeral"}) != nullptr) {
      pod.claims.push_back(pod.metadata.name + "-" + name);
    } else if (find(volume, {"hostPath"}) != nullptr) {
      pod.local_volumes.push_back(std::move(name));
    } else if (const Json* empty = find(volume, {"emptyDir"});
               empty != nullptr && find_string(*empty, {"medium"}) != "Memory") {
      pod.local_volumes.push_back(std::move(name));
    }
  }
}

Result<> read_metadata(const Json& json, kube::ObjectMeta& out) {
  const Json* metadata = find(json, {"metadata"});
  if (metadata == nullptr) return {};
  NESTOR_TRY(kube::ObjectMeta all, from_json<kube::ObjectMeta>(*metadata));
  std::erase_if(all.annotations, [](const auto& one) { return !kept_annotation(one.first); });
  std::erase_if(all.ownerReferences,
                [](const auto& one) { return !one.controller.value_or(false); });
  out = std::move(all);
  return {};
}

/// The shape, from labels already read; `spec` is a PodSpec.
Result<PodShape> shape_from(const Json& spec, std::string ns, LabelMap labels) {
  PodShape shape;
  shape.ns = std::move(ns);
  shape.labels = std::move(labels);
  for (const std::string_view label : kOrdinalLabels) shape.labels.erase(std::string(label));
  NESTOR_TRY(shape.requests, requests_of(spec));
  for (const Json& json : list(spec, {"tolerations"})) {
    Toleration one;
    one.key = text(json, {"key"});
    one.op = text(json, {"operator"});
    if (one.op.empty()) one.op = "Equal";
    one.value = text(json, {"value"});
    one.effect = text(json, {"effect"});
    shape.tolerations.push_back(std::move(one));
  }
  if (const Json* selector = find(spec, {"nodeSelector"})) {
    NESTOR_TRY_VOID(read_json(*selector, shape.node_selector));
  }
  shape.node_terms = read_node_selector(
      find(spec, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}));
  shape.affinity = read_terms(spec, "podAffinity", shape);
  shape.anti_affinity = read_terms(spec, "podAntiAffinity", shape);
  shape.spread = read_spread(spec, shape);
  read_ports(spec, shape);
  return shape;
}

}  // namespace

Result<PodShape> read_shape(const Json& pod_or_template, const std::string& ns) {
  static const Json kEmpty = JsonObject();
  const Json* spec = find(pod_or_template, {"spec"});
  LabelMap labels;
  if (const Json* found = find(pod_or_template, {"metadata", "labels"})) {
    NESTOR_TRY_VOID(read_json(*found, labels));
  }
  return shape_from(spec == nullptr ? kEmpty : *spec, ns, std::move(labels));
}

Result<Pod> read_pod(const Json& json) {
  static const Json kEmpty = JsonObject();
  Pod pod;
  NESTOR_TRY_VOID(read_metadata(json, pod.metadata));
  const Json* found = find(json, {"spec"});
  const Json& spec = found == nullptr ? kEmpty : *found;
  NESTOR_TRY(PodShape shape,
             shape_from(spec, pod.metadata.namespace_, std::exchange(pod.metadata.labels, {})));
  // Each pod of a DaemonSet is tied to its own node, and never moves: without that they are alike.
  if (pod.owned_by("DaemonSet")) shape.node_terms.reset();
  pod.shape = std::make_shared<const PodShape>(std::move(shape));
  pod.node = text(spec, {"nodeName"});
  pod.scheduler = text(spec, {"schedulerName"});
  pod.restart_policy = text(spec, {"restartPolicy"});
  pod.priority = integer(spec, {"priority"}, 0);
  pod.grace_period = integer(spec, {"terminationGracePeriodSeconds"}, 30);
  pod.nominated_node = text(json, {"status", "nominatedNodeName"});
  pod.phase = text(json, {"status", "phase"});
  for (const Json& condition : list(json, {"status", "conditions"})) {
    if (find_string(condition, {"type"}) != "PodScheduled") continue;
    pod.unschedulable = find_string(condition, {"status"}) == "False" &&
                        find_string(condition, {"reason"}) == "Unschedulable";
  }
  read_volumes(spec, pod);
  return pod;
}

std::size_t hash_of(const PodShape& shape) {
  std::size_t hash = 0;
  const auto mix = [&hash](std::size_t value) {
    hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
  };
  const std::hash<std::string> of;
  mix(of(shape.ns));
  for (const auto& [key, value] : shape.labels) {
    mix(of(key));
    mix(of(value));
  }
  for (int kind = 0; kind < Resources::kKinds; ++kind) {
    mix(static_cast<std::size_t>(shape.requests.get(static_cast<Resources::Kind>(kind))));
  }
  for (const auto& [key, value] : shape.node_selector) {
    mix(of(key));
    mix(of(value));
  }
  mix(shape.tolerations.size() + shape.affinity.size() * 7 + shape.anti_affinity.size() * 31 +
      shape.spread.size() * 127 + shape.ports.size() * 511);
  return hash;
}

}  // namespace nestor::autoscale

namespace nestor {
template <>
Result<autoscale::Pod> from_json<autoscale::Pod>(const Json& value) {
  return autoscale::read_pod(value);
}
}  // namespace nestor
