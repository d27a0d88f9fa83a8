#include "storage/testing/tenant_storage.hpp"

namespace nestor::storage {
namespace {

class Provisioning : public testing::TenantStorage {};

TEST_F(Provisioning, AClaimBecomesAClaimHereAndAVolumeThere) {
  const std::string id = put_claim();
  ASSERT_TRUE(disk(id));
  EXPECT_EQ(disk(id)->spec.storageClassName, "local-path");
  EXPECT_EQ(disk(id)->metadata.ownerReferences.at(0).kind, "Cluster");
  ASSERT_TRUE(volume(id));
  EXPECT_EQ(volume(id)->spec.csi->volumeHandle, id);
  EXPECT_EQ(volume(id)->spec.csi->volumeAttributes.at("serial"), disk(id)->metadata.uid);
  EXPECT_EQ(volume(id)->spec.claimRef->name, "data");
}

TEST_F(Provisioning, AKillBetweenBothWritesLosesNothing) {
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

TEST_F(Provisioning, AMissingParentClassIsSaidAndMendsItself) {
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

TEST_F(Provisioning, ASizeBeyondAllSizesIsRefused) {
  PersistentVolumeClaim claim;
  claim.metadata.name = "data";
  claim.metadata.namespace_ = "shop";
  claim.metadata.annotations[std::string(kProvisionerAnnotation)] = kDriver;
  claim.spec.accessModes = {"ReadWriteOnce"};
  // Its product with a thousand has 65 bits.
  claim.spec.resources = parse_json(R"({"requests": {"storage": "18446744073709552"}})").value();
  claim.spec.storageClassName = "kubevirt";
  claim.spec.volumeMode = "Filesystem";
  const std::string id = volume_id(world_.tenant.put(claim).metadata);
  world_.run();
  EXPECT_FALSE(disk(id));
  EXPECT_NE(event_texts().find("at most 8Pi"), std::string::npos) << event_texts();
}

TEST_F(Provisioning, AFullQuotaIsSaidAndMendsItself) {
  world_.management.fail_next("create", {Code::kPermissionDenied, "exceeded quota: disks", {}}, 1,
                              "persistentvolumeclaims");
  const std::string id = put_claim();
  EXPECT_NE(event_texts().find("exceeded quota"), std::string::npos);
  world_.pass(std::chrono::seconds(1));
  EXPECT_TRUE(volume(id));
}

TEST_F(Provisioning, AReleasedVolumeGoesWithItsDisk) {
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

TEST_F(Provisioning, WhatHappensWhileTheTenantIsAwayIsSeenWhenItIsBack) {
  const std::string id = put_claim();
  bind(id);
  std::string other;
  tenant_is_away([&] {
    auto released = volume(id).value();
    released.status.phase = "Released";
    world_.tenant.put(released);
    other = put_claim("other");
    world_.run();
  });
  EXPECT_FALSE(disk(id));
  EXPECT_TRUE(volume(other));
}

TEST_F(Provisioning, AClaimThatWentWhileTheTenantWasAwayLeavesNoDisk) {
  std::string id;
  world_.tenant.fail_next("create", {Code::kUnavailable, "refused", {}}, 1000, "persistentvolumes");
  id = put_claim();
  ASSERT_TRUE(disk(id));
  ASSERT_FALSE(volume(id));
  tenant_is_away([&] {
    world_.tenant.erase(PersistentVolumeClaim::kType, {"shop", "data"});
    world_.run();
  });
  EXPECT_FALSE(disk(id));
}

TEST_F(Provisioning, AReleasedVolumeWaitsForItsNodeWithoutComplaint) {
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

TEST_F(Provisioning, ARetainedVolumeStaysWithItsDisk) {
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

TEST_F(Provisioning, ADeletedRetainedVolumeLeavesItsDisk) {
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

TEST_F(Provisioning, ATenantThatIsOlderThanItsVolumesLosesNoDisk) {
  const std::string id = put_claim();
  bind(id);
  world_.stop();
  // As a backup that is put back does.
  world_.tenant.erase_now(PersistentVolumeClaim::kType, {"shop", "data"});
  world_.tenant.erase_now(PersistentVolume::kType, {"", id});
  restart();
  EXPECT_TRUE(disk(id));
}

TEST_F(Provisioning, ADiskThatIsTakenAgainUnderAnotherNameFollowsThatVolume) {
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

TEST_F(Provisioning, AnEarlierVersionsDiskGetsItsMarkWhenItsVolumeIsSeen) {
  const std::string id = put_claim();
  bind(id);
  stop_unmarked(id);
  restart();
  EXPECT_TRUE(marked(id));
}

TEST_F(Provisioning, AMarkThatGotLostIsMadeUpFor) {
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

TEST_F(Provisioning, AClaimThatWentBeforeItsVolumeCameLeavesNoDisk) {
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

}  // namespace
}  // namespace nestor::storage
