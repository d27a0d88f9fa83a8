#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "api/cluster/labels.hpp"
#include "autoscale/autoscale.hpp"
#include "autoscale/testing/objects.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::autoscale::testing {

using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using std::chrono::seconds;

inline constexpr kube::ResourceType kEvent{"", "v1", "Event", "events"};

/// The room with a tenant in memory. The Machines' controllers are played by follow().
struct Room {
  nestor::tenant::testing::World world;
  const kube::ObjectKey key{"default", "workers"};

  Room() {
    world.tenant_up();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
    world.add_cluster();
    world.add_kubeconfig();
  }
  void add_group(int min, int max, int replicas) {
    MachineDeployment group;
    group.metadata.name = key.name;
    group.metadata.namespace_ = key.ns;
    group.metadata.annotations = {
        {std::string(api::cluster::kAutoscalerMinSizeAnnotation), std::to_string(min)},
        {std::string(api::cluster::kAutoscalerMaxSizeAnnotation), std::to_string(max)}};
    group.spec.clusterName = "demo";
    group.spec.replicas = replicas;
    group = world.management.put(group);
    MachineSet set;
    set.metadata.name = "workers-1";
    set.metadata.namespace_ = key.ns;
    set.metadata.ownerReferences = {kube::owner_reference(group)};
    set.spec.clusterName = "demo";
    set.spec.replicas = replicas;
    world.management.put(set);
    follow();
  }
  MachineDeployment group() { return world.management.peek<MachineDeployment>(key).value(); }
  int replicas() { return group().spec.replicas.value_or(-1); }
  void annotate(const std::string& name, const std::string& value) {
    auto one = group();
    one.metadata.annotations[name] = value;
    world.management.put(one);
    world.run();
  }
  /// Makes and deletes Machines with their Nodes until there are as many as wanted.
  void follow(bool nodes = true) {
    const auto set = world.management.peek<MachineSet>({key.ns, "workers-1"}).value();
    auto machines = world.management.all<Machine>();
    std::ranges::sort(machines, {}, [](const Machine& machine) {
      const bool marked = machine.metadata.annotations.contains(
          std::string(api::cluster::kDeleteMachineAnnotation));
      return (marked ? "0" : "1") + machine.metadata.name;
    });
    int surplus = static_cast<int>(machines.size()) - replicas();
    for (int i = 0; i < surplus; ++i) {
      const std::string name = machines[static_cast<std::size_t>(i)].metadata.name;
      world.management.erase(Machine::kType, {key.ns, name});
      world.tenant.erase(api::core::Node::kType, {"", name});
      for (const Json& pod : world.tenant.all(Pod::kType)) {
        if (find_string(pod, {"spec", "nodeName"}) != name) continue;
        world.tenant.erase(Pod::kType,
                           {"default", std::string(find_string(pod, {"metadata", "name"}))});
      }
    }
    for (; surplus < 0; ++surplus) {
      Machine machine;
      machine.metadata.name = "w" + std::to_string(++made_);
      machine.metadata.namespace_ = key.ns;
      machine.metadata.ownerReferences = {kube::owner_reference(set)};
      machine.metadata.creationTimestamp = format_rfc3339(world.clock.now());
      machine.spec.clusterName = "demo";
      if (nodes) machine.status.nodeRef.name = machine.metadata.name;
      world.management.put(machine);
      if (nodes) world.tenant.put(api_node(machine.metadata.name, true, world.clock.now()));
    }
    world.pass(seconds(1));
  }
  void add_pod(const std::string& name, const std::string& cpu, const std::string& node = "") {
    world.tenant.put(Pod::kType, api_pod(name, cpu, node));
    world.run();
  }
  void restart() {
    world.stop();
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
    world.pass(seconds(1));
  }
  std::string event(const std::string& reason) {
    for (const Json& one : world.tenant.all(kEvent)) {
      if (find_string(one, {"reason"}) == reason) return std::string(find_string(one, {"message"}));
    }
    return "";
  }
  std::string taint(const std::string& node, std::string_view name) {
    const auto one = world.tenant.peek<api::core::Node>({"", node});
    if (!one) return "gone";
    for (const auto& each : one->spec.taints) {
      if (each.key == name) return each.effect;
    }
    return "";
  }
  bool gone(const std::string& node) { return taint(node, "") == "gone"; }

  int made_ = 0;
};
struct AutoscaleRoom : ::testing::Test, Room {};

}  // namespace nestor::autoscale::testing
