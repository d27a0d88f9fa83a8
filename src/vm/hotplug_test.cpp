#include "vm/hotplug.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

using api::core::PersistentVolumeClaim;
using api::core::Pod;
using api::kubevirt::VirtualMachineInstance;

Json object(std::string_view text) { return parse_json(text).value(); }

Pod pod_in(std::string phase, std::string_view state = "{}") {
  Pod pod;
  pod.metadata.name = "hp-volume-x";
  pod.metadata.uid = "p1";
  pod.spec.nodeName = "n1";
  pod.spec.volumes = {object(R"({"name": "volume", "persistentVolumeClaim": {"claimName": "c"}})")};
  pod.status.phase = std::move(phase);
  pod.status.containerStatuses.resize(1);
  pod.status.containerStatuses[0].state = object(state);
  return pod;
}

PersistentVolumeClaim claim_of(const std::string& request, const std::string& phase = "Bound") {
  PersistentVolumeClaim claim;
  claim.metadata.name = "c";
  claim.spec.resources = object(R"({"requests": {"storage": ")" + request + "\"}}");
  claim.status.phase = phase;
  return claim;
}

HotplugView view(bool wanted, const Pod* pod, const PersistentVolumeClaim* claim) {
  return {.wanted = wanted, .known = true, .claim = claim, .pod = pod, .running = true};
}

TEST(HotplugStep, MakesAPodOnceTheClaimIsThere) {
  const auto claim = claim_of("1Gi", "Pending");
  EXPECT_EQ(hotplug_step(view(true, nullptr, nullptr)), HotplugStep::kNothing);
  // Even unbound: the pod may be the consumer that the claim waits for.
  EXPECT_EQ(hotplug_step(view(true, nullptr, &claim)), HotplugStep::kCreate);
}

TEST(HotplugStep, ReplacesAPodThatWasEvictedAndKeepsOneThatRuns) {
  const auto claim = claim_of("1Gi");
  Pod running = pod_in("Running", R"({"running": {}})");
  running.metadata.annotations[std::string(kVolumeSizeAnnotation)] = "1073741824";
  EXPECT_EQ(hotplug_step(view(true, &running, &claim)), HotplugStep::kNothing);
  const Pod evicted = pod_in("Failed");
  EXPECT_EQ(hotplug_step(view(true, &evicted, &claim)), HotplugStep::kDelete);
}

TEST(HotplugStep, TellsAPodOfAGrownClaim) {
  const auto claim = claim_of("2Gi");
  Pod running = pod_in("Running", R"({"running": {}})");
  running.metadata.annotations[std::string(kVolumeSizeAnnotation)] = "1073741824";
  EXPECT_EQ(hotplug_step(view(true, &running, &claim)), HotplugStep::kResize);
}

TEST(HotplugStep, AsksThePodAndForgetsTheVolumeOnlyWhenItEndedWell) {
  const auto claim = claim_of("1Gi");
  Pod pod = pod_in("Running", R"({"running": {}})");
  EXPECT_EQ(hotplug_step(view(false, &pod, &claim)), HotplugStep::kAskDetach);
  pod.metadata.annotations[std::string(kDetachAnnotation)] = "true";
  EXPECT_EQ(hotplug_step(view(false, &pod, &claim)), HotplugStep::kNothing);
  pod.status.phase = "Failed";
  pod.status.containerStatuses[0].state = object(R"({"terminated": {"exitCode": 137}})");
  EXPECT_EQ(hotplug_step(view(false, &pod, &claim)), HotplugStep::kDelete);
  EXPECT_EQ(hotplug_step(view(false, nullptr, &claim)), HotplugStep::kCreateDetacher);
  const Pod ended = pod_in("Succeeded");
  EXPECT_EQ(hotplug_step(view(false, &ended, &claim)), HotplugStep::kForget);
}

TEST(HotplugStep, AnUnscheduledPodIsAskedBeforeItIsForgotten) {
  Pod pod = pod_in("Pending");
  pod.spec.nodeName.clear();
  EXPECT_EQ(hotplug_step(view(false, &pod, nullptr)), HotplugStep::kAskDetach);
  pod.metadata.annotations[std::string(kDetachAnnotation)] = "true";
  EXPECT_EQ(hotplug_step(view(false, &pod, nullptr)), HotplugStep::kForget);
  // Not if an earlier pod may have handed the disk over.
  pod.metadata.annotations[std::string(kAgainAnnotation)] = "true";
  EXPECT_EQ(hotplug_step(view(false, &pod, nullptr)), HotplugStep::kDelete);
}

TEST(HotplugStep, ADetacherThatIsStartingIsLeftAlone) {
  Pod pod = pod_in("Pending");
  pod.metadata.annotations[std::string(kDetachAnnotation)] = "true";
  EXPECT_EQ(hotplug_step(view(false, &pod, nullptr)), HotplugStep::kDelete);
  pod.spec.volumes.clear();
  EXPECT_EQ(hotplug_step(view(false, &pod, nullptr)), HotplugStep::kNothing);
}

TEST(HotplugStep, AnEndedMachineHasNoDisks) {
  const Pod pod = pod_in("Running", R"({"running": {}})");
  HotplugView ended = view(false, &pod, nullptr);
  ended.running = false;
  EXPECT_EQ(hotplug_step(ended), HotplugStep::kDelete);
  ended.pod = nullptr;
  EXPECT_EQ(hotplug_step(ended), HotplugStep::kForget);
}

TEST(HotplugStatus, GoesThroughUpstreamsPhases) {
  const HotplugVolume volume{"v", "c", "", false};
  const auto phase = [&](const HotplugView& at) { return volume_status(volume, at).phase; };
  EXPECT_EQ(phase(view(true, nullptr, nullptr)), "Pending");
  EXPECT_EQ(volume_status(volume, view(true, nullptr, nullptr)).reason, "FailedPvcNotFound");
  const auto unbound = claim_of("1Gi", "Pending");
  EXPECT_EQ(phase(view(true, nullptr, &unbound)), "Pending");
  const auto bound = claim_of("1Gi");
  EXPECT_EQ(phase(view(true, nullptr, &bound)), "Bound");
  Pod pod = pod_in("Pending", R"({"waiting": {"reason": "ContainerCreating"}})");
  EXPECT_EQ(phase(view(true, &pod, &bound)), "AttachedToNode");
  pod = pod_in("Running", R"({"running": {}})");
  EXPECT_EQ(phase(view(true, &pod, &bound)), "MountedToPod");
  pod.status.conditions = {{.type = "Ready",
                            .status = "True",
                            .observedGeneration = {},
                            .lastTransitionTime = "",
                            .reason = "",
                            .message = ""}};
  const auto ready = volume_status(volume, view(true, &pod, &bound));
  EXPECT_EQ(ready.phase, "Ready");
  EXPECT_EQ(ready.hotplugVolume->attachPodName, "hp-volume-x");
  EXPECT_EQ(ready.persistentVolumeClaimInfo->claimName, "c");
  EXPECT_EQ(phase(view(false, &pod, &bound)), "Detaching");
}

TEST(HotplugStatus, SaysWhatTheProgramSaid) {
  const auto claim = claim_of("1Gi");
  Pod pod = pod_in("Running", R"({"waiting": {"reason": "CrashLoopBackOff"}})");
  pod.status.containerStatuses[0].lastState =
      object(R"({"terminated": {"message": "no space left on device"}})");
  const auto status = volume_status({"v", "c", "", false}, view(true, &pod, &claim));
  EXPECT_EQ(status.reason, "CrashLoopBackOff");
  EXPECT_EQ(status.message, "no space left on device");
}

TEST(ClaimSize, IsTheAnnotationThenTheCapacityThenTheRequest) {
  auto claim = claim_of("1Gi");
  EXPECT_EQ(claim_size(claim).value(), 1LL << 30);
  claim.status.capacity["storage"] = "2Gi";
  EXPECT_EQ(claim_size(claim).value(), 2LL << 30);
  claim.metadata.annotations[std::string(kVolumeSizeAnnotation)] = "12345";
  EXPECT_EQ(claim_size(claim).value(), 12345);
}

constexpr const char* kMachine = R"({"spec": {"template": {"spec": {
  "volumes": [{"name": "root", "containerDisk": {"image": "x"}},
              {"name": "v", "persistentVolumeClaim": {"claimName": "c", "hotpluggable": true}}],
  "domain": {"devices": {"disks": [{"name": "root"},
              {"name": "v", "serial": "s", "upstreamField": 7, "disk": {"bus": "scsi"}}]}}}}}})";

TEST(HotplugPatch, CarriesVolumeAndDiskWithEveryField) {
  const Json instance = object(R"({"metadata": {"resourceVersion": "9"}, "spec": {
    "volumes": [{"name": "root", "containerDisk": {"image": "x"}}],
    "domain": {"devices": {"disks": [{"name": "root"}]}}}})");
  const auto patch = hotplug_patch(object(kMachine), instance);
  ASSERT_TRUE(patch);
  EXPECT_EQ(find_string(*patch, {"metadata", "resourceVersion"}), "9");
  EXPECT_EQ(find(*patch, {"spec", "volumes"})->get_array().size(), 2u);
  const Json& disk = find(*patch, {"spec", "domain", "devices", "disks"})->get_array().at(1);
  EXPECT_EQ(find(disk, {"upstreamField"})->get_int64(), 7);
}

TEST(HotplugPatch, TakesOutWhatTheMachineNoLongerHasAndNothingElse) {
  Json instance = *find(object(kMachine), {"spec", "template"});
  instance.as_object()["metadata"] = JsonObject{{"resourceVersion", "9"}};
  EXPECT_FALSE(hotplug_patch(object(kMachine), instance));
  const auto patch = hotplug_patch(object(R"({"spec": {"template": {"spec": {}}}})"), instance);
  ASSERT_TRUE(patch);
  const auto& volumes = find(*patch, {"spec", "volumes"})->get_array();
  ASSERT_EQ(volumes.size(), 1u);
  EXPECT_EQ(find_string(volumes[0], {"name"}), "root");
}

TEST(AttachmentPod, IsOnTheLaunchersNodeWithoutAnyRight) {
  VirtualMachineInstance instance;
  instance.metadata.name = "m";
  instance.metadata.namespace_ = "t";
  instance.metadata.uid = "u1";
  Pod launcher;
  launcher.metadata.uid = "l1";
  launcher.spec.nodeName = "n1";
  const auto claim = claim_of("1Gi");
  const HotplugVolume volume{"v", "c", "serial", false};
  AttachmentPodInput input{instance, launcher, volume, &claim};
  Options options;
  options.kubelet_folder = "/data/kubelet";
  const auto pod = attachment_pod(input, options);
  ASSERT_TRUE(pod);
  const std::string text = to_text(*pod);
  EXPECT_NE(text.find("/data/kubelet/pods/l1/volumes/kubernetes.io~empty-dir/hotplug"),
            std::string::npos);
  EXPECT_NE(text.find(R"("claimName":"c")"), std::string::npos);
  EXPECT_NE(text.find(R"("drop":["ALL"])"), std::string::npos);
  EXPECT_EQ(text.find("privileged\":true"), std::string::npos);
  EXPECT_NE(text.find(R"("nestor.dev/volume-size":"1073741824")"), std::string::npos);
  input.claim = nullptr;
  const auto detacher = attachment_pod(input, Options{});
  ASSERT_TRUE(detacher);
  EXPECT_EQ(to_text(*detacher).find("persistentVolumeClaim"), std::string::npos);
  EXPECT_NE(to_text(*detacher).find(R"("nestor.dev/detach":"true")"), std::string::npos);
}

}  // namespace
}  // namespace nestor::vm
