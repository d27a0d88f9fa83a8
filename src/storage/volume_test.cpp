#include "storage/volume.hpp"

#include <gtest/gtest.h>

#include "base/json_convert.hpp"
#include "storage/growth.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;

PersistentVolumeClaim tenant_claim(std::string_view mode = "Filesystem") {
  PersistentVolumeClaim claim;
  claim.metadata.name = "data-db-0";
  claim.metadata.namespace_ = "shop";
  claim.metadata.uid = "11111111-2222-3333-4444-555555555555";
  claim.metadata.annotations[std::string(kProvisionerAnnotation)] = kDriver;
  claim.spec.accessModes = {"ReadWriteOnce"};
  claim.spec.resources = parse_json(R"({"requests": {"storage": "1Gi"}})").value();
  claim.spec.storageClassName = "kubevirt";
  claim.spec.volumeMode = mode;
  return claim;
}

StorageClass tenant_class() {
  StorageClass type;
  type.metadata.name = "kubevirt";
  type.provisioner = kDriver;
  type.parameters = {{"infraStorageClassName", "local-path"}, {"bus", "scsi"}};
  return type;
}

const Owner kOwner{.cluster = {"team", "demo"}, .references = {}};

TEST(VolumeSpec, TakesNameSizeAndClassFromTheClaim) {
  const auto spec = volume_spec(tenant_claim(), tenant_class());
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->id, "pvc-11111111-2222-3333-4444-555555555555");
  EXPECT_EQ(spec->size, 1LL << 30);
  EXPECT_EQ(spec->infra_class, "local-path");
  EXPECT_EQ(spec->claim, "shop/data-db-0");
}

TEST(VolumeSpec, SharedVolumesAreBlockDevicesOnly) {
  auto claim = tenant_claim();
  claim.spec.accessModes = {"ReadWriteMany"};
  EXPECT_EQ(volume_spec(claim, tenant_class()).error().code, Code::kInvalidArgument);
  claim.spec.volumeMode = "Block";
  const auto spec = volume_spec(claim, tenant_class());
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->infra_block);
}

TEST(VolumeSpec, RefusesWhatIsNotServedByName) {
  auto type = tenant_class();
  type.parameters["bus"] = "ide";
  EXPECT_NE(volume_spec(tenant_claim(), type).error().message.find("bus"), std::string::npos);
  auto clone = tenant_claim();
  clone.spec.dataSource = parse_json(R"({"kind": "VolumeSnapshot", "name": "s"})").value();
  EXPECT_EQ(volume_spec(clone, tenant_class()).error().code, Code::kUnimplemented);
}

TEST(WantsVolume, OnlyWhenAskedAndAConsumerIsThere) {
  auto claim = tenant_claim();
  auto type = tenant_class();
  EXPECT_TRUE(wants_volume(claim, type));
  type.volumeBindingMode = "WaitForFirstConsumer";
  EXPECT_FALSE(wants_volume(claim, type));
  claim.metadata.annotations[std::string(kSelectedNodeAnnotation)] = "node-1";
  EXPECT_TRUE(wants_volume(claim, type));
  claim.spec.volumeName = "pvc-x";
  EXPECT_FALSE(wants_volume(claim, type));
}

TEST(InfraClaim, BelongsToItsClusterAndHasRoomForAFileSystem) {
  const auto spec = volume_spec(tenant_claim(), tenant_class()).value();
  const Json object = infra_claim(kOwner, spec);
  const auto claim = from_json<PersistentVolumeClaim>(object).value();
  EXPECT_EQ(claim.metadata.namespace_, "team");
  EXPECT_TRUE(owns(kOwner, claim.metadata));
  EXPECT_FALSE(owns({.cluster = {"team", "other"}, .references = {}}, claim.metadata));
  EXPECT_FALSE(owns({.cluster = {"elsewhere", "demo"}, .references = {}}, claim.metadata));
  EXPECT_EQ(volume_size(claim).value(), 1LL << 30);
  EXPECT_GT(requested_size(claim).value(), (1LL << 30) * 105 / 100);
  EXPECT_EQ(requested_size(claim).value() % (1 << 20), 0);
}

TEST(PersistentVolume, HasTheSerialAndTheFinalizerOfItsPolicy) {
  auto type = tenant_class();
  const auto spec = volume_spec(tenant_claim(), type).value();
  Json object = persistent_volume(tenant_claim(), type, spec, "serial");
  auto volume = from_json<api::core::PersistentVolume>(object).value();
  EXPECT_EQ(volume.spec.csi->volumeAttributes.at("serial"), "serial");
  EXPECT_EQ(volume.spec.csi->fsType, "ext4");
  EXPECT_EQ(volume.spec.capacity.at("storage"), "1Gi");
  EXPECT_TRUE(volume.metadata.has_finalizer(kVolumeFinalizer));
  type.reclaimPolicy = "Retain";
  object = persistent_volume(tenant_claim("Block"), type, spec, "serial");
  volume = from_json<api::core::PersistentVolume>(object).value();
  EXPECT_FALSE(volume.metadata.has_finalizer(kVolumeFinalizer));
  EXPECT_EQ(volume.spec.csi->fsType, "");
}

TEST(VolumeIdFor, IsTheNameIfItCanBeAndElseAlwaysTheSame) {
  EXPECT_EQ(volume_id_for("pvc-abc"), "pvc-abc");
  const std::string made = volume_id_for("Sanity/Name " + std::string(128, 'x'));
  EXPECT_TRUE(made.starts_with("pvc-"));
  EXPECT_LT(made.size(), 63u);
  EXPECT_EQ(made, volume_id_for("Sanity/Name " + std::string(128, 'x')));
  EXPECT_NE(made, volume_id_for("Sanity/Name " + std::string(127, 'x')));
}

TEST(MachinePatch, AddsAndTakesOutOneVolumeAndKeepsTheRest) {
  Json machine =
      parse_json(R"({"metadata": {"resourceVersion": "7"}, "spec": {"template": {"spec": {
    "volumes": [{"name": "root", "containerDisk": {"image": "x"}}],
    "domain": {"devices": {"disks": [{"name": "root", "other": 1}]}}}}}})")
          .value();
  const auto patch = add_volume_patch(machine, "pvc-a", "s", "scsi", false);
  ASSERT_TRUE(patch);
  EXPECT_EQ(find_string(*patch, {"metadata", "resourceVersion"}), "7");
  const auto& volumes = find(*patch, {"spec", "template", "spec", "volumes"})->get_array();
  ASSERT_EQ(volumes.size(), 2u);
  EXPECT_TRUE(find(volumes[1], {"persistentVolumeClaim", "hotpluggable"})->get_bool());
  const auto& disks =
      find(*patch, {"spec", "template", "spec", "domain", "devices", "disks"})->get_array();
  EXPECT_EQ(find_string(disks[1], {"serial"}), "s");
  EXPECT_EQ(find(disks[0], {"other"})->get_int64(), 1);

  Json with = *patch;
  EXPECT_FALSE(add_volume_patch(with, "pvc-a", "s", "scsi", false));
  EXPECT_FALSE(remove_volume_patch(machine, "pvc-a"));
  const auto back = remove_volume_patch(with, "pvc-a");
  ASSERT_TRUE(back);
  EXPECT_EQ(find(*back, {"spec", "template", "spec", "volumes"})->get_array().size(), 1u);
}

TEST(Growth, GoesFromTheControllerToTheNodeToTheEnd) {
  auto claim = tenant_claim();
  claim.status.phase = "Bound";
  claim.status.capacity["storage"] = "1Gi";
  const std::string now = "2026-01-02T03:04:05Z";
  claim = with_growth(claim, 2LL << 30, GrowthStage::kController, now);
  EXPECT_EQ(claim.status.allocatedResourceStatuses.at("storage"), "ControllerResizeInProgress");
  EXPECT_TRUE(kube::condition_true(claim.status.conditions, "Resizing"));
  claim = with_growth(claim, 2LL << 30, GrowthStage::kNode, now);
  EXPECT_EQ(claim.status.allocatedResourceStatuses.at("storage"), "NodeResizePending");
  EXPECT_EQ(claim.status.capacity.at("storage"), "1Gi");
  EXPECT_TRUE(kube::condition_true(claim.status.conditions, "FileSystemResizePending"));
  claim.status.allocatedResourceStatuses["storage"] = "NodeResizeInProgress";
  EXPECT_EQ(with_growth(claim, 2LL << 30, GrowthStage::kNode, now), claim);
  claim = with_growth(claim, 2LL << 30, GrowthStage::kDone, now);
  EXPECT_EQ(claim.status.capacity.at("storage"), "2Gi");
  EXPECT_TRUE(claim.status.conditions.empty());
}

}  // namespace
}  // namespace nestor::storage
