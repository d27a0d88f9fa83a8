#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/json.hpp"
#include "api/kubevirt/virtual_machine_instance.hpp"

namespace nestor::api::kubevirt {

struct InstanceTemplateMetadata {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  friend bool operator==(const InstanceTemplateMetadata&,
                         const InstanceTemplateMetadata&) = default;
};
BOOST_DESCRIBE_STRUCT(InstanceTemplateMetadata, (), (labels, annotations))

struct VirtualMachineInstanceTemplate {
  InstanceTemplateMetadata metadata;
  VirtualMachineInstanceSpec spec;
  friend bool operator==(const VirtualMachineInstanceTemplate&,
                         const VirtualMachineInstanceTemplate&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineInstanceTemplate, (), (metadata, spec))

struct VirtualMachineSpec {
  /// Always, Halted, Manual, RerunOnFailure or Once; excludes `running`.
  std::string runStrategy;
  /// The older spelling of Always (true) and Halted (false).
  std::optional<bool> running;
  VirtualMachineInstanceTemplate template_;
  std::vector<Json> dataVolumeTemplates;
  Json instancetype;
  Json preference;
  friend bool operator==(const VirtualMachineSpec&, const VirtualMachineSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(VirtualMachineSpec, (),
                      (runStrategy, running, template_, dataVolumeTemplates, instancetype,
                       preference))

/// Counts failed starts for the restart back-off.
struct StartFailure {
  std::optional<std::int64_t> consecutiveFailCount;
  std::string lastFailedVMIUID;
  std::string retryAfterTimestamp;
  friend bool operator==(const StartFailure&, const StartFailure&) = default;
};
BOOST_DESCRIBE_STRUCT(StartFailure, (),
                      (consecutiveFailCount, lastFailedVMIUID, retryAfterTimestamp))

struct VirtualMachineStatus {
  /// Whether an instance exists.
  std::optional<bool> created;
  /// Whether the instance runs and is ready.
  std::optional<bool> ready;
  /// For people: Stopped, Provisioning, Starting, Running, Stopping, Terminating,
  /// CrashLoopBackOff, ErrorUnschedulable, ErrImagePull, ImagePullBackOff, Unknown.
  std::string printableStatus;
  std::string runStrategy;
  std::optional<std::int64_t> observedGeneration;
  std::optional<StartFailure> startFailure;
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
  VirtualMachineSpec spec;
  VirtualMachineStatus status;
};
BOOST_DESCRIBE_STRUCT(VirtualMachine, (), (metadata, spec, status))

}  // namespace nestor::api::kubevirt

NESTOR_EXTERN_JSON(nestor::api::kubevirt::VirtualMachine)
