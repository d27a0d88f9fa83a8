#pragma once

#include <string>
#include <vector>

#include "kube/runtime.hpp"
#include "vm/hotplug.hpp"

namespace nestor::vm {

/// Brings the attachment pods of one machine instance to what its spec asks for, a step at a time:
/// what it does shows in the watched pods, which brings the controller back.
class HotplugSteps {
 public:
  HotplugSteps(kube::Runtime& runtime, const Options& options);

  using InstancePtr = std::shared_ptr<const api::kubevirt::VirtualMachineInstance>;
  using PodPtr = std::shared_ptr<const api::core::Pod>;
  struct Outcome {
    /// Of the hot-plugged volumes; an error of one is in its status.
    std::vector<api::kubevirt::VolumeStatus> statuses;
    /// The first error, with which to come back.
    Result<> result;
  };
  /// `launcher` is null when the pod is gone. One volume's error holds up no other volume.
  /// Errors: kCancelled.
  Task<Outcome> run(InstancePtr instance, PodPtr launcher);
  /// Whether an attachment pod of it is left.
  bool any_pod(const api::kubevirt::VirtualMachineInstance& instance) const;
  /// Reconciles instances when their attachment pods or claims change.
  void watch(kube::Controller& controller);

 private:
  std::vector<PodPtr> pods_of(const api::kubevirt::VirtualMachineInstance& instance) const;
  /// One volume's step, and its status; none when it is out of the machine.
  Task<> run_one(InstancePtr instance, PodPtr launcher, HotplugVolume volume, bool ending,
                 std::optional<api::kubevirt::VolumeStatus>& status);
  Task<> act(InstancePtr instance, PodPtr launcher, HotplugVolume volume, HotplugView view,
             HotplugStep step);
  Task<> annotate(const api::core::Pod& pod, std::string_view annotation, std::string value);

  kube::Runtime& runtime_;
  const Options& options_;
  kube::Informer<api::core::Pod> pods_;
  kube::Informer<api::core::PersistentVolumeClaim> claims_;
};

}  // namespace nestor::vm
