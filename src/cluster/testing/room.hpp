#pragma once

#include <gtest/gtest.h>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/core/pod.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "cluster/cluster.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::cluster::testing {

using api::bootstrap::KubeadmConfig;
using api::bootstrap::KubeadmConfigTemplate;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::controlplane::KamajiControlPlane;
using api::core::Node;
using api::infrastructure::KubevirtCluster;
using api::infrastructure::KubevirtMachine;
using api::infrastructure::KubevirtMachineTemplate;

/// The room's controllers over two clusters in memory; the test plays the other rooms.
struct ClusterRoom : ::testing::Test {
  ClusterRoom() {
    world.tenant_up();
    restart();
    Cluster cluster = named<Cluster>("demo");
    cluster.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "demo"};
    cluster.spec.controlPlaneRef = {"controlplane.cluster.x-k8s.io", "KamajiControlPlane", "demo"};
    world.management.put(cluster);
    world.management.put(named<KubevirtCluster>("demo"));
    world.management.put(named<KamajiControlPlane>("demo"));
    world.run();
  }
  /// A crash of the manager.
  void restart() {
    world.stop();
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
  }
  template <class T>
  static T named(const std::string& name) {
    T out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    return out;
  }
  template <class T>
  T read(const std::string& name) {
    auto found = world.management.peek<T>({"default", name});
    EXPECT_TRUE(found.has_value()) << T::kType.kind << " " << name;
    return found.value_or(T{});
  }
  template <class T>
  std::size_t count() {
    return world.management.all<T>().size();
  }
  void control_plane_up() {
    auto infra = read<KubevirtCluster>("demo");
    infra.status.ready = true;
    world.management.put(infra);
    auto plane = read<KamajiControlPlane>("demo");
    plane.status.ready = true;
    plane.status.initialization.controlPlaneInitialized = true;
    world.management.put(plane);
    world.add_kubeconfig();
    world.pass(std::chrono::seconds(1));
  }
  /// Without a number of replicas; its templates are there.
  MachineDeployment deployment() {
    world.management.put(named<KubeadmConfigTemplate>("demo"));
    world.management.put(named<KubevirtMachineTemplate>("demo"));
    auto made = named<MachineDeployment>("workers");
    made.spec.clusterName = "demo";
    made.spec.template_.spec.clusterName = "demo";
    made.spec.template_.spec.version = "v1.37.2";
    made.spec.template_.spec.bootstrap.configRef = {"bootstrap.cluster.x-k8s.io",
                                                    "KubeadmConfigTemplate", "demo"};
    made.spec.template_.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io",
                                                  "KubevirtMachineTemplate", "demo"};
    return made;
  }
  void add_deployment(int replicas) {
    auto added = deployment();
    added.spec.replicas = replicas;
    world.management.put(added);
    world.run();
  }
  void scale(int replicas) {
    auto deployment = read<MachineDeployment>("workers");
    deployment.spec.replicas = replicas;
    world.management.put(deployment);
    world.run();
  }
  /// What the other rooms and the guest do until the Node is there.
  void join(const std::string& name) {
    auto config = read<KubeadmConfig>(name);
    config.status.dataSecretName = name;
    config.status.initialization.dataSecretCreated = true;
    world.management.put(config);
    auto machine = read<KubevirtMachine>(name);
    machine.spec.providerID = "kubevirt://" + name;
    machine.status.ready = true;
    world.management.put(machine);
    Node node;
    node.metadata.name = name;
    node.spec.providerID = "kubevirt://" + name;
    api::core::Taint taint;
    taint.key = "node.cluster.x-k8s.io/uninitialized";
    taint.effect = "NoSchedule";
    node.spec.taints = {taint};
    node.status.conditions = {kube::make_condition("Ready", true)};
    world.tenant.put(node);
    world.run();
  }
  void join_all() {
    for (const auto& listed : world.management.all<Machine>()) {
      // Joining one lets the controllers act: meanwhile another may be on its way out.
      const auto machine = world.management.peek<Machine>(listed.metadata.key());
      if (machine && !machine->metadata.deleting()) join(machine->metadata.name);
    }
  }
  /// The only Machine's name.
  std::string only_machine() {
    const auto machines = world.management.all<Machine>();
    EXPECT_EQ(machines.size(), 1U);
    return machines.empty() ? "" : machines[0].metadata.name;
  }
  /// A running pod of namespace "apps" on the Node.
  api::core::Pod add_pod(const std::string& name, const std::string& node) {
    api::core::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "apps";
    pod.metadata.labels["app"] = name;
    pod.spec.nodeName = node;
    pod.status.phase = "Running";
    pod.status.conditions = {kube::make_condition("Ready", true)};
    return world.tenant.put(pod);
  }
  kube::Condition condition(const Machine& machine, std::string_view type) {
    const auto* found = kube::find_condition(machine.status.conditions, type);
    EXPECT_NE(found, nullptr) << type;
    return found == nullptr ? kube::Condition{} : *found;
  }
  tenant::testing::World world;
};

}  // namespace nestor::cluster::testing
