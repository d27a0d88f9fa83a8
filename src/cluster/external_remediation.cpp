#include "cluster/external_remediation.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "cluster/machine_set_logic.hpp"
#include "cluster/replica_logic.hpp"

namespace nestor::cluster {

namespace {

namespace names = api::cluster;
using api::cluster::Machine;

constexpr std::string_view kCondition = "ExternallyRemediated";

std::string group_of(const std::string& api_version) {
  return api_version.substr(0, api_version.find('/'));
}

Json request_of(const Machine& machine, const Json& source, const std::string& kind) {
  const std::string api_version(find_string(source, {"apiVersion"}));
  kube::ObjectMeta metadata;
  metadata.name = machine.metadata.name;
  metadata.namespace_ = machine.metadata.namespace_;
  metadata.labels[std::string(names::kClusterNameLabel)] = machine.spec.clusterName;
  metadata.annotations[std::string(names::kClonedFromNameAnnotation)] =
      std::string(find_string(source, {"metadata", "name"}));
  metadata.annotations[std::string(names::kClonedFromGroupKindAnnotation)] =
      std::string(find_string(source, {"kind"})) + "." + group_of(api_version);
  metadata.ownerReferences = {kube::owner_reference(machine)};
  const Json* spec = find(source, {"spec", "template", "spec"});
  return JsonObject{{"apiVersion", api_version},
                    {"kind", kind_of_template(kind)},
                    {"metadata", to_json(metadata)},
                    {"spec", spec == nullptr ? Json(JsonObject{}) : *spec}};
}

/// Makes the request; what went wrong, as the condition tells it.
Task<kube::Condition> request(Context& context, const names::RemediationTemplate& ref,
                              const Machine& machine) {
  names::ContractReference source{group_of(ref.apiVersion), ref.kind, ref.name};
  auto found = co_await fetch(context, source, machine.metadata.namespace_);
  if (!found && found.error().code == Code::kCancelled) {
    co_return std::unexpected(std::move(found).error());
  }
  if (!found || !*found) {
    co_return kube::make_condition(
        kCondition, false, "RemediationTemplateNotFound",
        found ? absence_of(source, context.kinds.knows(source)) : found.error().message);
  }
  const std::string kind = kind_of_template(ref.kind);
  NESTOR_CO_TRY(const auto type, co_await context.kinds.resolve(group_of(ref.apiVersion), kind));
  Json object = request_of(machine, (*found)->object, ref.kind);
  std::string ns = machine.metadata.namespace_;
  auto made = co_await context.client().create(type, std::move(ns), std::move(object));
  if (!made && made.error().code == Code::kCancelled) {
    co_return std::unexpected(std::move(made).error());
  }
  if (!made && made.error().code != Code::kAlreadyExists) {
    co_return kube::make_condition(kCondition, false, "RemediationRequestCreationFailed",
                                   made.error().message);
  }
  co_return kube::make_condition(kCondition, false, "WaitingForRemediation",
                                 kind + " " + machine.metadata.name + " asks for it");
}

}  // namespace

Task<> remediate_externally(Context& context,
                            kube::Informer<api::cluster::MachineHealthCheck>::Ptr check,
                            Machine& machine, bool unhealthy, bool allowed) {
  const auto& ref = check->spec.remediation.templateRef;
  auto& conditions = machine.status.conditions;
  if (unhealthy) {
    if (!allowed) co_return Result<>{};
    NESTOR_CO_TRY(kube::Condition state, co_await request(context, ref, machine));
    state.observedGeneration = machine.metadata.generation;
    kube::set_condition(conditions, std::move(state), context.now());
    co_return Result<>{};
  }
  if (kube::find_condition(conditions, kCondition) == nullptr) co_return Result<>{};
  const std::string kind = kind_of_template(ref.kind);
  const auto type = co_await context.kinds.resolve(group_of(ref.apiVersion), kind);
  if (type) {
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(context.client(), *type, machine.metadata.key()));
  } else if (type.error().code != Code::kNotFound) {
    co_return std::unexpected(type.error());
  }
  std::erase_if(conditions, [](const auto& one) { return one.type == kCondition; });
  co_return Result<>{};
}

}  // namespace nestor::cluster
