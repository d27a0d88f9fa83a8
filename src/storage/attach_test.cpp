#include "kube/metrics.hpp"
#include "storage/testing/tenant_storage.hpp"

namespace nestor::storage {
namespace {

class Attaching : public testing::TenantStorage {};

TEST_F(Attaching, AnAttachmentIsDoneWhenTheGuestHasTheDisk) {
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

TEST_F(Attaching, ALackOfRoomIsSaidOnTheClaimThatIsInUse) {
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

TEST_F(Attaching, AVolumeGoesToAnotherNodeOnlyWhenTheFirstLetItGo) {
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

TEST_F(Attaching, AMachineThatIsGoneHoldsNothing) {
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

TEST_F(Attaching, AMachineThatHasEndedHoldsOnlyWhatItsStatusTells) {
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

TEST_F(Attaching, AVolumeOfAnotherTenantCannotBeNamed) {
  put_machine("node-1");
  const PersistentVolumeClaim foreign = put_foreign();
  // A claim of this cluster that is no volume: another machine's root disk.
  PersistentVolumeClaim root = foreign;
  root.metadata.name = "pvc-root";
  root.metadata.uid.clear();
  root.metadata.labels = {{std::string(kClusterNameLabel), "demo"}};
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

TEST_F(Attaching, WhatCannotBeAttachedIsToldToTheTenantAndSeldomTriedAgain) {
  put_machine("node-1");
  put_foreign();
  put_crafted("pvc-foreign");
  put_attachment("va", "node-1", "crafted");
  EXPECT_EQ(attachment("va")->status.attachError.value().message, "there is no volume pvc-foreign");
  world_.management.clear_calls();
  world_.pass(std::chrono::minutes(10));
  EXPECT_LE(world_.management.count("get"), 2U);
}

TEST_F(Attaching, AFailureToDetachIsToldOnce) {
  carried_by_node_1("va");
  world_.management.on_call([](const auto& call) -> std::optional<Error> {
    if (call.plural != "virtualmachines") return std::nullopt;
    return Error{Code::kInternal, "broken", {}};
  });
  world_.tenant.erase(VolumeAttachment::kType, {"", "va"});
  world_.tenant.clear_calls();
  world_.pass(std::chrono::minutes(2));
  EXPECT_EQ(attachment("va")->status.detachError.value().message, "broken");
  EXPECT_EQ(world_.tenant.count("patch", "volumeattachments"), 1U);
  world_.management.on_call({});
}

TEST_F(Attaching, AMachineOfAnotherTenantIsNoNode) {
  put_machine("foreign", "other");
  const std::string id = put_claim();
  bind(id);
  put_attachment("va", "foreign", id);
  EXPECT_TRUE(volumes_of("foreign").empty());
  EXPECT_TRUE(attachment("va")->status.attachError);
}

TEST_F(Attaching, AnIdleTenantCostsNoCalls) {
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

TEST_F(Attaching, AnAttachmentWaitsForItsVolume) {
  put_machine("node-1");
  put_attachment("va", "node-1", "late");
  EXPECT_NE(attachment("va")->status.attachError.value().message.find("no PersistentVolume late"),
            std::string::npos);
  PersistentVolume late = put_crafted("pvc-late");
  late.metadata = {};
  late.metadata.name = "late";
  world_.tenant.put(late);
  world_.run();
  // Of the handle nothing is known either: another word.
  EXPECT_EQ(attachment("va")->status.attachError.value().message.find("no PersistentVolume"),
            std::string::npos);
}

TEST_F(Attaching, WhatHappensWhileTheTenantIsAwayIsSeenWhenItIsBack) {
  put_machine("node-1");
  const std::string id = put_claim();
  bind(id);
  put_attachment("va", "node-1", id);
  tenant_is_away([&] { carry("node-1", "Ready"); });
  EXPECT_TRUE(attached("va"));
}

TEST_F(Attaching, ThoseThatWaitCostOthersNothing) {
  Metrics metrics;
  kube::set_metrics(&metrics);
  restart();
  kube::set_metrics(nullptr);
  const std::string id = carried_by_node_1("va");
  for (int i = 0; i < 1000; ++i) {
    VolumeAttachment fake;
    fake.metadata.name = "fake-" + std::to_string(i);
    fake.spec.attacher = kDriver;
    fake.spec.nodeName = "node-2";
    fake.spec.source.persistentVolumeName = fake.metadata.name;
    world_.tenant.put(fake);
  }
  world_.run();
  const auto reconciles = [&] {
    double sum = 0;
    for (const char* result : {"done", "requeued", "failed"}) {
      const Labels labels{{"controller", "storage-attachment"}, {"result", result}};
      sum += metrics.counter("nestor_reconcile_total", "Reconciles that ended, by result", labels)
                 .value();
    }
    return sum;
  };
  const double before = reconciles();
  EXPECT_GE(before, 1000);
  auto claim = disk(id).value();
  claim.metadata.annotations["note"] = "x";
  world_.management.put(claim);
  world_.run();
  EXPECT_LE(reconciles() - before, 1);
  world_.stop();
}

}  // namespace
}  // namespace nestor::storage
