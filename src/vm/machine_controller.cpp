#include "vm/machine_controller.hpp"

#include "base/log.hpp"
#include "vm/hotplug.hpp"
#include "vm/run_strategy.hpp"

namespace nestor::vm {
namespace {

using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

class MachineController {
 public:
  explicit MachineController(kube::Runtime& runtime)
      : runtime_(runtime),
        machines_(runtime.informers().of<VirtualMachine>()),
        instances_(runtime.informers().of<VirtualMachineInstance>()) {}

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key) {
    const auto cached = machines_.get(key);
    if (!cached) co_return kube::ReconcileResult{};
    const auto found = instances_.get(key);
    // An instance that somebody made by hand under this name is not ours to touch.
    const bool ours = found && found->metadata.controller() != nullptr &&
                      found->metadata.controller()->uid == cached->metadata.uid;
    if (found && !ours) {
      runtime_.events().warning(*cached, "InstanceExists",
                                "a VirtualMachineInstance of this name belongs to another owner");
      co_return kube::ReconcileResult{};
    }
    co_return co_await reconcile_machine(cached, found);
  }

 private:
  using MachinePtr = std::shared_ptr<const VirtualMachine>;
  using InstancePtr = std::shared_ptr<const VirtualMachineInstance>;

  Task<kube::ReconcileResult> reconcile_machine(MachinePtr before, InstancePtr instance) {
    const WallTime now = runtime_.clock().now();
    VirtualMachine after = *before;
    after.status = machine_status(*before, instance.get(), now);
    const bool gone = before->metadata.deleting() && !instance;
    auto& finalizers = after.metadata.finalizers;
    if (gone) {
      std::erase(finalizers, api::kubevirt::kMachineFinalizer);
    } else if (!before->metadata.deleting() &&
               !before->metadata.has_finalizer(api::kubevirt::kMachineFinalizer)) {
      finalizers.emplace_back(api::kubevirt::kMachineFinalizer);
    }
    // The count of failures is kept before the instance that shows it is deleted.
    auto patched = co_await kube::patch_changes(runtime_.client(), *before, after);
    if (!patched && gone && patched.error().code == Code::kNotFound) patched = Result<>{};
    if (!patched) co_return std::unexpected(std::move(patched).error());
    if (gone) co_return kube::ReconcileResult{};

    switch (wanted_action(after, instance.get())) {
      case RunAction::kNothing:
        if (instance) NESTOR_CO_TRY_VOID(co_await carry_volumes(before, instance));
        co_return kube::ReconcileResult{};
      case RunAction::kStop:
        co_return co_await stop(instance);
      case RunAction::kStart:
        break;
    }
    if (const Duration delay = start_delay(after, now); delay > Duration::zero()) {
      co_return kube::ReconcileResult{delay};
    }
    co_return co_await start(std::move(before));
  }

  Task<kube::ReconcileResult> start(MachinePtr machine) {
    // Read whole, since the cache holds only the fields that Nestor knows.
    NESTOR_CO_TRY(const Json raw,
                  co_await runtime_.client().get(VirtualMachine::kType, machine->metadata.key()));
    if (find_string(raw, {"metadata", "uid"}) != machine->metadata.uid) {
      co_return fail(Code::kAborted, "the VirtualMachine was replaced");
    }
    Json instance = instance_of(*machine, raw);
    auto created = co_await runtime_.client().create(
        VirtualMachineInstance::kType, machine->metadata.namespace_, std::move(instance));
    if (created) {
      runtime_.events().normal(*machine, "SuccessfulCreate",
                               "Started the virtual machine by creating the new virtual machine "
                               "instance " +
                                   machine->metadata.name);
    } else if (created.error().code != Code::kAlreadyExists) {
      co_return with_context(std::move(created).error(), "creating VirtualMachineInstance " +
                                                             machine->metadata.key().to_string());
    }
    co_return kube::ReconcileResult{};
  }

  /// Hot-plugged volumes of the machine become those of its running instance.
  Task<> carry_volumes(MachinePtr machine, InstancePtr instance) {
    if (machine->metadata.deleting() || instance->metadata.deleting() ||
        api::kubevirt::is_final(instance->status.phase) || !hotplug_differs(*machine, *instance)) {
      co_return Result<>{};
    }
    auto& client = runtime_.client();
    const kube::ObjectKey key = machine->metadata.key();
    NESTOR_CO_TRY(const Json wanted, co_await client.get(VirtualMachine::kType, key));
    NESTOR_CO_TRY(const Json there, co_await client.get(VirtualMachineInstance::kType, key));
    auto patch = hotplug_patch(wanted, there);
    if (!patch) co_return Result<>{};
    auto done = co_await client.patch(VirtualMachineInstance::kType, key, kube::PatchType::kMerge,
                                      std::move(*patch));
    if (!done) co_return with_context(std::move(done).error(), "carrying over hot-plugged volumes");
    co_return Result<>{};
  }

  Task<kube::ReconcileResult> stop(InstancePtr instance) {
    kube::DeleteOptions options;
    options.uid = instance->metadata.uid;
    auto removed = co_await kube::ensure_deleted(runtime_.client(), VirtualMachineInstance::kType,
                                                 instance->metadata.key(), options);
    if (!removed) co_return std::unexpected(std::move(removed).error());
    co_return kube::ReconcileResult{};
  }

  kube::Runtime& runtime_;
  kube::Informer<VirtualMachine> machines_;
  kube::Informer<VirtualMachineInstance> instances_;
};

}  // namespace

void add_machine_controller(kube::Runtime& runtime) {
  auto& self = runtime.own<MachineController>(runtime);
  auto& controller = runtime.add_controller(
      "virtualmachine", [&self](kube::ObjectKey key) { return self.reconcile(std::move(key)); });
  controller.watch(runtime.informers().of<VirtualMachine>());
  controller.watch_owned(runtime.informers().of<VirtualMachineInstance>(), VirtualMachine::kType);
}

}  // namespace nestor::vm
