#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "api/discovery/endpoint_slice.hpp"
#include "cloud/settings.hpp"
#include "cloud/testing/world.hpp"

namespace nestor::cloud::testing {

/// Writes as a tenant's people do, and reads what came of it.
struct LoadBalancersTest : ::testing::Test {
  using Service = api::core::Service;
  using EndpointSlice = api::discovery::EndpointSlice;

  Service put(const Service& service) {
    Service stored = world.tenant.put(service);
    world.run();
    return stored;
  }
  Service change(const std::string& name, const std::function<void(Service&)>& edit) {
    Service service = world.service(name).value();
    edit(service);
    return put(service);
  }
  /// Whether the cluster's load balancers are the manager's.
  void serve(bool wanted) {
    auto cluster = world.management.peek<api::cluster::Cluster>(world.demo).value();
    cluster.metadata.annotations[std::string(kBalancersAnnotation)] = wanted ? "true" : "false";
    world.management.put(cluster);
    world.run();
  }
  /// Whether the management cluster finds the cluster's machines by a selector.
  void let_select(bool wanted = true) {
    auto cluster = world.management.peek<api::cluster::Cluster>(world.demo).value();
    cluster.metadata.annotations[std::string(kSelectorlessAnnotation)] = wanted ? "false" : "true";
    world.management.put(cluster);
    world.run();
  }
  /// A machine and its ready Node.
  void put_worker(const std::string& name, const std::string& address) {
    world.put_machine(name, address);
    api::core::Node node;
    node.metadata.name = name;
    node.spec.providerID = "kubevirt://" + name;
    node.status.conditions.emplace_back().type = "Ready";
    node.status.conditions[0].status = "True";
    world.tenant.put(node);
    world.run();
  }
  std::vector<EndpointSlice> slices() { return world.management.all<EndpointSlice>(); }
  std::vector<std::string> endpoint_addresses() {
    std::vector<std::string> out;
    for (const auto& slice : slices()) {
      for (const auto& endpoint : slice.endpoints) out.push_back(endpoint.addresses.at(0));
    }
    return out;
  }
  std::string message(const std::string& name) {
    const auto service = world.service(name);
    const auto* found = kube::find_condition(service->status.conditions, kBalancerReady);
    return found == nullptr ? "" : found->status + " " + found->reason + ": " + found->message;
  }
  void put_tenant_slice(const std::string& service, const std::vector<std::string>& nodes) {
    EndpointSlice slice;
    slice.metadata.name = service + "-1";
    slice.metadata.namespace_ = "shop";
    slice.metadata.labels["kubernetes.io/service-name"] = service;
    slice.addressType = "IPv4";
    for (const auto& node : nodes) slice.endpoints.emplace_back().nodeName = node;
    world.tenant.put(slice);
    world.run();
  }
  CloudWorld world{{.passed_annotations = {"example.org/*"}}};
};

}  // namespace nestor::cloud::testing
