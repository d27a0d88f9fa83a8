#include "vm/instance_status.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::VirtualMachineInstanceStatus;

constexpr const char* kNow = "2026-01-02T03:04:05Z";

Pod pod(std::string phase, std::string node, std::string_view state = "{}") {
  Pod out;
  out.metadata.uid = "p1";
  out.spec.nodeName = std::move(node);
  out.status.phase = std::move(phase);
  auto& container = out.status.containerStatuses.emplace_back();
  container.name = "compute";
  container.state = parse_json(state).value();
  return out;
}

Pod running_pod() {
  Pod out = pod("Running", "n1", R"({"running": {"startedAt": "2026-01-02T03:04:00Z"}})");
  out.status.podIP = "10.244.0.5";
  out.status.podIPs = {{"10.244.0.5"}, {"fd00::5"}};
  out.status.conditions = {kube::make_condition("Ready", true)};
  return out;
}

/// The status after each of the pods in turn.
VirtualMachineInstanceStatus after(std::vector<const Pod*> pods) {
  VirtualMachineInstance instance;
  for (const Pod* one : pods) instance.status = instance_status(instance, one, kNow);
  return instance.status;
}

std::string ready_reason(const VirtualMachineInstanceStatus& status) {
  return kube::find_condition(status.conditions, "Ready")->reason;
}

TEST(InstanceStatus, GoesThroughThePhasesWithItsPod) {
  EXPECT_EQ(after({nullptr}).phase, "Pending");
  const Pod unscheduled = pod("Pending", "");
  EXPECT_EQ(after({nullptr, &unscheduled}).phase, "Scheduling");
  const Pod scheduled = pod("Pending", "n1");
  EXPECT_EQ(after({&scheduled}).phase, "Scheduled");
  const Pod running = running_pod();
  const auto status = after({nullptr, &unscheduled, &scheduled, &running});
  EXPECT_EQ(status.phase, "Running");
  ASSERT_EQ(status.phaseTransitionTimestamps.size(), 4u);
  EXPECT_EQ(status.phaseTransitionTimestamps.back().phase, "Running");
}

TEST(InstanceStatus, ShowsWhereTheMachineIs) {
  const Pod running = running_pod();
  const auto status = after({&running});
  EXPECT_EQ(status.nodeName, "n1");
  EXPECT_EQ(status.activePods.at("p1"), "n1");
  ASSERT_EQ(status.interfaces.size(), 1u);
  EXPECT_EQ(status.interfaces[0].name, "default");
  EXPECT_EQ(status.interfaces[0].ipAddress, "10.244.0.5");
  EXPECT_EQ(status.interfaces[0].ipAddresses.size(), 2u);
  EXPECT_TRUE(kube::condition_true(status.conditions, "Ready"));
  EXPECT_EQ(kube::find_condition(status.conditions, "LiveMigratable")->status, "False");
}

TEST(InstanceStatus, EndsAsThePodEndsAndStaysSo) {
  const Pod running = running_pod();
  const Pod done = pod("Succeeded", "n1");
  const Pod failed = pod("Failed", "n1");
  EXPECT_EQ(after({&running, &done}).phase, "Succeeded");
  EXPECT_EQ(after({&running, &failed}).phase, "Failed");
  EXPECT_EQ(after({&running, &done, &running}).phase, "Succeeded");
  EXPECT_FALSE(kube::condition_true(after({&running, &failed}).conditions, "Ready"));
}

TEST(InstanceStatus, FailsWhenItsPodVanishes) {
  const Pod running = running_pod();
  EXPECT_EQ(after({&running, nullptr}).phase, "Failed");
  EXPECT_EQ(ready_reason(after({&running, nullptr})), "PodNotExists");
}

TEST(InstanceStatus, IsNotReadyWhileThePodGoes) {
  const Pod running = running_pod();
  Pod going = running_pod();
  going.metadata.deletionTimestamp = kNow;
  const auto status = after({&running, &going});
  EXPECT_EQ(status.phase, "Running");
  EXPECT_EQ(ready_reason(status), "PodTerminating");
}

TEST(InstanceStatus, SaysWhyThePodDoesNotStartAndForgetsItLater) {
  Pod stuck = pod("Pending", "");
  stuck.status.conditions = {
      kube::make_condition("PodScheduled", false, "Unschedulable", "no node fits")};
  auto status = after({&stuck});
  EXPECT_EQ(kube::find_condition(status.conditions, "PodScheduled")->message, "no node fits");
  const Pod pulling = pod("Pending", "n1", R"({"waiting": {"reason": "ErrImagePull"}})");
  status = after({&stuck, &pulling});
  EXPECT_EQ(kube::find_condition(status.conditions, "PodScheduled"), nullptr);
  EXPECT_EQ(kube::find_condition(status.conditions, "Synchronized")->reason, "ErrImagePull");
  const Pod running = running_pod();
  status = after({&stuck, &pulling, &running});
  EXPECT_EQ(kube::find_condition(status.conditions, "Synchronized"), nullptr);
}

TEST(InstanceStatus, DoesNotChangeWithoutReason) {
  const Pod running = running_pod();
  VirtualMachineInstance instance;
  instance.status = after({&running});
  EXPECT_EQ(instance_status(instance, &running, "2030-01-01T00:00:00Z"), instance.status);
}

TEST(RefusedStatus, KeepsThePhaseAndSaysWhy) {
  const auto status = refused_status({}, "no memory", kNow);
  EXPECT_EQ(status.phase, "Pending");
  EXPECT_EQ(kube::find_condition(status.conditions, "Synchronized")->message, "no memory");
}

}  // namespace
}  // namespace nestor::vm
