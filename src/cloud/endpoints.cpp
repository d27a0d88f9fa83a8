#include "cloud/endpoints.hpp"

#include <algorithm>
#include <set>

#include "api/infrastructure/labels.hpp"
#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::core::Node;
using api::core::Service;
using api::discovery::Endpoint;
using api::discovery::EndpointPort;
using api::discovery::EndpointSlice;

constexpr std::size_t kMaxEndpoints = 100;

struct State {
  bool ready = false;
  bool serving = false;
  bool terminating = false;
};

Backend backend_of(const Machine& machine) {
  Backend out;
  out.name = machine.name;
  out.node = machine.vmi->status.nodeName;
  out.addresses = addresses_of(*machine.vmi);
  return out;
}

bool usable(const Machine& machine) { return runs(machine) && !addresses_of(*machine.vmi).empty(); }

/// As the selector of a parent Service chooses them.
bool is_worker(const Machine& machine) {
  const auto role = machine.vmi->metadata.label(api::infrastructure::kRoleLabel);
  return role.empty() || role == "worker";
}

bool guest_ready(const Machine& machine) {
  const auto* ready = kube::find_condition(machine.vmi->status.conditions, "Ready");
  return ready == nullptr || ready->status == "True";
}

/// By Node; "" holds the endpoints without one.
std::map<std::string, State> states_of(
    const std::vector<std::shared_ptr<const EndpointSlice>>& slices) {
  std::map<std::string, State> out;
  for (const auto& slice : slices) {
    for (const Endpoint& endpoint : slice->endpoints) {
      const bool ready = endpoint.conditions.ready.value_or(true);
      const bool serving = endpoint.conditions.serving.value_or(ready);
      if (!ready && !serving) continue;
      State& state = out[endpoint.nodeName];
      state.ready = state.ready || ready;
      state.serving = state.serving || serving;
      state.terminating = state.terminating || endpoint.conditions.terminating.value_or(false);
    }
  }
  return out;
}

/// The Node of a machine that may get traffic, or nullptr.
const Node* node_of(const Machine& machine, const NodesByMachine& nodes, bool local) {
  const auto found = nodes.find(machine.name);
  if (found == nodes.end() || !usable(machine)) return nullptr;
  return takes_traffic(*found->second, local) ? found->second.get() : nullptr;
}

std::vector<EndpointPort> slice_ports(const Service& parent) {
  std::vector<EndpointPort> out;
  for (const auto& port : parent.spec.ports) {
    EndpointPort copy;
    copy.name = port.name;
    copy.protocol = port.protocol;
    copy.appProtocol = port.appProtocol;
    std::int32_t number = 0;
    if (read_json(port.targetPort, number)) copy.port = number;
    out.push_back(std::move(copy));
  }
  return out;
}

EndpointSlice empty_slice(const Service& parent, bool v6, std::size_t number) {
  EndpointSlice out;
  out.addressType = v6 ? "IPv6" : "IPv4";
  auto& metadata = out.metadata;
  metadata.name = parent.metadata.name + (v6 ? "-ipv6-" : "-ipv4-") + std::to_string(number);
  metadata.namespace_ = parent.metadata.namespace_;
  metadata.labels = parent.metadata.labels;
  metadata.labels[std::string(api::discovery::kServiceNameLabel)] = parent.metadata.name;
  metadata.labels[std::string(api::discovery::kManagedByLabel)] = kSlicesManager;
  metadata.ownerReferences = {kube::owner_reference(parent)};
  out.ports = slice_ports(parent);
  return out;
}

const std::string* address_of(const Backend& backend, bool v6) {
  const auto found = std::ranges::find_if(backend.addresses, [&](const std::string& address) {
    return (address.find(':') != std::string::npos) == v6;
  });
  return found == backend.addresses.end() ? nullptr : &*found;
}

}  // namespace

bool takes_traffic(const Node& node, bool local) {
  if (node.metadata.labels.contains(std::string(kExcludeBalancersLabel))) return false;
  const auto is_leaving = [](const api::core::Taint& taint) {
    return taint.key == kToBeDeletedTaint;
  };
  if (std::ranges::any_of(node.spec.taints, is_leaving)) return false;
  return local || api::core::ready(node);
}

std::vector<Backend> all_backends(const std::vector<Machine>& machines, const NodesByMachine& nodes,
                                  bool local) {
  std::vector<Backend> out;
  for (const Machine& machine : machines) {
    if (node_of(machine, nodes, local) == nullptr || !is_worker(machine)) continue;
    Backend backend = backend_of(machine);
    backend.ready = backend.serving = guest_ready(machine);
    out.push_back(std::move(backend));
  }
  return out;
}

std::vector<Backend> local_backends(
    const std::vector<Machine>& machines, const NodesByMachine& nodes,
    const std::vector<std::shared_ptr<const EndpointSlice>>& tenant_slices) {
  const auto states = states_of(tenant_slices);
  if (states.size() == 1 && states.begin()->first.empty()) {
    return all_backends(machines, nodes, true);
  }
  std::vector<Backend> out;
  for (const Machine& machine : machines) {
    const Node* node = node_of(machine, nodes, true);
    if (node == nullptr) continue;
    const auto state = states.find(node->metadata.name);
    if (state == states.end()) continue;
    Backend backend = backend_of(machine);
    backend.ready = state->second.ready;
    backend.serving = state->second.serving;
    // With a ready endpoint beside it, one that ends does not matter.
    backend.terminating = !backend.ready && state->second.terminating;
    out.push_back(std::move(backend));
  }
  return out;
}

void keep_running(EndpointSlice& slice, const std::vector<Machine>& machines) {
  std::set<std::string> running;
  for (const Machine& machine : machines) {
    if (!runs(machine)) continue;
    for (std::string& address : addresses_of(*machine.vmi)) running.insert(std::move(address));
  }
  std::erase_if(slice.endpoints, [&](const Endpoint& endpoint) {
    return std::ranges::none_of(
        endpoint.addresses, [&](const std::string& address) { return running.contains(address); });
  });
}

std::vector<EndpointSlice> slices_of(const Service& parent, const std::vector<Backend>& backends) {
  std::vector<EndpointSlice> out;
  for (const bool v6 : {false, true}) {
    const std::size_t first = out.size();
    for (const Backend& backend : backends) {
      const std::string* address = address_of(backend, v6);
      if (address == nullptr) continue;
      if (out.size() == first || out.back().endpoints.size() >= kMaxEndpoints) {
        out.push_back(empty_slice(parent, v6, out.size() - first));
      }
      Endpoint endpoint;
      endpoint.addresses = {*address};
      endpoint.conditions = {backend.ready, backend.serving, backend.terminating};
      endpoint.nodeName = backend.node;
      out.back().endpoints.push_back(std::move(endpoint));
    }
  }
  if (out.empty()) out.push_back(empty_slice(parent, false, 0));
  return out;
}

}  // namespace nestor::cloud
