#include <gtest/gtest.h>

#include "api/core/pod.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/testing/fake_client.hpp"
#include "vm/vm.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using std::chrono::seconds;

const kube::ObjectKey kKey{"tenants", "m"};

/// Both controllers against an API server in memory; the test plays kubelet.
class VmControllers : public ::testing::Test {
 protected:
  VmControllers() { boot(); }
  ~VmControllers() override { shut_down(); }

  void boot() {
    runtime_ =
        std::make_unique<kube::Runtime>(io_.get_executor(), client_, clock_, *processes_, "test");
    add_controllers(*runtime_, Options{});
    runtime_->start();
    settle(io_);
  }
  void shut_down() {
    if (runtime_) run_coroutine(io_, runtime_->close());
    runtime_.reset();
  }

  void put_machine(std::string_view strategy = "Always") {
    Json object = parse_json(R"({"metadata": {"name": "m", "namespace": "tenants"},
      "spec": {"template": {"metadata": {"labels": {"role": "worker"}}, "spec": {
        "unknownUpstreamField": 7,
        "domain": {"memory": {"guest": "1Gi"},
                   "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}},
        "volumes": [{"name": "root", "containerDisk": {"image": "x"}}]}}}})")
                      .value();
    object.as_object()["spec"].as_object()["runStrategy"] = strategy;
    client_.put(VirtualMachine::kType, std::move(object));
    settle(io_);
  }
  VirtualMachine machine() { return client_.peek<VirtualMachine>(kKey).value(); }
  std::optional<VirtualMachineInstance> instance() {
    return client_.peek<VirtualMachineInstance>(kKey);
  }
  std::optional<Pod> pod() {
    const auto pods = client_.all<Pod>();
    EXPECT_LE(pods.size(), 1u);
    return pods.empty() ? std::nullopt : std::optional<Pod>(pods[0]);
  }
  void report(std::string phase, std::string_view state = "{}") {
    Pod object = pod().value();
    object.spec.nodeName = "n1";
    object.status.phase = std::move(phase);
    object.status.podIP = "10.244.0.5";
    object.status.containerStatuses.resize(1);
    object.status.containerStatuses[0].name = "compute";
    object.status.containerStatuses[0].state = parse_json(state).value();
    kube::set_condition(object.status.conditions,
                        {.type = "Ready",
                         .status = "True",
                         .observedGeneration = {},
                         .lastTransitionTime = "",
                         .reason = "",
                         .message = ""},
                        "2026-01-02T03:04:05Z");
    client_.put(object);
    settle(io_);
  }
  void report_running() { report("Running", R"({"running": {}})"); }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  kube::testing::FakeClient client_{&clock_};
  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  std::unique_ptr<kube::Runtime> runtime_;
};

TEST_F(VmControllers, AMachineGetsAnInstanceAndThatGetsAPod) {
  put_machine();
  ASSERT_TRUE(instance());
  EXPECT_EQ(instance()->metadata.labels.at("role"), "worker");
  EXPECT_TRUE(
      find(*client_.peek(VirtualMachineInstance::kType, kKey), {"spec", "unknownUpstreamField"}));
  ASSERT_TRUE(pod());
  EXPECT_EQ(instance()->status.phase, "Scheduling");
  report_running();
  EXPECT_EQ(instance()->status.phase, "Running");
  EXPECT_EQ(instance()->status.interfaces.at(0).ipAddress, "10.244.0.5");
  EXPECT_EQ(machine().status.printableStatus, "Running");
  EXPECT_EQ(machine().status.ready, true);
}

TEST_F(VmControllers, AHaltedMachineHasNothing) {
  put_machine("Halted");
  EXPECT_FALSE(instance());
  EXPECT_EQ(machine().status.printableStatus, "Stopped");
}

TEST_F(VmControllers, DeletingAMachineWaitsForItsPod) {
  put_machine();
  report_running();
  // as a kubelet that still shuts the guest down
  Json held = *client_.peek(Pod::kType, pod()->metadata.key());
  held.as_object()["metadata"].as_object()["finalizers"] = JsonArray{"test/held"};
  client_.put(Pod::kType, held);
  client_.erase(VirtualMachine::kType, kKey);
  settle(io_);
  ASSERT_TRUE(pod());
  EXPECT_TRUE(pod()->metadata.deleting());
  ASSERT_TRUE(instance());
  EXPECT_EQ(machine().status.printableStatus, "Terminating");
  client_.erase_now(Pod::kType, pod()->metadata.key());
  settle(io_);
  EXPECT_FALSE(instance());
  EXPECT_FALSE(client_.peek<VirtualMachine>(kKey));
}

TEST_F(VmControllers, AnEndedMachineRunsAgainAtOnceInANewPod) {
  put_machine();
  report_running();
  const std::string first = pod()->metadata.name;
  report("Succeeded", R"({"terminated": {"exitCode": 0}})");
  ASSERT_TRUE(pod());
  EXPECT_NE(pod()->metadata.name, first);
  EXPECT_EQ(instance()->status.phase, "Scheduling");
}

TEST_F(VmControllers, AStartThatFailsIsTriedAgainAfterAWhile) {
  put_machine();
  const std::string first = pod()->metadata.name;
  report("Failed", R"({"terminated": {"exitCode": 1}})");
  EXPECT_FALSE(pod());
  EXPECT_EQ(machine().status.printableStatus, "CrashLoopBackOff");
  clock_.advance(seconds(9));
  settle(io_);
  EXPECT_FALSE(pod());
  clock_.advance(seconds(2));
  settle(io_);
  ASSERT_TRUE(pod());
  EXPECT_NE(pod()->metadata.name, first);
}

TEST_F(VmControllers, APodThatVanishesEndsTheInstance) {
  put_machine("Once");
  report_running();
  client_.erase_now(Pod::kType, pod()->metadata.key());
  settle(io_);
  EXPECT_EQ(instance()->status.phase, "Failed");
  EXPECT_FALSE(pod());
}

TEST_F(VmControllers, ARestartBetweenCreateAndStatusMakesNoSecondPod) {
  client_.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    // the pod is created, and then nothing can be written any more
    if (call.verb == "patch" && call.plural == "virtualmachineinstances") {
      return Error{Code::kUnavailable, "gone", {}};
    }
    return std::nullopt;
  });
  put_machine();
  ASSERT_TRUE(pod());
  const std::string uid = pod()->metadata.uid;
  shut_down();
  client_.on_call(nullptr);
  boot();
  EXPECT_EQ(pod()->metadata.uid, uid);
  EXPECT_EQ(instance()->status.phase, "Scheduling");
}

TEST_F(VmControllers, SaysWhyAMachineCannotRun) {
  Json object = parse_json(R"({"metadata": {"name": "m", "namespace": "tenants"},
    "spec": {"domain": {}}})")
                    .value();
  client_.put(VirtualMachineInstance::kType, std::move(object));
  settle(io_);
  EXPECT_FALSE(pod());
  const auto refused = instance();
  ASSERT_TRUE(refused);
  const auto* reason = kube::find_condition(refused->status.conditions, "Synchronized");
  ASSERT_NE(reason, nullptr);
  EXPECT_EQ(reason->reason, "FailedCreate");
}

TEST_F(VmControllers, LeavesAnInstanceOfAnotherOwnerAlone) {
  VirtualMachineInstance other;
  other.metadata.name = "m";
  other.metadata.namespace_ = "tenants";
  other.spec.domain.memory = api::kubevirt::Memory{"1Gi"};
  client_.put(other);
  settle(io_);
  put_machine("Halted");
  ASSERT_TRUE(instance());
  EXPECT_FALSE(instance()->metadata.deleting());
}

}  // namespace
}  // namespace nestor::vm
