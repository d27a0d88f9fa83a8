#include "storage/storage.hpp"

#include <gtest/gtest.h>

#include "api/cluster/cluster.hpp"
#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "api/storage/storage_class.hpp"
#include "api/storage/volume_attachment.hpp"
#include "storage/names.hpp"
#include "storage/volume.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using api::storage::StorageClass;
using api::storage::VolumeAttachment;

constexpr const char* kEvents = "events";

/// A tenant whose claims, and machines, the test plays; it also plays Kubernetes' own part.
class Storage : public ::testing::Test {
 protected:
  Storage() {
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
    machine.metadata.labels[std::string(kClusterLabel)] = cluster;
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
                               {std::string(kClusterLabel), "other"}};
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
  std::string event_texts() {
    std::string out;
    for (const Json& event :
         world_.tenant.all(kube::ResourceType{"", "v1", "Event", kEvents, true})) {
      out += std::string(find_string(event, {"reason"})) + ": " +
             std::string(find_string(event, {"message"})) + "\n";
    }
    return out;
  }

  tenant::testing::World world_;
};

TEST_F(Storage, AClaimBecomesAClaimHereAndAVolumeThere) {
  const std::string id = put_claim();
  ASSERT_TRUE(disk(id));
  EXPECT_EQ(disk(id)->spec.storageClassName, "local-path");
  EXPECT_EQ(disk(id)->metadata.ownerReferences.at(0).kind, "Cluster");
  ASSERT_TRUE(volume(id));
  EXPECT_EQ(volume(id)->spec.csi->volumeHandle, id);
  EXPECT_EQ(volume(id)->spec.csi->volumeAttributes.at("serial"), disk(id)->metadata.uid);
  EXPECT_EQ(volume(id)->spec.claimRef->name, "data");
}

TEST_F(Storage, AKillBetweenBothWritesLosesNothing) {
  world_.tenant.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb == "create" && call.plural == "persistentvolumes") {
      return Error{Code::kUnavailable, "gone", {}};
    }
    return std::nullopt;
  });
  const std::string id = put_claim();
  ASSERT_TRUE(disk(id));
  const std::string uid = disk(id)->metadata.uid;
  EXPECT_FALSE(volume(id));
  world_.tenant.on_call(nullptr);
  restart();
  ASSERT_TRUE(volume(id));
  EXPECT_EQ(disk(id)->metadata.uid, uid);
}

TEST_F(Storage, AMissingParentClassIsSaidAndMendsItself) {
  StorageClass type;
  type.metadata.name = "kubevirt";
  type.provisioner = kDriver;
  type.parameters = {{"infraStorageClassName", "fast"}};
  world_.tenant.put(type);
  world_.run();
  const std::string id = put_claim();
  EXPECT_FALSE(disk(id));
  EXPECT_NE(event_texts().find("ProvisioningFailed"), std::string::npos);
  EXPECT_NE(event_texts().find("fast"), std::string::npos);
  StorageClass parent;
  parent.metadata.name = "fast";
  world_.management.put(parent);
  world_.run();
  EXPECT_TRUE(volume(id));
}

TEST_F(Storage, AFullQuotaIsSaidAndMendsItself) {
  world_.management.fail_next("create", {Code::kPermissionDenied, "exceeded quota: disks", {}}, 1,
                              "persistentvolumeclaims");
  const std::string id = put_claim();
  EXPECT_NE(event_texts().find("exceeded quota"), std::string::npos);
  world_.pass(std::chrono::seconds(1));
  EXPECT_TRUE(volume(id));
}

TEST_F(Storage, AReleasedVolumeGoesWithItsDisk) {
  const std::string id = put_claim();
  bind(id);
  world_.tenant.erase(PersistentVolumeClaim::kType, {"shop", "data"});
  auto released = volume(id).value();
  released.status.phase = "Released";
  world_.tenant.put(released);
  world_.run();
  EXPECT_FALSE(disk(id));
  EXPECT_FALSE(volume(id));
}

TEST_F(Storage, AReleasedVolumeWaitsForItsNodeWithoutComplaint) {
  const std::string id = carried_by_node_1("va");
  auto released = volume(id).value();
  released.status.phase = "Released";
  world_.tenant.put(released);
  world_.run();
  EXPECT_TRUE(disk(id));
  world_.tenant.erase(VolumeAttachment::kType, {"", "va"});
  world_.run();
  carry("node-1", "");
  EXPECT_FALSE(attachment("va"));
  EXPECT_FALSE(disk(id));
  EXPECT_FALSE(volume(id));
  EXPECT_EQ(event_texts().find("VolumeFailedDelete"), std::string::npos);
}

TEST_F(Storage, ARetainedVolumeStaysWithItsDisk) {
  const std::string id = put_claim();
  bind(id);
  auto released = volume(id).value();
  released.spec.persistentVolumeReclaimPolicy = "Retain";
  released.status.phase = "Released";
  world_.tenant.put(released);
  world_.run();
  EXPECT_TRUE(disk(id));
  EXPECT_TRUE(volume(id));
}

TEST_F(Storage, ADeletedRetainedVolumeLeavesItsDisk) {
  const std::string id = put_claim();
  bind(id);
  auto released = volume(id).value();
  released.spec.persistentVolumeReclaimPolicy = "Retain";
  released.status.phase = "Released";
  world_.tenant.put(released);
  world_.tenant.erase(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.run();
  world_.tenant.erase_now(PersistentVolume::kType, {"", id});
  world_.run();
  EXPECT_FALSE(volume(id));
  ASSERT_TRUE(disk(id));
  EXPECT_TRUE(marked(id));
  restart();
  EXPECT_TRUE(disk(id));
}

TEST_F(Storage, ATenantThatIsOlderThanItsVolumesLosesNoDisk) {
  const std::string id = put_claim();
  bind(id);
  world_.stop();
  // As a backup that is put back does.
  world_.tenant.erase_now(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.tenant.erase_now(PersistentVolume::kType, {"", id});
  restart();
  EXPECT_TRUE(disk(id));
}

TEST_F(Storage, ADiskThatIsTakenAgainUnderAnotherNameFollowsThatVolume) {
  const std::string id = put_claim();
  stop_unmarked(id);
  world_.tenant.erase_now(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.tenant.erase_now(PersistentVolume::kType, {"", id});
  PersistentVolume again = put_crafted(id);
  restart();
  ASSERT_TRUE(disk(id));
  EXPECT_TRUE(marked(id));

  auto held = disk(id).value();
  held.metadata.finalizers = {"kubernetes.io/pvc-protection"};
  world_.management.put(held);
  again.status.phase = "Released";
  world_.tenant.put(again);
  world_.run();
  EXPECT_TRUE(volume("crafted"));
  world_.management.erase_now(PersistentVolumeClaim::kType, {"default", id});
  world_.run();
  EXPECT_FALSE(volume("crafted"));
}

TEST_F(Storage, AnEarlierVersionsDiskGetsItsMarkWhenItsVolumeIsSeen) {
  const std::string id = put_claim();
  bind(id);
  stop_unmarked(id);
  restart();
  EXPECT_TRUE(marked(id));
}

TEST_F(Storage, AMarkThatGotLostIsMadeUpFor) {
  world_.management.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb == "patch" && call.plural == "persistentvolumeclaims") {
      return Error{Code::kUnavailable, "gone", {}};
    }
    return std::nullopt;
  });
  const std::string id = put_claim();
  ASSERT_TRUE(volume(id));
  EXPECT_FALSE(marked(id));
  world_.tenant.erase_now(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.pass(std::chrono::seconds(1));
  ASSERT_TRUE(disk(id));
  world_.management.on_call(nullptr);
  restart();
  ASSERT_TRUE(disk(id));
  EXPECT_TRUE(marked(id));
}

TEST_F(Storage, AClaimThatWentBeforeItsVolumeCameLeavesNoDisk) {
  world_.tenant.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb == "create" && call.plural == "persistentvolumes") {
      return Error{Code::kUnavailable, "gone", {}};
    }
    return std::nullopt;
  });
  const std::string id = put_claim();
  ASSERT_TRUE(disk(id));
  world_.tenant.erase(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.run();
  EXPECT_FALSE(disk(id));
}

TEST_F(Storage, AnAttachmentIsDoneWhenTheGuestHasTheDisk) {
  put_machine("node-1");
  const std::string id = put_claim();
  bind(id);
  put_attachment("va", "node-1", id);
  EXPECT_EQ(volumes_of("node-1"), std::vector<std::string>{id});
  carry("node-1", "AttachedToNode");
  EXPECT_FALSE(attached("va"));
  carry("node-1", "Ready");
  EXPECT_TRUE(attached("va"));
}

TEST_F(Storage, ALackOfRoomIsSaidOnTheClaimThatIsInUse) {
  const std::string id = carried_by_node_1("va");
  ASSERT_TRUE(attached("va"));
  auto instance = world_.management.peek<VirtualMachineInstance>({"default", "node-1"}).value();
  auto& status = instance.status.volumeStatus.front();
  status.phase = "AttachedToNode";
  status.reason = "CrashLoopBackOff";
  status.message = "no space left";
  world_.management.put(instance);
  world_.run();
  EXPECT_NE(event_texts().find("VolumeConditionAbnormal: no space left"), std::string::npos);
  EXPECT_TRUE(attached("va"));
}

TEST_F(Storage, AVolumeGoesToAnotherNodeOnlyWhenTheFirstLetItGo) {
  put_machine("node-2");
  const std::string id = carried_by_node_1("va1");
  put_attachment("va2", "node-2", id);
  EXPECT_TRUE(volumes_of("node-2").empty());
  EXPECT_NE(attachment("va2")->status.attachError.value().message.find("node-1"),
            std::string::npos);

  world_.tenant.erase(VolumeAttachment::kType, {"", "va1"});
  world_.run();
  EXPECT_TRUE(volumes_of("node-1").empty());
  // The guest of node-1 still has it.
  EXPECT_TRUE(attachment("va1"));
  EXPECT_TRUE(volumes_of("node-2").empty());
  carry("node-1", "");
  EXPECT_FALSE(attachment("va1"));
  EXPECT_EQ(volumes_of("node-2"), std::vector<std::string>{id});
  carry("node-2", "Ready");
  EXPECT_TRUE(attached("va2"));
}

TEST_F(Storage, AMachineThatIsGoneHoldsNothing) {
  put_machine("node-2");
  const std::string id = carried_by_node_1("va1");
  put_attachment("va2", "node-2", id);
  world_.management.erase(VirtualMachine::kType, {"default", "node-1"});
  world_.run();
  // Its instance may still run.
  EXPECT_TRUE(volumes_of("node-2").empty());
  world_.management.erase(VirtualMachineInstance::kType, {"default", "node-1"});
  world_.run();
  EXPECT_EQ(volumes_of("node-2"), std::vector<std::string>{id});
  world_.tenant.erase(VolumeAttachment::kType, {"", "va1"});
  world_.run();
  EXPECT_FALSE(attachment("va1"));
  EXPECT_EQ(disk(id)->metadata.annotation(kHolderAnnotation), "node-2");
}

TEST_F(Storage, AMachineThatHasEndedHoldsOnlyWhatItsStatusTells) {
  const std::string id = carried_by_node_1("va1");
  auto instance = world_.management.peek<VirtualMachineInstance>({"default", "node-1"}).value();
  instance.status.phase = "Failed";
  world_.management.put(instance);
  world_.tenant.erase(VolumeAttachment::kType, {"", "va1"});
  world_.run();
  // Its attachment pod may still have the disk open.
  EXPECT_TRUE(attachment("va1"));
  // The runtime takes no volume out of the spec of an instance that has ended.
  instance = world_.management.peek<VirtualMachineInstance>({"default", "node-1"}).value();
  instance.status.volumeStatus.clear();
  world_.management.put(instance);
  world_.run();
  EXPECT_FALSE(attachment("va1"));
}

TEST_F(Storage, AVolumeOfAnotherTenantCannotBeNamed) {
  put_machine("node-1");
  const PersistentVolumeClaim foreign = put_foreign();
  // A claim of this cluster that is no volume: another machine's root disk.
  PersistentVolumeClaim root = foreign;
  root.metadata.name = "pvc-root";
  root.metadata.uid.clear();
  root.metadata.labels = {{std::string(kClusterLabel), "demo"}};
  world_.management.put(root);
  for (const std::string handle : {"pvc-foreign", "pvc-root", "../kube-system/pvc-x"}) {
    PersistentVolume crafted = put_crafted(handle);
    put_attachment("va", "node-1", "crafted");
    EXPECT_TRUE(volumes_of("node-1").empty()) << handle;
    EXPECT_FALSE(attached("va"));
    // Nor can it be deleted.
    crafted.status.phase = "Released";
    world_.tenant.put(crafted);
    world_.run();
    world_.tenant.erase_now(VolumeAttachment::kType, {"", "va"});
    world_.tenant.erase_now(PersistentVolume::kType, {"", "crafted"});
    world_.run();
  }
  EXPECT_TRUE(disk("pvc-foreign"));
  EXPECT_TRUE(disk("pvc-root"));
}

TEST_F(Storage, AVolumeOfAnotherTenantCannotGrow) {
  const std::string id = put_claim();
  bind(id);
  PersistentVolumeClaim foreign = put_foreign();
  foreign.status.phase = "Bound";
  foreign.status.capacity["storage"] = "1Gi";
  world_.management.put(foreign);
  PersistentVolume crafted = put_crafted("pvc-foreign");
  crafted.spec.claimRef = volume(id)->spec.claimRef;
  crafted.spec.capacity["storage"] = "1Gi";
  world_.tenant.put(crafted);
  auto claim = tenant_claim().value();
  claim.spec.volumeName = "crafted";
  claim.spec.resources = parse_json(R"({"requests": {"storage": "2Gi"}})").value();
  world_.tenant.put(claim);
  world_.run();
  EXPECT_EQ(requested_size(*disk("pvc-foreign")).value(), 1LL << 30);
}

TEST_F(Storage, AMachineOfAnotherTenantIsNoNode) {
  put_machine("foreign", "other");
  const std::string id = put_claim();
  bind(id);
  put_attachment("va", "foreign", id);
  EXPECT_TRUE(volumes_of("foreign").empty());
  EXPECT_TRUE(attachment("va")->status.attachError);
}

TEST_F(Storage, AClaimGrowsOnlineStepByStep) {
  const std::string id = put_claim();
  bind(id);
  auto here = disk(id).value();
  here.status.phase = "Bound";
  here.status.capacity["storage"] = std::to_string(infra_size(1LL << 30, false));
  world_.management.put(here);
  auto claim = tenant_claim().value();
  claim.spec.resources = parse_json(R"({"requests": {"storage": "2Gi"}})").value();
  world_.tenant.put(claim);
  world_.run();
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(2LL << 30, false));
  // Not before the management cluster has grown it.
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "1Gi");
  EXPECT_TRUE(kube::condition_true(tenant_claim()->status.conditions, "Resizing"));
  here = disk(id).value();
  here.status.capacity["storage"] = std::to_string(infra_size(2LL << 30, false));
  world_.management.put(here);
  world_.run();
  EXPECT_EQ(volume_size(*disk(id)).value(), 2LL << 30);
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "2Gi");
  EXPECT_EQ(tenant_claim()->status.allocatedResourceStatuses.at("storage"), "NodeResizePending");
}

TEST_F(Storage, AnIdleTenantCostsNoCalls) {
  const std::string id = carried_by_node_1("va");
  ASSERT_TRUE(attached("va"));
  world_.management.clear_calls();
  world_.tenant.clear_calls();
  auto cluster = world_.management.peek<api::cluster::Cluster>(world_.demo).value();
  cluster.status.phase = "Provisioned";
  world_.management.put(cluster);
  auto instance = world_.management.peek<VirtualMachineInstance>({"default", "node-1"}).value();
  instance.status.nodeName = "host";
  world_.management.put(instance);
  world_.run();
  EXPECT_EQ(world_.management.count(""), 0u);
  EXPECT_EQ(world_.tenant.count(""), 0u);
}

}  // namespace
}  // namespace nestor::storage
