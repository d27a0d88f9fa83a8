#pragma once

#include <optional>
#include <string>

#include "api/kubevirt/virtual_machine.hpp"
#include "base/clock.hpp"

/// What a virtual machine's run strategy asks for. Pure.
namespace nestor::vm {

/// Always, Halted, Manual, RerunOnFailure or Once; `running` counts when it is unset.
std::string run_strategy(const api::kubevirt::VirtualMachine& machine);

enum class RunAction { kNothing, kStart, kStop };

/// `instance` is null when there is none. A final instance that should run again is stopped
/// (deleted) first. kStart does not look at the back-off; see start_delay.
RunAction wanted_action(const api::kubevirt::VirtualMachine& machine,
                        const api::kubevirt::VirtualMachineInstance* instance);

/// How long a start must still wait after failed ones. Zero: at once.
Duration start_delay(const api::kubevirt::VirtualMachine& machine, WallTime now);

/// The count of failed starts after this instance: one more when it failed without ever running,
/// none when it ran. The wait is n * n * 10 s, at most 300 s. Counts each instance once.
std::optional<api::kubevirt::StartFailure> start_failure(
    const api::kubevirt::VirtualMachine& machine,
    const api::kubevirt::VirtualMachineInstance* instance, WallTime now);

/// The machine's status as its instance shows it.
api::kubevirt::VirtualMachineStatus machine_status(
    const api::kubevirt::VirtualMachine& machine,
    const api::kubevirt::VirtualMachineInstance* instance, WallTime now);

/// The instance to create from the machine as the API server holds it, with every field of its
/// template; interface and network "default" are added when it names none.
Json instance_of(const api::kubevirt::VirtualMachine& machine, const Json& raw);

}  // namespace nestor::vm
