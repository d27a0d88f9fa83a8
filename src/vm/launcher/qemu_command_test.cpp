#include "vm/launcher/qemu_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.hpp"

namespace nestor::vm {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

QemuConfig worker_config() {
  QemuConfig config;
  config.name = "w1";
  config.uuid = machine_uuid("default", "w1");
  config.cpu = {1, 2, 1};
  config.memory_bytes = 1536 * kMiB;
  config.console_socket = "/c";
  return config;
}

/// The values that follow `option`, in order.
std::vector<std::string> values(const std::vector<std::string>& args, std::string_view option) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == option) out.push_back(args[i + 1]);
  }
  return out;
}

TEST(QemuCommand, EmulatesWithoutKvmWhateverModelWasAsked) {
  QemuConfig config = worker_config();
  config.cpu_model = "Skylake-Server";
  const auto args = qemu_command(config);
  EXPECT_EQ(values(args, "-cpu"), std::vector<std::string>{"max,-svm"});
  EXPECT_THAT(values(args, "-accel").at(0), HasSubstr("tcg"));
  EXPECT_EQ(values(args, "-smp").at(0), "2,sockets=1,cores=2,threads=1");
  EXPECT_EQ(values(args, "-m").at(0), "size=1536M");
}

TEST(QemuCommand, UsesTheHostsCpuUnderKvmUnlessOneIsNamed) {
  QemuConfig config = worker_config();
  config.accelerator = Accelerator::kKvm;
  for (const char* model : {"", "host-model", "host-passthrough"}) {
    config.cpu_model = model;
    EXPECT_EQ(values(qemu_command(config), "-cpu").at(0), "host") << model;
  }
  config.cpu_model = "EPYC";
  EXPECT_EQ(values(qemu_command(config), "-cpu").at(0), "EPYC");
}

TEST(QemuCommand, KeepsDisksInOrderOnTheirBuses) {
  QemuConfig config = worker_config();
  config.drives = {{.name = "root", .path = "/r,1.qcow2", .format = "qcow2", .ephemeral = true},
                   {.name = "data",
                    .path = "/d",
                    .format = "raw",
                    .bus = "scsi",
                    .serial = "0f3b2a66-6a52-4b0c-8f13-d7a5a0d4a111"},
                   {.name = "seed", .path = "/s", .format = "raw", .read_only = true}};
  const auto args = qemu_command(config);
  const auto blocks = values(args, "-blockdev");
  ASSERT_EQ(blocks.size(), 3u);
  const Json root = parse_json(blocks[0]).value();
  EXPECT_EQ(find_string(root, {"file", "filename"}), "/r,1.qcow2");
  EXPECT_EQ(find(root, {"cache", "no-flush"})->as_bool(), true);
  EXPECT_EQ(find(parse_json(blocks[1]).value(), {"cache", "no-flush"})->as_bool(), false);
  EXPECT_EQ(find(parse_json(blocks[2]).value(), {"read-only"})->as_bool(), true);
  const auto devices = values(args, "-device");
  EXPECT_THAT(devices.at(0), HasSubstr("virtio-scsi-pci"));
  EXPECT_EQ(find_string(parse_json(devices.at(1)).value(), {"driver"}), "virtio-blk-pci");
  const Json data = parse_json(devices.at(2)).value();
  EXPECT_EQ(find_string(data, {"bus"}), "scsi0.0");
  EXPECT_EQ(find_string(data, {"serial"}), "0f3b2a66-6a52-4b0c-8f13-d7a5a0d4a111");
}

TEST(QemuCommand, BootsTheKernelDirectlyOnlyWhenThereIsOne) {
  QemuConfig config = worker_config();
  EXPECT_THAT(qemu_command(config), Not(Contains("-kernel")));
  config.boot = DirectBoot{"/boot/vmlinuz", "", "quiet"};
  const auto args = qemu_command(config);
  EXPECT_EQ(values(args, "-kernel").at(0), "/boot/vmlinuz");
  EXPECT_EQ(values(args, "-append").at(0), "quiet");
  EXPECT_THAT(args, Not(Contains("-initrd")));
}

TEST(QemuCommand, GivesTheGuestThePodsMacAndMtu) {
  QemuConfig config = worker_config();
  config.nics = {{4, "0a:58:0a:f4:00:05", 1450}};
  const auto args = qemu_command(config);
  EXPECT_THAT(values(args, "-netdev").at(0), HasSubstr("tap,id=net0,fd=4"));
  EXPECT_THAT(values(args, "-device"), Contains(HasSubstr("mac=0a:58:0a:f4:00:05,host_mtu=1450")));
}

TEST(MachineUuid, StaysAndDiffersByName) {
  EXPECT_EQ(machine_uuid("a", "b"), machine_uuid("a", "b"));
  EXPECT_NE(machine_uuid("a", "b"), machine_uuid("a", "c"));
  EXPECT_EQ(machine_uuid("a", "b").size(), 36u);
}

}  // namespace
}  // namespace nestor::vm
