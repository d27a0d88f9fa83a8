#pragma once

#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/json.hpp"

namespace nestor::api::infrastructure {

/// What KubevirtMachines are made from.
// Without metadata, as upstream's.
struct KubevirtMachineTemplateResource {
  /// Their spec.
  KubevirtMachineSpec spec;
  bool operator==(const KubevirtMachineTemplateResource&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateResource, (), (spec))

/// What KubevirtMachines are made from. It cannot be changed: make a new template and refer to it.
struct KubevirtMachineTemplateSpec {
  /// What KubevirtMachines are made from.
  KubevirtMachineTemplateResource template_;
  bool operator==(const KubevirtMachineTemplateSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateSpec, (), (template_))

/// What a machine made from it has.
struct KubevirtMachineTemplateStatus {
  /// cpu and memory of one machine, by which the autoscaler scales up from none.
  // Quantities: text or numbers.
  std::map<std::string, Json> capacity;
  bool operator==(const KubevirtMachineTemplateStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateStatus, (), (capacity))

/// The template of KubevirtMachines, one for each Machine of a set.
struct KubevirtMachineTemplate {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtMachineTemplate", "kubevirtmachinetemplates"};
  kube::ObjectMeta metadata;
  /// What KubevirtMachines are made from. It cannot be changed: make a new template and refer to
  /// it.
  KubevirtMachineTemplateSpec spec;
  /// What a machine made from it has.
  KubevirtMachineTemplateStatus status;
  bool operator==(const KubevirtMachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplate, (), (metadata, spec, status))

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtMachineTemplate)
