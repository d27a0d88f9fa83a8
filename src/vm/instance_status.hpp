#pragma once

#include <string_view>

#include "api/core/pod.hpp"
#include "api/kubevirt/virtual_machine_instance.hpp"

namespace nestor::vm {

/// The status of a machine instance as its pod shows it. Pure; phases only move forward.
/// `pod` is null when there is none. `now` as RFC 3339, for what changes.
api::kubevirt::VirtualMachineInstanceStatus instance_status(
    const api::kubevirt::VirtualMachineInstance& instance, const api::core::Pod* pod,
    std::string_view now);

/// The status of an instance that no pod can be made for; `message` says why.
api::kubevirt::VirtualMachineInstanceStatus refused_status(
    const api::kubevirt::VirtualMachineInstance& instance, std::string_view message,
    std::string_view now);

/// Whether the instance had a pod at some time.
bool had_pod(const api::kubevirt::VirtualMachineInstance& instance);

}  // namespace nestor::vm
