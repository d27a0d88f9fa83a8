#pragma once

#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/json.hpp"

namespace nestor::api::infrastructure {

/// Without metadata, as upstream's.
struct KubevirtMachineTemplateResource {
  KubevirtMachineSpec spec;
  bool operator==(const KubevirtMachineTemplateResource&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateResource, (), (spec))

struct KubevirtMachineTemplateSpec {
  KubevirtMachineTemplateResource template_;
  bool operator==(const KubevirtMachineTemplateSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateSpec, (), (template_))

struct KubevirtMachineTemplateStatus {
  /// Quantities: "cpu" and "memory" of one machine, for scaling up from none. Text or numbers.
  std::map<std::string, Json> capacity;
  bool operator==(const KubevirtMachineTemplateStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplateStatus, (), (capacity))

struct KubevirtMachineTemplate {
  static constexpr kube::ResourceType kType{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                            "KubevirtMachineTemplate", "kubevirtmachinetemplates"};
  kube::ObjectMeta metadata;
  KubevirtMachineTemplateSpec spec;
  KubevirtMachineTemplateStatus status;
  bool operator==(const KubevirtMachineTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubevirtMachineTemplate, (), (metadata, spec, status))

}  // namespace nestor::api::infrastructure

NESTOR_EXTERN_JSON(nestor::api::infrastructure::KubevirtMachineTemplate)
