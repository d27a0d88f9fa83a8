#include "vm/instance_status.hpp"

#include "vm/launcher_pod.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::kubevirt::InterfaceStatus;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::VirtualMachineInstanceStatus;

bool compute_runs(const Pod& pod) {
  for (const auto& container : pod.status.containerStatuses) {
    if (container.name != kComputeContainer) continue;
    // a probe may hold `started` back; the machine runs all the same
    return find(container.state, {"running"}) != nullptr;
  }
  return false;
}

std::string_view phase_of(const VirtualMachineInstance& instance, const Pod* pod) {
  if (api::kubevirt::is_final(instance.status.phase)) return instance.status.phase;
  if (pod == nullptr) return had_pod(instance) ? "Failed" : "Pending";
  if (pod->status.phase == "Succeeded") return "Succeeded";
  if (pod->status.phase == "Failed") return "Failed";
  if (compute_runs(*pod) || instance.status.phase == "Running") return "Running";
  return pod->spec.nodeName.empty() ? "Scheduling" : "Scheduled";
}

/// Why the compute container does not start or has ended: {reason, message}.
std::pair<std::string, std::string> compute_trouble(const Pod& pod) {
  for (const auto& container : pod.status.containerStatuses) {
    for (const char* state : {"waiting", "terminated"}) {
      const std::string reason(find_string(container.state, {state, "reason"}));
      if (reason.empty() || reason == "ContainerCreating" || reason == "Completed") continue;
      return {reason, std::string(find_string(container.state, {state, "message"}))};
    }
  }
  return {pod.status.reason, pod.status.message};
}

kube::Condition ready_condition(std::string_view phase, const Pod* pod) {
  kube::Condition out = kube::make_condition("Ready", false);
  if (pod == nullptr) {
    out.reason = "PodNotExists";
    out.message = "virt-launcher pod has not been created";
  } else if (pod->metadata.deleting()) {
    out.reason = "PodTerminating";
    out.message = "virt-launcher pod is terminating";
  } else if (phase != "Running") {
    out.reason = "GuestNotRunning";
    out.message = "guest VM is not reported as running";
  } else if (const auto* ready = kube::find_condition(pod->status.conditions, "Ready")) {
    out.status = ready->status;
    out.reason = ready->reason;
    out.message = ready->message;
  } else {
    out.reason = "GuestNotRunning";
  }
  return out;
}

/// Sets `condition`, or takes it away when `wanted` is false.
void put(VirtualMachineInstanceStatus& status, bool wanted, const kube::Condition& condition,
         std::string_view now) {
  if (wanted) {
    kube::set_condition(status.conditions, condition, now);
  } else {
    std::erase_if(status.conditions, [&](const auto& c) { return c.type == condition.type; });
  }
}

void put_conditions(VirtualMachineInstanceStatus& status, const Pod* pod, std::string_view now) {
  kube::set_condition(status.conditions, ready_condition(status.phase, pod), now);
  const kube::Condition* scheduled =
      pod == nullptr ? nullptr : kube::find_condition(pod->status.conditions, "PodScheduled");
  const bool unschedulable = scheduled != nullptr && scheduled->status == "False";
  put(status, unschedulable,
      unschedulable ? *scheduled : kube::make_condition("PodScheduled", true), now);
  kube::Condition synchronized = kube::make_condition("Synchronized", false);
  if (pod != nullptr) {
    std::tie(synchronized.reason, synchronized.message) = compute_trouble(*pod);
  }
  put(status, !synchronized.reason.empty() && status.phase != "Running", synchronized, now);
  if (status.phase == "Running") {
    kube::set_condition(
        status.conditions,
        kube::make_condition("LiveMigratable", false, "InterfaceNotLiveMigratable",
                             "the machine keeps its pod's address, so it cannot move"),
        now);
  }
}

void put_network(const VirtualMachineInstance& instance, const Pod& pod,
                 VirtualMachineInstanceStatus& status) {
  if (pod.status.podIP.empty()) return;
  const auto& interfaces = instance.spec.domain.devices.interfaces;
  InterfaceStatus out;
  out.name = interfaces.empty() ? "default" : interfaces.front().name;
  out.ipAddress = pod.status.podIP;
  out.interfaceName = "eth0";
  for (const auto& address : pod.status.podIPs) out.ipAddresses.push_back(address.ip);
  if (out.ipAddresses.empty()) out.ipAddresses.push_back(out.ipAddress);
  status.interfaces = {std::move(out)};
}

void enter_phase(VirtualMachineInstanceStatus& status, std::string_view phase,
                 std::string_view now) {
  if (status.phase == phase) return;
  status.phase = phase;
  status.phaseTransitionTimestamps.push_back({std::string(phase), std::string(now)});
}

}  // namespace

VirtualMachineInstanceStatus instance_status(const VirtualMachineInstance& instance, const Pod* pod,
                                             std::string_view now) {
  VirtualMachineInstanceStatus out = instance.status;
  enter_phase(out, phase_of(instance, pod), now);
  if (pod != nullptr) {
    if (!pod->spec.nodeName.empty()) out.nodeName = pod->spec.nodeName;
    out.activePods = {{pod->metadata.uid, pod->spec.nodeName}};
    put_network(instance, *pod, out);
  }
  put_conditions(out, pod, now);
  return out;
}

VirtualMachineInstanceStatus refused_status(const VirtualMachineInstance& instance,
                                            std::string_view message, std::string_view now) {
  VirtualMachineInstanceStatus out = instance.status;
  enter_phase(out, "Pending", now);
  put_conditions(out, nullptr, now);
  kube::set_condition(
      out.conditions,
      kube::make_condition("Synchronized", false, "FailedCreate", std::string(message)), now);
  return out;
}

bool had_pod(const VirtualMachineInstance& instance) { return !instance.status.activePods.empty(); }

}  // namespace nestor::vm
