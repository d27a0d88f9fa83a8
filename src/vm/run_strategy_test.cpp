#include "vm/run_strategy.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

const WallTime kStopped = parse_rfc3339("2026-01-02T03:04:05Z").value();

VirtualMachine machine(std::string strategy) {
  VirtualMachine out;
  out.metadata.name = "m";
  out.spec.runStrategy = std::move(strategy);
  return out;
}

VirtualMachineInstance instance(std::string phase, bool ran = true) {
  VirtualMachineInstance out;
  out.metadata.uid = "i1";
  out.status.phase = std::move(phase);
  if (ran) out.status.phaseTransitionTimestamps.push_back({"Running", "2026-01-02T03:04:00Z"});
  return out;
}

RunAction action(const std::string& strategy, const VirtualMachineInstance* present) {
  return wanted_action(machine(strategy), present);
}

TEST(WantedAction, StartsWhatShouldRun) {
  for (const char* strategy : {"Always", "RerunOnFailure", "Once"}) {
    EXPECT_EQ(action(strategy, nullptr), RunAction::kStart) << strategy;
  }
  for (const char* strategy : {"Halted", "Manual", ""}) {
    EXPECT_EQ(action(strategy, nullptr), RunAction::kNothing) << strategy;
  }
  VirtualMachine old_style;
  old_style.spec.running = true;
  EXPECT_EQ(wanted_action(old_style, nullptr), RunAction::kStart);
}

TEST(WantedAction, ReplacesEndedInstancesAsTheStrategySays) {
  const auto failed = instance("Failed");
  const auto succeeded = instance("Succeeded");
  EXPECT_EQ(action("Always", &failed), RunAction::kStop);
  EXPECT_EQ(action("Always", &succeeded), RunAction::kStop);
  EXPECT_EQ(action("RerunOnFailure", &failed), RunAction::kStop);
  EXPECT_EQ(action("RerunOnFailure", &succeeded), RunAction::kNothing);
  EXPECT_EQ(action("Once", &failed), RunAction::kNothing);
}

TEST(WantedAction, LeavesARunningInstanceUnlessHaltedOrDeleted) {
  auto running = instance("Running");
  EXPECT_EQ(action("Always", &running), RunAction::kNothing);
  EXPECT_EQ(action("Halted", &running), RunAction::kStop);
  VirtualMachine going = machine("Always");
  going.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  EXPECT_EQ(wanted_action(going, &running), RunAction::kStop);
  EXPECT_EQ(wanted_action(going, nullptr), RunAction::kNothing);
  running.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  EXPECT_EQ(action("Halted", &running), RunAction::kNothing);
}

TEST(StartFailure, WaitsLongerAfterEachStartThatNeverRan) {
  VirtualMachine vm = machine("Always");
  const std::vector<int> expected{10, 40, 90, 160, 250, 300, 300};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto failed = instance("Failed", false);
    failed.metadata.uid = "i" + std::to_string(i);
    vm.status.startFailure = start_failure(vm, &failed, kStopped);
    EXPECT_EQ(start_delay(vm, kStopped), std::chrono::seconds(expected[i])) << i;
    // seen again, it does not count again
    EXPECT_EQ(start_failure(vm, &failed, kStopped + std::chrono::seconds(5)),
              vm.status.startFailure);
  }
  EXPECT_EQ(start_delay(vm, kStopped + std::chrono::seconds(300)), Duration::zero());
}

TEST(StartFailure, IsForgottenOnceTheMachineRan) {
  VirtualMachine vm = machine("Always");
  auto failed = instance("Failed", false);
  vm.status.startFailure = start_failure(vm, &failed, kStopped);
  EXPECT_EQ(start_failure(vm, nullptr, kStopped), vm.status.startFailure);
  const auto running = instance("Running");
  EXPECT_FALSE(start_failure(vm, &running, kStopped));
}

std::string printable(const VirtualMachine& vm, const VirtualMachineInstance* present) {
  return machine_status(vm, present, kStopped).printableStatus;
}

TEST(MachineStatus, TellsPeopleWhatGoesOn) {
  EXPECT_EQ(printable(machine("Halted"), nullptr), "Stopped");
  EXPECT_EQ(printable(machine("Always"), nullptr), "Starting");
  auto present = instance("Scheduled", false);
  EXPECT_EQ(printable(machine("Always"), &present), "Starting");
  present.status.conditions = {kube::make_condition("Synchronized", false, "ImagePullBackOff")};
  EXPECT_EQ(printable(machine("Always"), &present), "ImagePullBackOff");
  present.status.conditions = {kube::make_condition("PodScheduled", false, "Unschedulable")};
  EXPECT_EQ(printable(machine("Always"), &present), "ErrorUnschedulable");
  present = instance("Running");
  EXPECT_EQ(printable(machine("Always"), &present), "Running");
  present.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  EXPECT_EQ(printable(machine("Always"), &present), "Stopping");
  const auto failed = instance("Failed", false);
  EXPECT_EQ(printable(machine("Always"), &failed), "CrashLoopBackOff");
  EXPECT_EQ(printable(machine("Once"), &failed), "Stopped");
}

TEST(MachineStatus, MirrorsTheInstancesConditions) {
  VirtualMachine vm = machine("Always");
  auto present = instance("Running");
  present.status.conditions = {kube::make_condition("Ready", true),
                               kube::make_condition("LiveMigratable", false, "Why")};
  vm.status = machine_status(vm, &present, kStopped);
  EXPECT_EQ(vm.status.ready, true);
  EXPECT_EQ(vm.status.created, true);
  EXPECT_TRUE(kube::condition_true(vm.status.conditions, "Ready"));
  EXPECT_NE(kube::find_condition(vm.status.conditions, "LiveMigratable"), nullptr);
  vm.status = machine_status(vm, nullptr, kStopped);
  EXPECT_EQ(vm.status.created, false);
  EXPECT_EQ(kube::find_condition(vm.status.conditions, "Ready")->reason, "VMINotExists");
  EXPECT_EQ(kube::find_condition(vm.status.conditions, "LiveMigratable"), nullptr);
}

TEST(InstanceOf, CopiesTheWholeTemplateAndAddsADefaultNetwork) {
  VirtualMachine vm = machine("Always");
  vm.metadata.namespace_ = "ns";
  vm.metadata.uid = "u";
  const Json raw = parse_json(R"({"spec": {"template": {
      "metadata": {"labels": {"a": "b"}},
      "spec": {"domain": {"unknownField": {"x": 1}}}}}})")
                       .value();
  const Json made = instance_of(vm, raw);
  EXPECT_EQ(find_string(made, {"metadata", "name"}), "m");
  EXPECT_EQ(find_string(made, {"metadata", "labels", "a"}), "b");
  EXPECT_NE(find(made, {"spec", "domain", "unknownField", "x"}), nullptr);
  EXPECT_EQ(find_string(find(made, {"metadata", "ownerReferences"})->as_array().at(0), {"uid"}),
            "u");
  const Json& nic = find(made, {"spec", "domain", "devices", "interfaces"})->as_array().at(0);
  EXPECT_EQ(find_string(nic, {"name"}), "default");
  EXPECT_NE(find(nic, {"bridge"}), nullptr);
  EXPECT_EQ(find_string(find(made, {"spec", "networks"})->as_array().at(0), {"name"}), "default");
}

TEST(InstanceOf, LeavesGivenNetworksAlone) {
  const Json raw = parse_json(R"({"spec": {"template": {"spec": {"networks": []}}}})").value();
  const Json made = instance_of(machine("Always"), raw);
  EXPECT_TRUE(find(made, {"spec", "networks"})->as_array().empty());
}

}  // namespace
}  // namespace nestor::vm
