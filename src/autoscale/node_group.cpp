#include "autoscale/node_group.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/quantity.hpp"
#include "base/text.hpp"

namespace nestor::autoscale {
namespace {

namespace names = api::cluster;

constexpr std::string_view kCapacityPrefix = "capacity.cluster-autoscaler.kubernetes.io/";
constexpr std::int64_t kDefaultMaxPods = 110;
/// What a guest's kernel and kubelet's eviction threshold take from the memory of a machine.
/// Without it a pod that fits the machine but not its node would add nodes without end.
constexpr double kKernelShare = 0.05;
constexpr std::int64_t kEvictionThreshold = std::int64_t{100} << 20;
/// What the file system and kubelet's eviction threshold (a tenth) take from a disk.
constexpr double kDiskShare = 0.13;

std::string key(std::string_view name) {
  return std::string(kAnnotationPrefix) + std::string(name);
}

std::optional<WallTime> read_time(const kube::ObjectMeta& metadata, std::string_view name) {
  auto time = parse_rfc3339(metadata.annotation(key(name)));
  return time ? std::optional<WallTime>(*time) : std::nullopt;
}

int read_int(const kube::ObjectMeta& metadata, std::string_view name) {
  return parse_number<int>(metadata.annotation(key(name))).value_or(0);
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(at);
    std::string_view one = text.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return out;
}

/// "k=v:Effect"
Result<Taint> parse_taint(const std::string& text) {
  const auto colon = text.rfind(':');
  Taint taint;
  if (colon != std::string::npos) {
    const std::string left = text.substr(0, colon);
    const auto equals = left.find('=');
    taint.key = left.substr(0, equals);
    if (equals != std::string::npos) taint.value = left.substr(equals + 1);
    taint.effect = text.substr(colon + 1);
  }
  if (taint.key.empty() || (taint.effect != "NoSchedule" && taint.effect != "NoExecute" &&
                            taint.effect != "PreferNoSchedule")) {
    return fail(Code::kInvalidArgument, "\"" + text + "\" is no taint like key=value:NoSchedule");
  }
  return taint;
}

/// Labels that Cluster API carries from a Machine to its Node.
bool reaches_node(std::string_view label) {
  const auto slash = label.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view domain = label.substr(0, slash);
  const auto within = [&](std::string_view of) {
    return domain == of || (domain.ends_with(of) && domain.size() > of.size() &&
                            domain[domain.size() - of.size() - 1] == '.');
  };
  return domain == "node-role.kubernetes.io" || within("node-restriction.kubernetes.io") ||
         within("node.cluster.x-k8s.io");
}

std::int64_t less(std::int64_t amount, double share) {
  return amount - static_cast<std::int64_t>(static_cast<double>(amount) * share);
}

/// A machine's resources as its Node will offer them to pods.
Resources allocatable_of(const std::map<std::string, std::string>& capacity) {
  auto read = parse_resources(capacity);
  if (!read) return {};
  Resources out = *std::move(read);
  const std::int64_t memory = less(out.get(Resources::kMemory), kKernelShare) - kEvictionThreshold;
  out.set(Resources::kMemory, std::max<std::int64_t>(0, memory));
  out.set(Resources::kStorage, less(out.get(Resources::kStorage), kDiskShare));
  return out;
}

Result<> read_amounts(const kube::ObjectMeta& group, Node& node) {
  const auto amount = [&](std::string_view name, std::string_view resource) -> Result<> {
    const auto text = group.annotation(std::string(kCapacityPrefix) + std::string(name));
    if (text.empty()) return {};
    auto value = resource == "cpu" ? parse_quantity_milli(text) : parse_quantity(text);
    if (!value) {
      return with_context(std::move(value).error(),
                          "annotation " + std::string(kCapacityPrefix) + std::string(name));
    }
    node.allocatable.set(resource, *value);
    return {};
  };
  NESTOR_TRY_VOID(amount("cpu", "cpu"));
  NESTOR_TRY_VOID(amount("memory", "memory"));
  NESTOR_TRY_VOID(amount("ephemeral-disk", "ephemeral-storage"));
  NESTOR_TRY_VOID(amount("maxPods", "pods"));
  if (const auto gpu = group.annotation(std::string(kCapacityPrefix) + "gpu-type"); !gpu.empty()) {
    NESTOR_TRY_VOID(amount("gpu-count", gpu));
  }
  return {};
}

Result<> read_labels_and_taints(const kube::ObjectMeta& group, Node& node) {
  const std::string prefix(kCapacityPrefix);
  for (const std::string& one : split(group.annotation(prefix + "labels"), ',')) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Code::kInvalidArgument,
                  "annotation " + prefix + "labels: \"" + one + "\" is not key=value");
    }
    node.labels[one.substr(0, equals)] = one.substr(equals + 1);
  }
  for (const std::string& one : split(group.annotation(prefix + "taints"), ',')) {
    auto taint = parse_taint(one);
    if (!taint) {
      return with_context(std::move(taint).error(), "annotation " + prefix + "taints");
    }
    node.taints.push_back(*std::move(taint));
  }
  for (const std::string& one : split(group.annotation(prefix + "csi-driver"), ',')) {
    const auto equals = one.find('=');
    if (equals == std::string::npos) continue;
    if (auto limit = parse_quantity(one.substr(equals + 1))) {
      node.volume_limits[one.substr(0, equals)] = *limit;
    }
  }
  return {};
}

}  // namespace

GroupState read_state(const kube::ObjectMeta& metadata) {
  GroupState out;
  out.last_scale_up = read_time(metadata, "last-scale-up");
  out.scaled_up_to = read_int(metadata, "last-scale-up-size");
  out.last_scale_down = read_time(metadata, "last-scale-down");
  out.last_scale_down_failure = read_time(metadata, "last-scale-down-failure");
  out.backoff_until = read_time(metadata, "backoff-until");
  if (auto length = parse_duration(metadata.annotation(key("backoff-length")))) {
    out.backoff = *length;
  }
  out.backoff_reason = metadata.annotation(key("backoff-reason"));
  out.short_since = read_time(metadata, "short-since");
  out.short_by = read_int(metadata, "short-by");
  for (const std::string& one : split(metadata.annotation(key("lost-nodes")), ',')) {
    const auto equals = one.find('=');
    if (equals == std::string::npos) continue;
    if (const auto since = parse_rfc3339(one.substr(equals + 1))) {
      out.lost[one.substr(0, equals)] = *since;
    }
  }
  for (std::string& name : split(metadata.annotation(key("removing")), ',')) {
    out.removing.insert(std::move(name));
  }
  return out;
}

void write_state(const GroupState& state, std::map<std::string, std::string>& annotations) {
  const auto put = [&](std::string_view name, const std::string& value) {
    if (value.empty()) {
      annotations.erase(key(name));
    } else {
      annotations[key(name)] = value;
    }
  };
  const auto time = [](const std::optional<WallTime>& at) {
    return at ? format_rfc3339(*at) : std::string();
  };
  const auto number = [](int value) { return value == 0 ? "" : std::to_string(value); };
  put("last-scale-up", time(state.last_scale_up));
  put("last-scale-up-size", number(state.scaled_up_to));
  put("last-scale-down", time(state.last_scale_down));
  put("last-scale-down-failure", time(state.last_scale_down_failure));
  put("backoff-until", time(state.backoff_until));
  put("backoff-length", state.backoff.count() == 0 ? "" : format_duration(state.backoff));
  put("backoff-reason", state.backoff_reason);
  put("short-since", time(state.short_since));
  put("short-by", number(state.short_by));
  std::string lost;
  for (const auto& [name, since] : state.lost) {
    lost += (lost.empty() ? "" : ",") + name + "=" + format_rfc3339(since);
  }
  put("lost-nodes", lost);
  std::string removing;
  for (const std::string& name : state.removing) {
    removing += (removing.empty() ? "" : ",") + name;
  }
  put("removing", removing);
}

MachineView view_of(const api::cluster::Machine& machine) {
  MachineView out;
  out.name = machine.metadata.name;
  out.node = machine.status.nodeRef.name;
  out.provider_id = machine.spec.providerID;
  out.created = parse_rfc3339(machine.metadata.creationTimestamp).value_or(WallTime{});
  out.deleting = machine.metadata.deleting();
  out.marked =
      machine.metadata.annotation(names::kDeleteMachineAnnotation).starts_with(kMarkPrefix);
  out.failed = machine.status.phase == "Failed";
  return out;
}

std::optional<Sizes> read_sizes(const kube::ObjectMeta& metadata, std::string& fault) {
  const auto read = [&](std::string_view name) -> std::optional<int> {
    const auto found = metadata.annotations.find(std::string(name));
    // Upstream takes the annotations only as a pair.
    if (found == metadata.annotations.end()) return std::nullopt;
    const std::string& text = found->second;
    const auto value = parse_number<int>(text);
    if (value && *value >= 0) return value;
    fault = "annotation " + std::string(name) + ": expected a whole number, got \"" + text + "\"";
    return std::nullopt;
  };
  const auto min = read(names::kAutoscalerMinSizeAnnotation);
  const auto max = read(names::kAutoscalerMaxSizeAnnotation);
  if (!min || !max) return std::nullopt;
  if (*max == 0) return std::nullopt;
  if (*max < *min) {
    fault = "the maximum size " + std::to_string(*max) + " is less than the minimum size " +
            std::to_string(*min);
    return std::nullopt;
  }
  return Sizes{*min, *max};
}

Result<Node> node_from_capacity(const kube::ObjectMeta& group,
                                const api::cluster::MachineTemplate& machine_template,
                                const std::map<std::string, std::string>& capacity) {
  Node node;
  node.name = "template-node-for-" + group.name;
  node.allocatable = allocatable_of(capacity);
  NESTOR_TRY_VOID(read_amounts(group, node));
  if (node.allocatable.get(Resources::kCpu) <= 0 || node.allocatable.get(Resources::kMemory) <= 0) {
    return fail(Code::kNotFound,
                "its nodes' CPU and memory are not known: it has no node, its infrastructure "
                "template has no status.capacity, and the annotations " +
                    std::string(kCapacityPrefix) + "cpu and memory are not set");
  }
  if (node.allocatable.get(Resources::kPods) <= 0) {
    node.allocatable.set(Resources::kPods, kDefaultMaxPods);
  }
  node.labels["kubernetes.io/os"] = "linux";
  node.labels["kubernetes.io/arch"] = "amd64";
  node.labels[std::string(kHostnameLabel)] = node.name;
  for (const auto& [label, value] : machine_template.metadata.labels) {
    if (reaches_node(label)) node.labels[label] = value;
  }
  for (const auto& taint : machine_template.spec.taints) {
    if (taint.propagation == "OnInitialization") continue;
    Taint one;
    one.key = taint.key;
    one.value = taint.value;
    one.effect = taint.effect;
    node.taints.push_back(std::move(one));
  }
  NESTOR_TRY_VOID(read_labels_and_taints(group, node));
  return node;
}

}  // namespace nestor::autoscale
