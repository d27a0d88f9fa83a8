#include "vm/run_strategy.hpp"

#include <algorithm>
#include <array>

#include "base/json_convert.hpp"

namespace nestor::vm {
namespace {

using api::kubevirt::is_final;
using api::kubevirt::StartFailure;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::VirtualMachineStatus;

constexpr std::int64_t kBackoffStep = 10;
constexpr std::int64_t kBackoffMax = 300;

bool ran(const VirtualMachineInstance& instance) {
  return std::ranges::any_of(instance.status.phaseTransitionTimestamps,
                             [](const auto& t) { return t.phase == "Running"; });
}

std::string printable(const VirtualMachine& machine, const VirtualMachineInstance* instance,
                      const std::optional<StartFailure>& failure, WallTime now) {
  if (machine.metadata.deleting()) return "Terminating";
  if (instance == nullptr || is_final(instance->status.phase)) {
    const RunAction action = wanted_action(machine, nullptr);
    if (action != RunAction::kStart) return "Stopped";
    if (instance != nullptr && wanted_action(machine, instance) == RunAction::kNothing) {
      return "Stopped";
    }
    VirtualMachine counted;
    counted.status.startFailure = failure;
    return start_delay(counted, now) > Duration::zero() ? "CrashLoopBackOff" : "Starting";
  }
  if (instance->metadata.deleting()) return "Stopping";
  if (instance->status.phase == "Running") return "Running";
  const auto& conditions = instance->status.conditions;
  if (const auto* scheduled = kube::find_condition(conditions, "PodScheduled");
      scheduled != nullptr && scheduled->status == "False") {
    return "ErrorUnschedulable";
  }
  if (const auto* synced = kube::find_condition(conditions, "Synchronized"); synced != nullptr) {
    for (const char* reason : {"ErrImagePull", "ImagePullBackOff"}) {
      if (synced->reason == reason) return reason;
    }
  }
  return "Starting";
}

/// Ready, and what the instance says about itself.
void mirror_conditions(const VirtualMachineInstance* instance, VirtualMachineStatus& status,
                       std::string_view now) {
  const auto is_mirrored = [](const kube::Condition& condition) {
    return condition.type != "Ready" && condition.type != "Failure" &&
           condition.type != "RestartRequired";
  };
  std::erase_if(status.conditions, [&](const kube::Condition& condition) {
    return is_mirrored(condition) &&
           (instance == nullptr ||
            kube::find_condition(instance->status.conditions, condition.type) == nullptr);
  });
  kube::Condition ready =
      kube::make_condition("Ready", false, "VMINotExists", "VMI does not exist");
  if (instance != nullptr) {
    for (const kube::Condition& condition : instance->status.conditions) {
      if (is_mirrored(condition)) kube::set_condition(status.conditions, condition, now);
    }
    const auto* own = kube::find_condition(instance->status.conditions, "Ready");
    ready = own != nullptr ? *own : kube::make_condition("Ready", false, "GuestNotRunning");
  }
  kube::set_condition(status.conditions, ready, now);
}

void add_default_network(JsonObject& spec) {
  Json& devices = [&]() -> Json& {
    Json& domain = spec["domain"];
    if (!domain.is_object()) domain = JsonObject{};
    Json& found = domain.get_object()["devices"];
    if (!found.is_object()) found = JsonObject{};
    return found;
  }();
  const Json* networks = spec.if_contains("networks");
  const Json* interfaces = devices.get_object().if_contains("interfaces");
  if ((networks != nullptr && !networks->is_null()) ||
      (interfaces != nullptr && !interfaces->is_null())) {
    return;
  }
  devices.get_object()["interfaces"] =
      JsonArray{JsonObject{{"name", "default"}, {"bridge", JsonObject{}}}};
  spec["networks"] = JsonArray{JsonObject{{"name", "default"}, {"pod", JsonObject{}}}};
}

}  // namespace

std::string run_strategy(const VirtualMachine& machine) {
  if (!machine.spec.runStrategy.empty()) return machine.spec.runStrategy;
  return machine.spec.running.value_or(false) ? "Always" : "Halted";
}

RunAction wanted_action(const VirtualMachine& machine, const VirtualMachineInstance* instance) {
  const std::string strategy = run_strategy(machine);
  const bool there = instance != nullptr;
  if (there && instance->metadata.deleting()) return RunAction::kNothing;
  const std::string phase = there ? instance->status.phase : "";
  if (machine.metadata.deleting() || strategy == "Halted") {
    return there ? RunAction::kStop : RunAction::kNothing;
  }
  if (strategy == "Always") {
    if (!there) return RunAction::kStart;
    return is_final(phase) ? RunAction::kStop : RunAction::kNothing;
  }
  if (strategy == "RerunOnFailure") {
    if (!there) return RunAction::kStart;
    return phase == "Failed" ? RunAction::kStop : RunAction::kNothing;
  }
  if (strategy == "Once") return there ? RunAction::kNothing : RunAction::kStart;
  // Manual: only the start and stop calls act, which this runtime does not serve yet.
  return RunAction::kNothing;
}

Duration start_delay(const VirtualMachine& machine, WallTime now) {
  if (!machine.status.startFailure) return Duration::zero();
  const auto until = parse_rfc3339(machine.status.startFailure->retryAfterTimestamp);
  return until ? time_until(*until, now) : Duration::zero();
}

std::optional<StartFailure> start_failure(const VirtualMachine& machine,
                                          const VirtualMachineInstance* instance, WallTime now) {
  const auto& before = machine.status.startFailure;
  if (instance == nullptr) return before;
  if (ran(*instance)) return std::nullopt;
  if (instance->status.phase != "Failed") return before;
  if (before && before->lastFailedVMIUID == instance->metadata.uid) return before;
  const std::int64_t count = (before ? before->consecutiveFailCount.value_or(0) : 0) + 1;
  const std::int64_t bounded = std::min(count, kBackoffMax);
  const std::int64_t wait = std::min(bounded * bounded * kBackoffStep, kBackoffMax);
  return StartFailure{count, instance->metadata.uid,
                      format_rfc3339(now + std::chrono::seconds(wait))};
}

VirtualMachineStatus machine_status(const VirtualMachine& machine,
                                    const VirtualMachineInstance* instance, WallTime now) {
  VirtualMachineStatus out = machine.status;
  out.startFailure = start_failure(machine, instance, now);
  out.created = instance != nullptr;
  out.ready = instance != nullptr && kube::condition_true(instance->status.conditions, "Ready");
  out.printableStatus = printable(machine, instance, out.startFailure, now);
  out.runStrategy = run_strategy(machine);
  out.observedGeneration = machine.metadata.generation;
  mirror_conditions(instance, out, format_rfc3339(now));
  return out;
}

Json instance_of(const VirtualMachine& machine, const Json& raw) {
  JsonObject metadata{{"name", machine.metadata.name},
                      {"namespace", machine.metadata.namespace_},
                      {"finalizers", JsonArray{Json(api::kubevirt::kInstanceFinalizer)}},
                      {"ownerReferences", JsonArray{to_json(kube::owner_reference(machine))}}};
  for (const char* part : {"labels", "annotations"}) {
    const Json* found = find(raw, {"spec", "template", "metadata", part});
    if (found != nullptr && found->is_object()) metadata[part] = *found;
  }
  const Json* spec = find(raw, {"spec", "template", "spec"});
  JsonObject copy = spec != nullptr && spec->is_object() ? spec->get_object() : JsonObject{};
  add_default_network(copy);
  return JsonObject{{"apiVersion", VirtualMachineInstance::kType.api_version()},
                    {"kind", VirtualMachineInstance::kType.kind},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(copy)}};
}

}  // namespace nestor::vm
