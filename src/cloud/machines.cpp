#include "cloud/machines.hpp"

#include <boost/asio/ip/address.hpp>
#include <map>

#include "api/cluster/labels.hpp"
#include "api/infrastructure/labels.hpp"
#include "cloud/names.hpp"

namespace nestor::cloud {
namespace {

using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
namespace infra = api::infrastructure;

constexpr const char* kByCluster = "cloud.cluster";
constexpr const char* kByMachine = "cloud.machine";
constexpr const char* kByNode = "cloud.node";

std::string index_key(const kube::ObjectKey& cluster, const std::string& name) {
  return cluster.to_string() + "/" + name;
}

std::vector<std::string> cluster_keys(const kube::ObjectMeta& metadata) {
  const auto cluster = Machines::cluster_of(metadata);
  if (!cluster) return {};
  return {cluster->to_string()};
}

std::vector<std::string> machine_keys(const kube::ObjectMeta& metadata) {
  const auto cluster = Machines::cluster_of(metadata);
  if (!cluster) return {};
  return {index_key(*cluster, metadata.name)};
}

/// Loopback and link-local addresses say nothing to others.
bool is_reachable(const boost::asio::ip::address& address) {
  if (address.is_loopback() || address.is_multicast() || address.is_unspecified()) return false;
  if (address.is_v6()) return !address.to_v6().is_link_local();
  return (address.to_v4().to_uint() >> 16) != 0xA9FE;
}

bool belongs_to(const Json& machine, const kube::ObjectKey& cluster) {
  return Machines::cluster_of(kube::metadata_of(machine)) == cluster;
}

template <class T>
void add_indexes(kube::Informer<T> informer) {
  informer.add_index(kByCluster, [](const T& object) { return cluster_keys(object.metadata); });
  informer.add_index(kByMachine, [](const T& object) { return machine_keys(object.metadata); });
}

}  // namespace

std::vector<std::string> addresses_of(const VirtualMachineInstance& vmi) {
  const api::kubevirt::InterfaceStatus* chosen = nullptr;
  for (const auto& one : vmi.status.interfaces) {
    if (chosen == nullptr || one.name == "default") chosen = &one;
    if (one.name == "default") break;
  }
  if (chosen == nullptr) return {};
  std::vector<std::string> candidates = chosen->ipAddresses;
  // The primary address first: a guest agent lists them in any order.
  if (!chosen->ipAddress.empty()) candidates.insert(candidates.begin(), chosen->ipAddress);
  std::vector<std::string> out;
  bool have_v4 = false;
  bool have_v6 = false;
  for (const std::string& text : candidates) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text, error);
    if (error || !is_reachable(address)) continue;
    bool& have = address.is_v6() ? have_v6 : have_v4;
    if (std::exchange(have, true)) continue;
    out.push_back(address.to_string());
  }
  return out;
}

bool runs(const Machine& machine) {
  return machine.vmi && machine.vmi->status.phase == "Running" && !machine.vmi->metadata.deleting();
}

std::string machine_name(const api::core::Node& node) {
  const std::string& id = node.spec.providerID;
  if (auto name = infra::machine_of_provider_id(id)) return *std::move(name);
  if (!id.empty()) return "";
  const auto label = node.metadata.label(kInstanceIdLabel);
  return label.empty() ? node.metadata.name : std::string(label);
}

Machines::Machines(kube::Runtime& runtime)
    : runtime_(runtime),
      vms_(runtime.informers().of<VirtualMachine>()),
      vmis_(runtime.informers().of<VirtualMachineInstance>()) {
  add_indexes(vms_);
  add_indexes(vmis_);
  vmis_.add_index(kByNode, [](const VirtualMachineInstance& vmi) {
    std::vector<std::string> keys;
    if (!vmi.status.nodeName.empty()) keys.push_back(vmi.status.nodeName);
    return keys;
  });
}

std::optional<kube::ObjectKey> Machines::cluster_of(const kube::ObjectMeta& machine) {
  const auto name = machine.label(api::cluster::kClusterNameLabel);
  if (name.empty()) return std::nullopt;
  // No label tells the namespace: who may make machines in one would claim clusters of others.
  return kube::ObjectKey{machine.namespace_, std::string(name)};
}

Machine Machines::find(const kube::ObjectKey& cluster, const std::string& name) const {
  Machine out;
  out.name = name;
  const std::string key = index_key(cluster, name);
  if (const auto found = vms_.by_index(kByMachine, key); !found.empty()) out.vm = found.front();
  if (const auto found = vmis_.by_index(kByMachine, key); !found.empty()) out.vmi = found.front();
  return out;
}

std::vector<Machine> Machines::all(const kube::ObjectKey& cluster) const {
  std::map<std::string, Machine> out;
  for (auto& vm : vms_.by_index(kByCluster, cluster.to_string())) {
    out[vm->metadata.name].vm = vm;
  }
  for (auto& vmi : vmis_.by_index(kByCluster, cluster.to_string())) {
    out[vmi->metadata.name].vmi = vmi;
  }
  std::vector<Machine> list;
  list.reserve(out.size());
  for (auto& [name, machine] : out) {
    machine.name = name;
    list.push_back(std::move(machine));
  }
  return list;
}

std::vector<std::pair<kube::ObjectKey, std::string>> Machines::on_node(
    const std::string& node) const {
  std::vector<std::pair<kube::ObjectKey, std::string>> out;
  for (const auto& vmi : vmis_.by_index(kByNode, node)) {
    if (auto cluster = cluster_of(vmi->metadata)) {
      out.emplace_back(*std::move(cluster), vmi->metadata.name);
    }
  }
  return out;
}

Task<bool> Machines::exists(kube::ObjectKey cluster, std::string name) const {
  for (const auto& type : {VirtualMachine::kType, VirtualMachineInstance::kType}) {
    const kube::ObjectKey key{cluster.ns, name};
    auto object = co_await runtime_.client().get(type, key);
    if (object && belongs_to(*object, cluster)) co_return true;
    if (!object && object.error().code != Code::kNotFound) {
      co_return std::unexpected(std::move(object).error());
    }
  }
  co_return false;
}

}  // namespace nestor::cloud
