#include "infrastructure/virtual_machine_builder.hpp"

#include <gtest/gtest.h>

namespace nestor::infrastructure {
namespace {

Json json(std::string_view text) { return parse_json(text).value(); }

const VirtualMachineInput kInput{.name = "demo-x", .ns = "default", .cluster = "demo"};

const char* const kSpec = R"({"virtualMachineTemplate":{
  "metadata":{"namespace":"default","labels":{"team":"a"},"annotations":{"note":"b"}},
  "spec":{"runStrategy":"Always","unknownField":7,
    "dataVolumeTemplates":[{"metadata":{"name":"data"},"spec":{"storage":{}}}],
    "template":{"spec":{"domain":{"cpu":{"cores":2,"threads":2},"memory":{"guest":"4Gi"},
        "devices":{"disks":[{"name":"root","disk":{"bus":"virtio"}}]}},
      "volumes":[{"name":"root","containerDisk":{"image":"i"}},
                 {"name":"d","dataVolume":{"name":"data"}}]}}}}})";

TEST(BuildVirtualMachine, HasOneNameAndTheLabelsOfItsCluster) {
  const Json vm = build_virtual_machine(json(kSpec), kInput).value();
  EXPECT_EQ(find_string(vm, {"metadata", "name"}), "demo-x");
  EXPECT_EQ(find_string(vm, {"metadata", "namespace"}), "default");
  EXPECT_EQ(find_string(vm, {"metadata", "annotations", "note"}), "b");
  const Json labels = json(R"({"kubevirt.io/vm":"demo-x","name":"demo-x",
      "cluster.x-k8s.io/role":"worker","cluster.x-k8s.io/cluster-name":"demo",
      "capk.cluster.x-k8s.io/kubevirt-machine-name":"demo-x",
      "capk.cluster.x-k8s.io/kubevirt-machine-namespace":"default"})");
  EXPECT_EQ(*find(vm, {"spec", "template", "metadata", "labels"}), labels);
  EXPECT_EQ(find_string(vm, {"metadata", "labels", "team"}), "a");
}

TEST(BuildVirtualMachine, LivesBesideItsKubevirtMachineOnly) {
  VirtualMachineInput elsewhere = kInput;
  elsewhere.ns = "team";
  const auto refused = build_virtual_machine(json(kSpec), elsewhere);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("metadata.namespace is default"), std::string::npos);
}

TEST(BuildVirtualMachine, AddsTheUserDataDiskAndKeepsUnknownFields) {
  const Json vm = build_virtual_machine(json(kSpec), kInput).value();
  EXPECT_EQ(find(vm, {"spec", "unknownField"})->as_int64(), 7);
  const auto& volumes = find(vm, {"spec", "template", "spec", "volumes"})->get_array();
  ASSERT_EQ(volumes.size(), 3U);
  EXPECT_EQ(volumes[2], json(R"({"name":"cloudinitvolume",
      "cloudInitConfigDrive":{"secretRef":{"name":"demo-x-userdata"}}})"));
  const auto& disks =
      find(vm, {"spec", "template", "spec", "domain", "devices", "disks"})->get_array();
  ASSERT_EQ(disks.size(), 2U);
  EXPECT_EQ(disks[1], json(R"({"name":"cloudinitvolume","disk":{"bus":"virtio"}})"));
}

TEST(BuildVirtualMachine, GivesEachMachineDataVolumesOfItsOwn) {
  const Json vm = build_virtual_machine(json(kSpec), kInput).value();
  const auto& templates = find(vm, {"spec", "dataVolumeTemplates"})->get_array();
  EXPECT_EQ(find_string(templates[0], {"metadata", "name"}), "demo-x-data");
  const auto& volumes = find(vm, {"spec", "template", "spec", "volumes"})->get_array();
  EXPECT_EQ(find_string(volumes[1], {"dataVolume", "name"}), "demo-x-data");
}

TEST(BuildVirtualMachine, RefusesATemplateWithoutMachine) {
  const auto vm = build_virtual_machine(json(R"({"virtualMachineTemplate":{}})"), kInput);
  ASSERT_FALSE(vm.has_value());
  EXPECT_EQ(vm.error().code, Code::kInvalidArgument);
}

TEST(CapacityOf, MultipliesTheTopologyOfTheCpu) {
  const std::map<std::string, std::string> want{{"cpu", "4"}, {"memory", "4Gi"}};
  EXPECT_EQ(capacity_of(json(kSpec)), want);
}

TEST(CapacityOf, KnowsTheSizeOfTheRootDisk) {
  const Json spec = json(R"({"virtualMachineTemplate":{"spec":{"template":{
      "metadata":{"annotations":{"nestor.dev/root-disk-size":"20Gi"}},
      "spec":{"domain":{"cpu":{"cores":2},"memory":{"guest":"2Gi"}}}}}}})");
  const std::map<std::string, std::string> want{
      {"cpu", "2"}, {"memory", "2Gi"}, {"ephemeral-storage", "20Gi"}};
  EXPECT_EQ(capacity_of(spec), want);
}

TEST(CapacityOf, FallsBackToRequestsThenLimits) {
  const Json spec = json(R"({"virtualMachineTemplate":{"spec":{"template":{"spec":{"domain":{
      "resources":{"requests":{"memory":"2Gi"},"limits":{"cpu":3,"memory":"9Gi"}}}}}}}})");
  const std::map<std::string, std::string> want{{"cpu", "3"}, {"memory", "2Gi"}};
  EXPECT_EQ(capacity_of(spec), want);
  EXPECT_TRUE(capacity_of(json("{}")).empty());
}

}  // namespace
}  // namespace nestor::infrastructure
