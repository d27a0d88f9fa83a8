#include "vm/instance_controller.hpp"

#include "api/core/pod.hpp"
#include "vm/fence_controller.hpp"
#include "vm/hotplug_step.hpp"
#include "vm/instance_status.hpp"
#include "vm/launcher_pod.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::kubevirt::VirtualMachineInstance;
using InstancePtr = std::shared_ptr<const VirtualMachineInstance>;
using PodPtr = std::shared_ptr<const Pod>;

class InstanceController {
 public:
  InstanceController(kube::Runtime& runtime, Options options)
      : runtime_(runtime),
        options_(std::move(options)),
        instances_(runtime.informers().of<VirtualMachineInstance>()),
        pods_(runtime.informers().of<Pod>(launcher_pods())),
        hotplug_(runtime, options_) {}

  void watch(kube::Controller& controller) { hotplug_.watch(controller); }

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key) {
    const InstancePtr instance = instances_.get(key);
    if (!instance) co_return kube::ReconcileResult{};
    const kube::ObjectKey pod_key{key.ns, launcher_pod_name(instance->metadata)};
    PodPtr pod = pods_.get(pod_key);
    if (!pod && had_pod(*instance)) {
      // Before a machine is declared dead: the cache may only be late.
      NESTOR_CO_TRY(pod, co_await look_up(pod_key));
    }
    const bool deleting = instance->metadata.deleting();
    if (deleting && !pod && !hotplug_.any_pod(*instance)) co_return co_await release(instance);
    if (deleting && pod && !pod->metadata.deleting()) {
      kube::DeleteOptions options;
      options.uid = pod->metadata.uid;
      NESTOR_CO_TRY_VOID(
          co_await kube::ensure_deleted(runtime_.client(), Pod::kType, pod_key, options));
    }
    if (!deleting && !pod && !had_pod(*instance) &&
        !api::kubevirt::is_final(instance->status.phase)) {
      co_return co_await start(instance);
    }
    auto status = instance_status(*instance, pod.get(), now());
    NESTOR_CO_TRY(HotplugSteps::Outcome hotplug, co_await hotplug_.run(instance, pod));
    status.volumeStatus = std::move(hotplug.statuses);
    NESTOR_CO_TRY_VOID(co_await write(instance, std::move(status)));
    NESTOR_CO_TRY_VOID(std::move(hotplug.result));
    co_return kube::ReconcileResult{};
  }

 private:
  std::string now() const { return format_rfc3339(runtime_.clock().now()); }

  /// The pod as the API server holds it, or null.
  Task<PodPtr> look_up(kube::ObjectKey key) {
    auto pod = co_await kube::get<Pod>(runtime_.client(), std::move(key));
    if (pod) co_return std::make_shared<const Pod>(std::move(*pod));
    if (pod.error().code == Code::kNotFound) co_return PodPtr();
    co_return std::unexpected(std::move(pod).error());
  }

  Task<kube::ReconcileResult> start(InstancePtr instance) {
    // The finalizer comes before what it guards.
    if (!instance->metadata.has_finalizer(api::kubevirt::kInstanceFinalizer)) {
      NESTOR_CO_TRY_VOID(co_await write(instance, instance_status(*instance, nullptr, now())));
      co_return kube::ReconcileResult{};
    }
    auto pod = launcher_pod(*instance, options_);
    if (!pod) {
      runtime_.events().warning(*instance, "FailedCreate", pod.error().message);
      NESTOR_CO_TRY_VOID(
          co_await write(instance, refused_status(*instance, pod.error().message, now())));
      co_return kube::ReconcileResult{};
    }
    if (options_.fence.enabled) {
      set_fence_access(current_fence_access(runtime_, instance->metadata), *pod);
    }
    auto created = co_await runtime_.client().create(Pod::kType, instance->metadata.namespace_,
                                                     std::move(*pod));
    if (created) {
      runtime_.events().normal(
          *instance, "SuccessfulCreate",
          "Created virtual machine pod " + launcher_pod_name(instance->metadata));
    } else if (created.error().code != Code::kAlreadyExists) {
      co_return co_await refuse(instance, std::move(created).error());
    }
    // Its pod's first event goes on from here.
    NESTOR_CO_TRY_VOID(co_await write(instance, instance_status(*instance, nullptr, now())));
    co_return kube::ReconcileResult{};
  }

  /// The API server did not take the pod (quota, admission): said in the status, and tried again.
  Task<kube::ReconcileResult> refuse(InstancePtr instance, Error error) {
    runtime_.events().warning(*instance, "FailedCreate", error.message);
    auto status = refused_status(*instance, error.message, now());
    NESTOR_CO_TRY_VOID(co_await write(instance, std::move(status)));
    co_return with_context(std::move(error), "creating the pod of VirtualMachineInstance " +
                                                 instance->metadata.key().to_string());
  }

  Task<> write(InstancePtr before, api::kubevirt::VirtualMachineInstanceStatus status) {
    VirtualMachineInstance after = *before;
    after.status = std::move(status);
    if (!before->metadata.deleting() &&
        !before->metadata.has_finalizer(api::kubevirt::kInstanceFinalizer)) {
      after.metadata.finalizers.emplace_back(api::kubevirt::kInstanceFinalizer);
    }
    co_return co_await kube::patch_changes(runtime_.client(), *before, after);
  }

  /// Lets the instance go once its pod is gone.
  Task<kube::ReconcileResult> release(InstancePtr before) {
    VirtualMachineInstance after = *before;
    std::erase(after.metadata.finalizers, api::kubevirt::kInstanceFinalizer);
    auto done = co_await kube::patch_changes(runtime_.client(), *before, after);
    if (!done && done.error().code != Code::kNotFound) {
      co_return std::unexpected(std::move(done).error());
    }
    co_return kube::ReconcileResult{};
  }

  kube::Runtime& runtime_;
  Options options_;
  kube::Informer<VirtualMachineInstance> instances_;
  kube::Informer<Pod> pods_;
  HotplugSteps hotplug_;
};

}  // namespace

void add_instance_controller(kube::Runtime& runtime, Options options) {
  auto& self = runtime.own<InstanceController>(runtime, std::move(options));
  auto& controller = runtime.add_controller("virtualmachineinstance", [&self](kube::ObjectKey key) {
    return self.reconcile(std::move(key));
  });
  controller.watch(runtime.informers().of<VirtualMachineInstance>());
  controller.watch_owned(runtime.informers().of<Pod>(launcher_pods()),
                         VirtualMachineInstance::kType);
  self.watch(controller);
}

}  // namespace nestor::vm
