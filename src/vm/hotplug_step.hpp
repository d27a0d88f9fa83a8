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
  /// `launcher` is null when the pod is gone. Returns the statuses of the hot-plugged volumes.
  Task<std::vector<api::kubevirt::VolumeStatus>> run(InstancePtr instance, PodPtr launcher);
  /// Whether an attachment pod of it is left.
  bool any_pod(const api::kubevirt::VirtualMachineInstance& instance) const;
  /// Reconciles instances when their attachment pods or claims change.
  void watch(kube::Controller& controller);

 private:
  std::vector<PodPtr> pods_of(const api::kubevirt::VirtualMachineInstance& instance) const;
  /// One volume's status; none when it is out of the machine.
  Task<std::optional<api::kubevirt::VolumeStatus>> run_one(InstancePtr instance, PodPtr launcher,
                                                           HotplugVolume volume, bool ending);
  Task<> act(InstancePtr instance, PodPtr launcher, HotplugVolume volume, HotplugView view,
             HotplugStep step);
  Task<> annotate(const api::core::Pod& pod, std::string_view annotation, std::string value);

  kube::Runtime& runtime_;
  const Options& options_;
  kube::Informer<api::core::Pod> pods_;
  kube::Informer<api::core::PersistentVolumeClaim> claims_;
};

}  // namespace nestor::vm
