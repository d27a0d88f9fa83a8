#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "api/cluster/cluster.hpp"
#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "api/storage/storage_class.hpp"
#include "api/storage/volume_attachment.hpp"
#include "storage/names.hpp"
#include "storage/storage.hpp"
#include "storage/volume.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::storage::testing {

/// A tenant whose claims, and machines, the test plays; it also plays Kubernetes' own part.
class TenantStorage : public ::testing::Test {
 protected:
  using PersistentVolume = api::core::PersistentVolume;
  using PersistentVolumeClaim = api::core::PersistentVolumeClaim;
  using VirtualMachine = api::kubevirt::VirtualMachine;
  using VirtualMachineInstance = api::kubevirt::VirtualMachineInstance;
  using StorageClass = api::storage::StorageClass;
  using VolumeAttachment = api::storage::VolumeAttachment;

  TenantStorage() {
    world_.add_cluster();
    world_.add_kubeconfig();
    world_.tenant_up();
    StorageClass parent;
    parent.metadata.name = "local-path";
    world_.management.put(parent);
    StorageClass type;
    type.metadata.name = "kubevirt";
    type.provisioner = kDriver;
    type.parameters = {{"infraStorageClassName", "local-path"}};
    world_.tenant.put(type);
    start();
  }

  void start() {
    add_controllers(*world_.runtime, *world_.sessions);
    world_.start();
    world_.pass(std::chrono::seconds(1));
  }
  void restart() {
    world_.stop();
    world_.boot();
    start();
  }

  std::string put_claim(const std::string& name = "data") {
    PersistentVolumeClaim claim;
    claim.metadata.name = name;
    claim.metadata.namespace_ = "shop";
    claim.metadata.annotations[std::string(kProvisionerAnnotation)] = kDriver;
    claim.spec.accessModes = {"ReadWriteOnce"};
    claim.spec.resources = parse_json(R"({"requests": {"storage": "1Gi"}})").value();
    claim.spec.storageClassName = "kubevirt";
    claim.spec.volumeMode = "Filesystem";
    claim.status.phase = "Pending";
    const auto stored = world_.tenant.put(claim);
    world_.run();
    return volume_id(stored.metadata);
  }
  /// What the tenant's own controllers do with a new volume.
  void bind(const std::string& id, const std::string& name = "data") {
    auto volume = this->volume(id).value();
    volume.status.phase = "Bound";
    world_.tenant.put(volume);
    auto claim = tenant_claim(name).value();
    claim.spec.volumeName = id;
    claim.status.phase = "Bound";
    claim.status.capacity["storage"] = "1Gi";
    world_.tenant.put(claim);
    world_.run();
  }
  std::optional<PersistentVolumeClaim> tenant_claim(const std::string& name = "data") {
    return world_.tenant.peek<PersistentVolumeClaim>({"shop", name});
  }
  std::optional<PersistentVolume> volume(const std::string& id) {
    return world_.tenant.peek<PersistentVolume>({"", id});
  }
  std::optional<PersistentVolumeClaim> disk(const std::string& id) {
    return world_.management.peek<PersistentVolumeClaim>({"default", id});
  }

  /// Ends the manager and leaves the disk as an earlier version did.
  void stop_unmarked(const std::string& id) {
    world_.stop();
    auto claim = disk(id).value();
    claim.metadata.annotations.erase(std::string(kProvisionedAnnotation));
    world_.management.put(claim);
  }
  bool marked(const std::string& id) {
    return disk(id).value().metadata.annotation(kProvisionedAnnotation) == "true";
  }

  void put_machine(const std::string& name, const std::string& cluster = "demo") {
    VirtualMachine machine;
    machine.metadata.name = name;
    machine.metadata.namespace_ = "default";
    machine.metadata.labels[std::string(kClusterNameLabel)] = cluster;
    world_.management.put(machine);
    VirtualMachineInstance instance;
    instance.metadata = machine.metadata;
    world_.management.put(instance);
    world_.run();
  }
  /// What the machine's runtime does: its instance gets the machine's volumes.
  void carry(const std::string& name, const std::string& phase) {
    const auto machine = world_.management.peek<VirtualMachine>({"default", name});
    auto instance = world_.management.peek<VirtualMachineInstance>({"default", name}).value();
    instance.spec.volumes =
        machine ? machine->spec.template_.spec.volumes : std::vector<api::kubevirt::Volume>{};
    instance.status.volumeStatus.clear();
    for (const auto& one : instance.spec.volumes) {
      api::kubevirt::VolumeStatus status;
      status.name = one.name;
      status.phase = phase;
      instance.status.volumeStatus.push_back(status);
    }
    world_.management.put(instance);
    world_.run();
  }
  /// A claim whose disk the machine node-1 has, by that attachment.
  std::string carried_by_node_1(const std::string& attachment) {
    put_machine("node-1");
    std::string id = put_claim();
    bind(id);
    put_attachment(attachment, "node-1", id);
    carry("node-1", "Ready");
    return id;
  }
  /// The disk of another tenant, whose cluster is in the same namespace.
  PersistentVolumeClaim put_foreign() {
    PersistentVolumeClaim foreign;
    foreign.metadata.name = "pvc-foreign";
    foreign.metadata.namespace_ = "default";
    foreign.metadata.labels = {{std::string(kDriverLabel), std::string(kDriver)},
                               {std::string(kClusterNameLabel), "other"}};
    foreign.spec.resources = parse_json(R"({"requests": {"storage": "1Gi"}})").value();
    return world_.management.put(foreign);
  }
  /// A volume that the tenant wrote itself.
  PersistentVolume put_crafted(const std::string& handle) {
    PersistentVolume crafted;
    crafted.metadata.name = "crafted";
    crafted.metadata.annotations[std::string(kProvisionedByAnnotation)] = kDriver;
    crafted.spec.csi = api::core::CsiVolumeSource{};
    crafted.spec.csi->driver = kDriver;
    crafted.spec.csi->volumeHandle = handle;
    crafted.spec.persistentVolumeReclaimPolicy = "Delete";
    crafted.status.phase = "Bound";
    return world_.tenant.put(crafted);
  }
  std::vector<std::string> volumes_of(const std::string& machine) {
    std::vector<std::string> out;
    const auto object = world_.management.peek<VirtualMachine>({"default", machine});
    for (const auto& one : object->spec.template_.spec.volumes) out.push_back(one.name);
    return out;
  }

  void put_attachment(const std::string& name, const std::string& node, const std::string& id) {
    VolumeAttachment attachment;
    attachment.metadata.name = name;
    attachment.spec.attacher = kDriver;
    attachment.spec.nodeName = node;
    attachment.spec.source.persistentVolumeName = id;
    attachment.status.attached = false;
    world_.tenant.put(attachment);
    world_.run();
  }
  std::optional<VolumeAttachment> attachment(const std::string& name) {
    return world_.tenant.peek<VolumeAttachment>({"", name});
  }
  bool attached(const std::string& name) {
    return attachment(name).value().status.attached.value_or(false);
  }
  /// `meanwhile` runs while the tenant's API server does not answer.
  void tenant_is_away(const std::function<void()>& meanwhile) {
    const auto passes_until = [&](bool connected) {
      for (int i = 0; i < 600 && world_.sessions->probe(world_.demo).connected != connected; ++i) {
        world_.pass(std::chrono::seconds(1));
      }
      ASSERT_EQ(world_.sessions->probe(world_.demo).connected, connected);
    };
    world_.tenant.fail_next("raw", {Code::kUnavailable, "refused", {}}, 5);
    passes_until(false);
    meanwhile();
    ASSERT_FALSE(world_.sessions->probe(world_.demo).connected);
    passes_until(true);
    world_.pass(std::chrono::seconds(1));
  }
  std::string event_texts() {
    std::string out;
    for (const Json& event :
         world_.tenant.all(kube::ResourceType{"", "v1", "Event", "events", true})) {
      out += std::string(find_string(event, {"reason"})) + ": " +
             std::string(find_string(event, {"message"})) + "\n";
    }
    return out;
  }

  tenant::testing::World world_;
};

}  // namespace nestor::storage::testing
