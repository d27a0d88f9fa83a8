#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/json.hpp"
#include "api/kubevirt/virtual_machine_instance.hpp"

namespace nestor::api::kubevirt {

/// Labels and annotations of the instance.
struct InstanceTemplateMetadata {
  /// Labels of the instance and its pod.
  std::map<std::string, std::string> labels;
  /// Annotations of the instance and its pod.
  std::map<std::string, std::string> annotations;
  friend bool operator==(const InstanceTemplateMetadata&,
                         const InstanceTemplateMetadata&) = default;
};
BOOST_DESCRIBE_STRUCT(InstanceTemplateMetadata, (), (labels, annotations))

/// The instance to make at each start.
struct VirtualMachineInstanceTemplate {
  /// Labels and annotations of the instance.
  InstanceTemplateMetadata metadata;
  /// The instance's spec. Changes count from the next start; hot-plugged volumes come and go at
  /// once.
  VirtualMachineInstanceSpec spec;
  friend bool operator==(const VirtualMachineInstanceTemplate&,
                         const VirtualMachineInstanceTemplate&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstanceTemplate, (), (metadata, spec))

/// When the machine runs, and what it is.
struct VirtualMachineSpec {
  /// When it runs: Always (started again whenever it ends), RerunOnFailure (started again when it
  /// fails), Once, Halted or Manual (Nestor does not start it). Not with `running`.
  std::string runStrategy;
  /// The older way to say Always (true) or Halted (false).
  std::optional<bool> running;
  /// The instance to make at each start.
  VirtualMachineInstanceTemplate template_;
  /// DataVolumes to make for the machine. Without effect.
  std::vector<Json> dataVolumeTemplates;
  /// A named size. Without effect.
  Json instancetype;
  /// A named set of preferences. Without effect.
  Json preference;
  friend bool operator==(const VirtualMachineSpec&, const VirtualMachineSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineSpec, (),
                      (runStrategy, running, template_, dataVolumeTemplates, instancetype,
                       preference))

/// Failed starts in a row, for the time until the next one.
struct StartFailure {
  /// How many starts failed in a row.
  std::optional<std::int64_t> consecutiveFailCount;
  /// UID of the instance that failed last.
  std::string lastFailedVMIUID;
  /// When it is started again.
  std::string retryAfterTimestamp;
  friend bool operator==(const StartFailure&, const StartFailure&) = default;
};
BOOST_DESCRIBE_STRUCT(StartFailure, (),
                      (consecutiveFailCount, lastFailedVMIUID, retryAfterTimestamp))

/// How the machine is.
struct VirtualMachineStatus {
  /// Whether an instance exists.
  std::optional<bool> created;
  /// Whether the instance runs and is ready.
  std::optional<bool> ready;
  /// For people: Stopped, Starting, Running, Stopping, Terminating, CrashLoopBackOff,
  /// ErrorUnschedulable, ErrImagePull or ImagePullBackOff.
  std::string printableStatus;
  /// The strategy that holds, whichever way it was written.
  std::string runStrategy;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  /// Failed starts in a row; absent after one that succeeded.
  std::optional<StartFailure> startFailure;
  /// Ready, and what the instance says of itself.
  std::vector<kube::Condition> conditions;
  friend bool operator==(const VirtualMachineStatus&, const VirtualMachineStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineStatus, (),
                      (created, ready, printableStatus, runStrategy, observedGeneration,
                       startFailure, conditions))

/// A virtual machine, running or not.
struct VirtualMachine {
  static constexpr kube::ResourceType kType{.group = "kubevirt.io",
                                            .version = "v1",
                                            .kind = "VirtualMachine",
                                            .plural = "virtualmachines"};
  kube::ObjectMeta metadata;
  /// When the machine runs, and what it is.
  VirtualMachineSpec spec;
  /// How the machine is.
  VirtualMachineStatus status;
};
BOOST_DESCRIBE_STRUCT(VirtualMachine, (), (metadata, spec, status))

}  // namespace nestor::api::kubevirt

NESTOR_EXTERN_JSON(nestor::api::kubevirt::VirtualMachine)
