#include "vm/launcher/disks.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/json_convert.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;
using api::kubevirt::CloudInit;
using api::kubevirt::VirtualMachineInstance;

VirtualMachineInstance instance_from(std::string_view yaml) {
  const Json json = parse_yaml_documents(yaml).value().at(0);
  return from_json<VirtualMachineInstance>(json).value();
}

constexpr std::string_view kWorker = R"(
metadata: {name: w1, annotations: {nestor.dev/root-disk-size: 20Gi}}
spec:
  domain:
    devices:
      disks:
      - {name: root, disk: {bus: virtio}}
      - {name: scratch, disk: {bus: scsi}, serial: abc}
      - {name: seed, disk: {bus: virtio}}
  volumes:
  - {name: seed, cloudInitConfigDrive: {secretRef: {name: s}}}
  - {name: scratch, emptyDisk: {capacity: 1Gi}}
  - {name: root, containerDisk: {image: x}}
)";

class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string text = (fs::temp_directory_path() / "nestor-disks.XXXXXX").string();
    path = ::mkdtemp(text.data());
  }
  ~Folder() override { fs::remove_all(path); }
  void write(const fs::path& file, std::string_view content) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << content;
  }
  fs::path path;
};

TEST(PlanDisks, KeepsTheOrderOfDisksAndFindsTheirVolumes) {
  const auto plans = plan_disks(instance_from(kWorker));
  ASSERT_TRUE(plans);
  ASSERT_EQ(plans->size(), 3u);
  EXPECT_EQ(plans->at(0).source, DiskPlan::Source::kContainerDisk);
  EXPECT_EQ(plans->at(0).size, 20LL << 30);
  EXPECT_EQ(plans->at(1).size, 1LL << 30);
  EXPECT_EQ(plans->at(1).drive.bus, "scsi");
  EXPECT_EQ(plans->at(1).drive.serial, "abc");
  EXPECT_FALSE(plans->at(1).drive.read_only);
  EXPECT_TRUE(plans->at(2).drive.read_only);
}

TEST(PlanDisks, TakesOnlyTheFirstCloudInitVolume) {
  VirtualMachineInstance two = instance_from(kWorker);
  two.spec.domain.devices.disks.emplace_back().name = "second";
  two.spec.volumes.emplace_back().name = "second";
  two.spec.volumes.back().cloudInitNoCloud = CloudInit{};
  EXPECT_EQ(plan_disks(two)->size(), 3u);
}

TEST(PlanDisks, RefusesWhatCannotBe) {
  VirtualMachineInstance lone = instance_from(kWorker);
  lone.spec.domain.devices.disks.emplace_back().name = "nowhere";
  EXPECT_EQ(plan_disks(lone).error().code, Code::kInvalidArgument);
  lone.spec.volumes.emplace_back().name = "nowhere";
  EXPECT_EQ(plan_disks(lone).error().code, Code::kUnimplemented);
  VirtualMachineInstance small = instance_from(kWorker);
  small.metadata.annotations["nestor.dev/root-disk-size"] = "big";
  EXPECT_EQ(plan_disks(small).error().code, Code::kInvalidArgument);
}

TEST_F(Folder, DirectBootNeedsAKernelAndAlwaysHasAConsole) {
  EXPECT_FALSE(find_direct_boot(path));
  write("boot/vmlinuz", "k");
  EXPECT_EQ(find_direct_boot(path)->command_line, "console=ttyS0");
  write("boot/cmdline", "root=LABEL=root quiet\n");
  write("boot/initrd", "i");
  const auto boot = find_direct_boot(path);
  EXPECT_EQ(boot->command_line, "root=LABEL=root quiet console=ttyS0");
  EXPECT_EQ(boot->initrd, (path / "boot/initrd").string());
  write("boot/cmdline", "console=hvc0\n");
  EXPECT_EQ(find_direct_boot(path)->command_line, "console=hvc0");
}

TEST_F(Folder, AContainerDiskHasOneFileUnlessItIsNamed) {
  EXPECT_EQ(find_image_file(path, "").error().code, Code::kFailedPrecondition);
  write("disk/a.qcow2", "x");
  EXPECT_EQ(find_image_file(path, "").value(), path / "disk/a.qcow2");
  write("disk/b.img", "x");
  EXPECT_FALSE(find_image_file(path, ""));
  EXPECT_EQ(find_image_file(path, "/disk/b.img").value(), path / "disk/b.img");
  EXPECT_FALSE(find_image_file(path, "/disk/c"));
}

TEST_F(Folder, CloudInitDataComesInlineEncodedOrFromTheSecret) {
  CloudInit inline_data;
  inline_data.userData = "#plain";
  EXPECT_EQ(read_cloud_init(inline_data, path, {})->user_data, "#plain");
  CloudInit encoded;
  encoded.userDataBase64 = "I2VuYw==";
  EXPECT_EQ(read_cloud_init(encoded, path, {})->user_data, "#enc");
  CloudInit secret;
  secret.secretRef = api::kubevirt::LocalReference{"s"};
  EXPECT_EQ(read_cloud_init(secret, path / "v", {}).error().code, Code::kNotFound);
  write("v/userData", "#other key");
  EXPECT_EQ(read_cloud_init(secret, path / "v", {})->user_data, "#other key");
  write("v/userdata", "#first key");
  secret.networkDataSecretRef = api::kubevirt::LocalReference{"n"};
  write("v.network/networkdata", "net");
  const auto both = read_cloud_init(secret, path / "v", {});
  EXPECT_EQ(both->user_data, "#first key");
  EXPECT_EQ(both->network_data, "net");
}

}  // namespace
}  // namespace nestor::vm
