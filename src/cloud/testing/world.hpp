#pragma once

#include <optional>
#include <string>

#include "api/core/node.hpp"
#include "api/core/service.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "cloud/cloud.hpp"
#include "cloud/names.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::cloud::testing {

/// A management cluster with a pool of addresses and the connected tenant "demo", in memory.
struct CloudWorld : tenant::testing::World {
  using Client = kube::testing::FakeClient;

  explicit CloudWorld(Options options_in = {}) : options(std::move(options_in)) {
    tenant_up();
    add_cluster();
    add_kubeconfig();
    begin();
  }
  /// What a crash of the manager and its next start are.
  void restart() {
    stop();
    boot();
    begin();
  }
  void begin() {
    add_controllers(*runtime, *sessions, options);
    add_address_pool(*runtime, AddressPool::parse("10.9.0.1-10.9.0.2").value());
    start();
  }

  /// A running machine, with its instance on management node "rack-1".
  void put_machine(const std::string& name, const std::string& address,
                   const std::string& cluster = "demo") {
    api::kubevirt::VirtualMachine vm;
    vm.metadata.name = name;
    vm.metadata.namespace_ = "default";
    vm.metadata.labels = {{"cluster.x-k8s.io/cluster-name", cluster},
                          {"cluster.x-k8s.io/role", "worker"}};
    management.put(vm);
    api::kubevirt::VirtualMachineInstance vmi;
    vmi.metadata = vm.metadata;
    vmi.status.phase = "Running";
    vmi.status.nodeName = "rack-1";
    vmi.status.interfaces.emplace_back().ipAddress = address;
    vmi.status.interfaces[0].name = "default";
    management.put(vmi);
  }
  template <class Change>
  void change_instance(const std::string& name, Change change) {
    auto vmi = management.peek<api::kubevirt::VirtualMachineInstance>({"default", name}).value();
    change(vmi);
    management.put(vmi);
    run();
  }
  void erase_machine(const std::string& name) {
    management.erase_now(api::kubevirt::VirtualMachine::kType, {"default", name});
    management.erase_now(api::kubevirt::VirtualMachineInstance::kType, {"default", name});
  }
  void put_parent_node(const std::string& zone) {
    api::core::Node node;
    node.metadata.name = "rack-1";
    node.metadata.labels[std::string(kZoneLabel)] = zone;
    node.metadata.labels[std::string(kRegionLabel)] = "north";
    management.put(node);
  }
  /// As a kubelet with --cloud-provider=external registers.
  void put_node(Client& client, const std::string& name) {
    api::core::Node node;
    node.metadata.name = name;
    api::core::Taint taint;
    taint.key = kUninitializedTaint;
    taint.value = "true";
    taint.effect = "NoSchedule";
    node.spec.taints.push_back(taint);
    node.status.addresses = {{"Hostname", name}};
    client.put(node);
  }
  std::optional<api::core::Node> node(const std::string& name) {
    return tenant.peek<api::core::Node>({"", name});
  }

  /// A Service of type LoadBalancer in the tenant's namespace "shop", as its API server would have
  /// completed it.
  static api::core::Service balancer(const std::string& name) {
    api::core::Service service;
    service.metadata.name = name;
    service.metadata.namespace_ = "shop";
    service.spec.type = "LoadBalancer";
    service.spec.externalTrafficPolicy = "Cluster";
    service.spec.ports.resize(1);
    service.spec.ports[0].port = 80;
    service.spec.ports[0].protocol = "TCP";
    service.spec.ports[0].nodePort = 30080;
    return service;
  }
  std::optional<api::core::Service> service(const std::string& name) {
    return tenant.peek<api::core::Service>({"shop", name});
  }
  /// The parents in the management cluster.
  std::vector<api::core::Service> parents() { return management.all<api::core::Service>(); }
  static std::string address(const api::core::Service& service) {
    const auto& ingress = service.status.loadBalancer.ingress;
    return ingress.empty() ? "" : ingress[0].ip;
  }
  static bool tainted(const api::core::Node& node, std::string_view key) {
    for (const auto& taint : node.spec.taints) {
      if (taint.key == key) return true;
    }
    return false;
  }
  /// Reasons of a cluster's events, in order.
  static std::vector<std::string> reasons(Client& client) {
    std::vector<std::string> out;
    for (const Json& event : client.all({"", "v1", "Event", "events"})) {
      out.emplace_back(find_string(event, {"reason"}));
    }
    return out;
  }

  Options options;
};

}  // namespace nestor::cloud::testing
