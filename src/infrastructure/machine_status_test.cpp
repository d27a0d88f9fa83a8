#include "infrastructure/machine_status.hpp"

#include <gtest/gtest.h>

namespace nestor::infrastructure {
namespace {

using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

struct MachineStatus : ::testing::Test {
  MachineStatus() {
    view.machine.metadata.name = "demo-x";
    view.now = "2026-01-01T00:00:00Z";
  }
  void run(const char* ready, const std::string& address) {
    vmi.status.phase = "Running";
    vmi.status.conditions = {condition("Ready", ready)};
    vmi.status.interfaces.resize(1);
    vmi.status.interfaces[0].name = "default";
    vmi.status.interfaces[0].ipAddress = address;
    view.vm = &vm;
    view.vmi = &vmi;
  }
  static kube::Condition condition(std::string type, std::string status) {
    kube::Condition out;
    out.type = std::move(type);
    out.status = std::move(status);
    return out;
  }
  std::string reason(const api::infrastructure::KubevirtMachine& machine, const char* type) {
    const auto* condition = kube::find_condition(machine.status.conditions, type);
    return condition == nullptr ? "none" : condition->reason;
  }
  VirtualMachine vm;
  VirtualMachineInstance vmi;
  MachineStatusView view;
};

TEST_F(MachineStatus, ARunningMachineIsProvisionedWithAddressesAndProviderId) {
  run("True", "10.1.2.3");
  const auto machine = observe(view);
  EXPECT_EQ(machine.status.ready, true);
  EXPECT_EQ(machine.status.initialization.provisioned, true);
  EXPECT_EQ(machine.spec.providerID, "kubevirt://demo-x");
  const std::vector<api::core::NodeAddress> want{{"Hostname", "demo-x"},
                                                 {"InternalIP", "10.1.2.3"},
                                                 {"ExternalIP", "10.1.2.3"},
                                                 {"InternalDNS", "demo-x"}};
  EXPECT_EQ(machine.status.addresses, want);
}

TEST_F(MachineStatus, WithoutAddressItIsNotYetProvisioned) {
  run("True", "");
  const auto machine = observe(view);
  EXPECT_NE(machine.status.ready, true);
  EXPECT_NE(machine.status.initialization.provisioned, true);
  EXPECT_EQ(machine.spec.providerID, "");
  EXPECT_EQ(reason(machine, "VMProvisioned"), "WaitingForAddress");
}

TEST_F(MachineStatus, AnAddressThatVanishesForAMomentIsKept) {
  run("True", "10.1.2.3");
  view.machine = observe(view);
  run("True", "");
  const auto machine = observe(view);
  EXPECT_EQ(machine.status.ready, true);
  EXPECT_EQ(machine.status.addresses.size(), 4U);
}

TEST_F(MachineStatus, ReadyFollowsTheInstanceButProvisionedStays) {
  run("True", "10.1.2.3");
  view.machine = observe(view);
  run("False", "10.1.2.3");
  const auto machine = observe(view);
  EXPECT_EQ(machine.status.ready, false);
  EXPECT_EQ(machine.status.initialization.provisioned, true);
}

TEST_F(MachineStatus, SaysThatNoHostHasRoom) {
  run("False", "");
  vmi.status.conditions.push_back(condition("PodScheduled", "False"));
  vmi.status.conditions.back().reason = "Unschedulable";
  const auto machine = observe(view);
  EXPECT_EQ(reason(machine, "VMProvisioned"), "Unschedulable");
}

TEST_F(MachineStatus, AMachineThatEndedForGoodHasFailed) {
  run("False", "");
  vmi.status.phase = "Succeeded";
  vm.spec.runStrategy = "Once";
  EXPECT_EQ(observe(view).status.failureReason, "UpdateError");
  vmi.status.conditions.push_back(condition("Synchronized", "False"));
  vmi.status.conditions.back().message = "no disk in image";
  EXPECT_TRUE(observe(view).status.failureMessage.ends_with(": no disk in image"));
  vm.spec.runStrategy = "Always";
  EXPECT_EQ(observe(view).status.failureReason, "");
}

TEST_F(MachineStatus, ObservingAgainChangesNothing) {
  run("True", "10.1.2.3");
  view.machine = observe(view);
  view.now = "2026-01-01T01:00:00Z";
  EXPECT_EQ(observe(view), view.machine);
}

}  // namespace
}  // namespace nestor::infrastructure
