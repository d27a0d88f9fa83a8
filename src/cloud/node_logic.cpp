#include "cloud/node_logic.hpp"

#include <algorithm>

#include "api/infrastructure/labels.hpp"
#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::core::Node;
using api::core::NodeAddress;
using api::core::Taint;

void put_label(Node& node, std::string_view key, std::string_view older, const std::string& value) {
  if (value.empty()) return;
  node.metadata.labels[std::string(key)] = value;
  node.metadata.labels[std::string(older)] = value;
}

/// Nothing when it cannot be told: no instance is a stopped machine, an unknown phase is not.
std::optional<bool> stopped(const Machine& machine) {
  if (!machine.vmi) return true;
  if (api::kubevirt::is_final(machine.vmi->status.phase)) return true;
  if (machine.vmi->status.phase == "Unknown") return std::nullopt;
  return false;
}

void put_taint(Node& node, std::string_view key, bool wanted,
               std::string_view effect = "NoSchedule") {
  auto& taints = node.spec.taints;
  const auto is_it = [&](const Taint& taint) { return taint.key == key; };
  if (!wanted) {
    std::erase_if(taints, is_it);
  } else if (std::ranges::none_of(taints, is_it)) {
    Taint taint;
    taint.key = key;
    taint.effect = effect;
    taints.push_back(std::move(taint));
  }
}

/// With what kubelet was told to use in front; that is a list "a,b" for two families.
std::vector<std::string> provided_first(const Node& node, std::vector<std::string> addresses) {
  const std::string provided =
      "," + std::string(node.metadata.annotation(kProvidedNodeIpAnnotation)) + ",";
  std::vector<std::string> out;
  for (const bool front : {true, false}) {
    for (const std::string& address : addresses) {
      const bool given = provided.find("," + address + ",") != std::string::npos;
      if (given == front) out.push_back(address);
    }
  }
  return out;
}

/// In kubelet's own order. Empty when the machine has no address just now.
std::vector<NodeAddress> wanted_addresses(const NodeView& view) {
  std::vector<NodeAddress> out;
  if (!view.machine.vmi) return out;
  auto addresses = provided_first(view.node, addresses_of(*view.machine.vmi));
  if (addresses.empty()) return out;
  for (std::string& address : addresses) out.push_back({"InternalIP", std::move(address)});
  std::string hostname = view.node.metadata.name;
  for (const auto& known : view.node.status.addresses) {
    if (known.type == "Hostname") hostname = known.address;
  }
  out.push_back({"Hostname", std::move(hostname)});
  return out;
}

std::string as_label(std::string text) {
  for (char& c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!fine) c = '-';
  }
  constexpr std::size_t kMaxLabel = 63;
  if (text.size() > kMaxLabel) text.resize(kMaxLabel);
  while (!text.empty() && (text.back() == '-' || text.back() == '_' || text.back() == '.')) {
    text.pop_back();
  }
  return text;
}

std::string size_of(const api::kubevirt::Domain& domain) {
  std::int64_t cpus = 1;
  if (domain.cpu) {
    for (const auto& part : {domain.cpu->cores, domain.cpu->sockets, domain.cpu->threads}) {
      cpus *= std::max<std::int64_t>(part.value_or(1), 1);
    }
  }
  std::string memory = domain.memory ? domain.memory->guest.text : std::string();
  if (memory.empty()) {
    const auto requested = domain.resources.requests.find("memory");
    if (requested != domain.resources.requests.end()) memory = requested->second.text;
  }
  if (memory.empty()) return "";
  return std::to_string(cpus) + "cpu-" + memory;
}

}  // namespace

std::string instance_type(const Machine& machine) {
  if (machine.vmi) {
    for (const auto key : {kInstanceTypeAnnotation, kClusterInstanceTypeAnnotation}) {
      const auto named = machine.vmi->metadata.annotation(key);
      if (!named.empty()) return as_label(std::string(named));
    }
  }
  if (machine.vm) {
    const auto named = find_string(machine.vm->spec.instancetype, {"name"});
    if (!named.empty()) return as_label(std::string(named));
  }
  if (machine.vmi) return as_label(size_of(machine.vmi->spec.domain));
  if (machine.vm) return as_label(size_of(machine.vm->spec.template_.spec.domain));
  return "";
}

bool uninitialized(const Node& node) {
  return std::ranges::any_of(node.spec.taints,
                             [](const Taint& taint) { return taint.key == kUninitializedTaint; });
}

Node wanted_node(const NodeView& view) {
  Node out = view.node;
  if (out.spec.providerID.empty()) {
    out.spec.providerID = api::infrastructure::provider_id(view.machine.name);
  }
  put_label(out, kInstanceTypeLabel, kBetaInstanceTypeLabel, instance_type(view.machine));
  if (view.place) {
    put_label(out, kZoneLabel, kBetaZoneLabel, view.place->zone);
    put_label(out, kRegionLabel, kBetaRegionLabel, view.place->region);
  }
  if (const auto yes = stopped(view.machine)) put_taint(out, kShutdownTaint, *yes);
  // A machine that has ended holds nothing any more: its pods may go and its volumes be detached at
  // once, where otherwise both wait for minutes. Only a machine that runs again takes it back.
  if (stopped(view.machine).value_or(false)) {
    put_taint(out, api::core::kOutOfServiceTaint, true, "NoExecute");
  } else if (view.machine.vmi && view.machine.vmi->status.phase == "Running") {
    put_taint(out, api::core::kOutOfServiceTaint, false);
  }

  const bool waits = uninitialized(view.node);
  const bool ours = waits || view.node.metadata.annotation(kAddressesAnnotation) == "cloud";
  if (!ours) return out;
  // An address that the guest stops telling for a moment is not lost.
  auto addresses = wanted_addresses(view);
  if (!addresses.empty()) out.status.addresses = addresses;
  const bool placed = view.place.has_value() || !view.needs_place;
  if (waits && !addresses.empty() && placed) {
    out.metadata.annotations[std::string(kAddressesAnnotation)] = "cloud";
    put_taint(out, kUninitializedTaint, false);
  }
  return out;
}

}  // namespace nestor::cloud
