#include "storage/storage.hpp"

#include "storage/attach_controller.hpp"
#include "storage/local_path.hpp"
#include "storage/provision_controller.hpp"
#include "tenant/tenant_key.hpp"

namespace nestor::storage {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  if (options.grow_local_path) add_local_path_growth(runtime);
  auto& provision = runtime.own<ProvisionController>(runtime, sessions, std::move(options));
  const kube::ControllerOptions per_tenant{.concurrency = 20, .group = tenant::TenantKey::group_of};
  auto& volumes = runtime.add_controller(
      "storage-volume",
      [&provision](kube::ObjectKey key) { return provision.reconcile(std::move(key)); },
      per_tenant);
  provision.watch(volumes);
  auto& attach = runtime.own<AttachController>(runtime, sessions);
  auto& attachments = runtime.add_controller(
      "storage-attachment",
      [&attach](kube::ObjectKey key) { return attach.reconcile(std::move(key)); }, per_tenant);
  attach.watch(attachments);
}

}  // namespace nestor::storage
