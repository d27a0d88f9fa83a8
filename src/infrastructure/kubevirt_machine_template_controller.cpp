#include "infrastructure/kubevirt_machine_template_controller.hpp"

#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "infrastructure/virtual_machine_builder.hpp"

namespace nestor::infrastructure {

using api::infrastructure::KubevirtMachineTemplate;

void KubevirtMachineTemplateController::add() {
  auto& controller =
      runtime_.add_controller("infrastructure.kubevirtmachinetemplate",
                              [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(runtime_.informers().of<KubevirtMachineTemplate>());
}

Task<kube::ReconcileResult> KubevirtMachineTemplateController::reconcile(kube::ObjectKey key) {
  const auto machine_template = runtime_.informers().of<KubevirtMachineTemplate>().get(key);
  if (!machine_template || machine_template->metadata.deleting()) {
    co_return kube::ReconcileResult{};
  }
  KubevirtMachineTemplate after = *machine_template;
  after.status.capacity.clear();
  for (const auto& [name, quantity] : capacity_of(to_json(after.spec.template_.spec))) {
    after.status.capacity[name] = Json(boost::json::string(quantity));
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *machine_template, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::infrastructure
