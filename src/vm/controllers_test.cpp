#include <gtest/gtest.h>

#include <map>

#include "api/core/persistent_volume_claim.hpp"
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
    std::optional<Pod> out;
    for (const Pod& one : client_.all<Pod>()) {
      if (one.metadata.label("kubevirt.io") != "virt-launcher") continue;
      EXPECT_FALSE(out);
      out = one;
    }
    return out;
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

/// The same, with a claim that comes and goes, and a kubelet for its attachment pods.
class HotplugControllers : public VmControllers {
 protected:
  void put_claim(const std::string& name = "c") {
    api::core::PersistentVolumeClaim claim;
    claim.metadata.name = name;
    claim.metadata.namespace_ = "tenants";
    claim.spec.resources = parse_json(R"({"requests": {"storage": "1Gi"}})").value();
    claim.status.phase = "Bound";
    client_.put(claim);
    settle(io_);
  }
  void set_volume(bool there) {
    using Volumes = std::map<std::string, std::string>;
    set_volumes(there ? Volumes{{"v", "c"}} : Volumes{});
  }
  /// Names and claims.
  void set_volumes(const std::map<std::string, std::string>& wanted) {
    Json object = client_.peek(VirtualMachine::kType, kKey).value();
    Json& spec = object.as_object()["spec"].as_object()["template"].as_object()["spec"];
    JsonArray volumes{parse_json(R"({"name": "root", "containerDisk": {"image": "x"}})").value()};
    JsonArray disks{parse_json(R"({"name": "root", "disk": {"bus": "virtio"}})").value()};
    for (const auto& [name, claim] : wanted) {
      JsonObject source{{"claimName", claim}, {"hotpluggable", true}};
      volumes.push_back(JsonObject{{"name", name}, {"persistentVolumeClaim", std::move(source)}});
      disks.push_back(
          JsonObject{{"name", name}, {"serial", "s"}, {"disk", JsonObject{{"bus", "scsi"}}}});
    }
    spec.as_object()["volumes"] = std::move(volumes);
    spec.as_object()["domain"].as_object()["devices"].as_object()["disks"] = std::move(disks);
    client_.put(VirtualMachine::kType, std::move(object));
    settle(io_);
  }
  std::optional<Pod> attachment() {
    for (const Pod& one : client_.all<Pod>()) {
      if (one.metadata.label("kubevirt.io") == "hotplug-disk") return one;
    }
    return std::nullopt;
  }
  void report_attachment(std::string phase, std::string_view state, bool ready) {
    Pod object = attachment().value();
    object.spec.nodeName = "n1";
    object.status.phase = std::move(phase);
    object.status.containerStatuses.resize(1);
    object.status.containerStatuses[0].name = "attach";
    object.status.containerStatuses[0].state = parse_json(state).value();
    object.status.conditions.clear();
    kube::Condition condition;
    condition.type = "Ready";
    condition.status = ready ? "True" : "False";
    object.status.conditions.push_back(condition);
    client_.put(object);
    settle(io_);
  }
  std::string volume_phase() {
    const auto all = instance().value().status.volumeStatus;
    return all.empty() ? "" : all.at(0).phase;
  }
};

TEST_F(HotplugControllers, AVolumeComesAndGoesWhileTheMachineRuns) {
  put_machine();
  report_running();
  put_claim();
  set_volume(true);
  ASSERT_TRUE(attachment());
  report_attachment("Running", R"({"running": {}})", false);
  EXPECT_EQ(volume_phase(), "MountedToPod");
  report_attachment("Running", R"({"running": {}})", true);
  EXPECT_EQ(volume_phase(), "Ready");

  set_volume(false);
  ASSERT_TRUE(attachment());
  EXPECT_EQ(attachment()->metadata.annotation("nestor.dev/detach"), "true");
  EXPECT_EQ(volume_phase(), "Detaching");
  report_attachment("Succeeded", R"({"terminated": {"exitCode": 0}})", false);
  EXPECT_FALSE(attachment());
  EXPECT_EQ(volume_phase(), "");
}

TEST_F(HotplugControllers, AVolumeWhosePodVanishedIsTakenOutByAnotherPod) {
  put_machine();
  report_running();
  put_claim();
  set_volume(true);
  report_attachment("Running", R"({"running": {}})", true);
  client_.fail_next("create", {Code::kUnavailable, "gone", {}}, 1, "pods");
  client_.erase_now(Pod::kType, attachment()->metadata.key());
  set_volume(false);
  clock_.advance(seconds(1));
  settle(io_);
  ASSERT_TRUE(attachment());
  EXPECT_EQ(to_text(to_json(*attachment())).find("persistentVolumeClaim"), std::string::npos);
  EXPECT_EQ(volume_phase(), "Detaching");
  report_attachment("Succeeded", R"({"terminated": {"exitCode": 0}})", false);
  EXPECT_EQ(volume_phase(), "");
}

TEST_F(HotplugControllers, AFullQuotaIsSaidAndHoldsUpNoOtherVolume) {
  put_machine();
  report_running();
  put_claim();
  put_claim("d");
  set_volume(true);
  report_attachment("Running", R"({"running": {}})", true);
  const std::string first = attachment()->metadata.name;
  client_.on_call([](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb != "create" || call.plural != "pods") return std::nullopt;
    return Error{Code::kPermissionDenied, "exceeded quota: pods", {}};
  });
  // One comes, which cannot, and one goes.
  set_volumes({{"w", "d"}});
  const auto statuses = instance()->status.volumeStatus;
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_EQ(statuses[0].name, "v");
  EXPECT_EQ(statuses[0].phase, "Detaching");
  EXPECT_EQ(attachment()->metadata.name, first);
  EXPECT_EQ(attachment()->metadata.annotation("nestor.dev/detach"), "true");
  EXPECT_EQ(statuses[1].name, "w");
  EXPECT_EQ(statuses[1].reason, "FailedCreate");
  EXPECT_NE(statuses[1].message.find("exceeded quota"), std::string::npos);
  report_attachment("Succeeded", R"({"terminated": {"exitCode": 0}})", false);
  EXPECT_FALSE(attachment());
  client_.on_call(nullptr);
  clock_.advance(std::chrono::minutes(1));
  settle(io_);
  ASSERT_TRUE(attachment());
  EXPECT_EQ(attachment()->metadata.annotation("nestor.dev/volume-name"), "w");
  EXPECT_NE(instance()->status.volumeStatus.at(0).reason, "FailedCreate");
}

TEST_F(HotplugControllers, ADiskOfAnotherMachineIsNotGivenToThisOne) {
  put_machine();
  report_running();
  put_claim();
  auto claim = client_.peek<api::core::PersistentVolumeClaim>({"tenants", "c"}).value();
  claim.metadata.annotations["nestor.dev/attached-to"] = "other";
  client_.put(claim);
  set_volume(true);
  EXPECT_FALSE(attachment());
  claim = client_.peek<api::core::PersistentVolumeClaim>({"tenants", "c"}).value();
  claim.metadata.annotations["nestor.dev/attached-to"] = "m";
  client_.put(claim);
  settle(io_);
  EXPECT_TRUE(attachment());
}

TEST_F(HotplugControllers, AMachineIsGoneOnlyWithoutAttachmentPods) {
  put_machine();
  report_running();
  put_claim();
  set_volume(true);
  report_attachment("Running", R"({"running": {}})", true);
  Json held = *client_.peek(Pod::kType, attachment()->metadata.key());
  held.as_object()["metadata"].as_object()["finalizers"] = JsonArray{"test/held"};
  client_.put(Pod::kType, held);
  client_.erase(VirtualMachine::kType, kKey);
  settle(io_);
  EXPECT_FALSE(pod());
  ASSERT_TRUE(attachment());
  EXPECT_TRUE(attachment()->metadata.deleting());
  EXPECT_TRUE(instance());
  client_.erase_now(Pod::kType, attachment()->metadata.key());
  settle(io_);
  EXPECT_FALSE(instance());
}

TEST_F(HotplugControllers, ANewRunOfTheMachineGetsItsVolumesAgain) {
  put_machine();
  put_claim();
  set_volume(true);
  EXPECT_FALSE(attachment());
  report_running();
  ASSERT_TRUE(attachment());
  const std::string first = attachment()->metadata.name;
  report("Succeeded", R"({"terminated": {"exitCode": 0}})");
  EXPECT_FALSE(attachment());
  report_running();
  ASSERT_TRUE(attachment());
  EXPECT_NE(attachment()->metadata.name, first);
}

}  // namespace
}  // namespace nestor::vm
