#pragma once

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/json.hpp"

namespace nestor::api::bootstrap {

/// What KubeadmConfigs are made from.
struct KubeadmConfigTemplateResource {
  /// Labels and annotations of the KubeadmConfigs.
  TemplateMetadata metadata;
  /// Their spec.
  KubeadmConfigSpec spec;
  bool operator==(const KubeadmConfigTemplateResource&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplateResource, (), (metadata, spec))

/// What KubeadmConfigs are made from.
struct KubeadmConfigTemplateSpec {
  /// What KubeadmConfigs are made from.
  KubeadmConfigTemplateResource template_;
  bool operator==(const KubeadmConfigTemplateSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplateSpec, (), (template_))

/// The template of KubeadmConfigs, one for each Machine of a set. Machines are not replaced when it
/// changes: refer to a new one.
struct KubeadmConfigTemplate {
  static constexpr kube::ResourceType kType{"bootstrap.cluster.x-k8s.io", "v1beta2",
                                            "KubeadmConfigTemplate", "kubeadmconfigtemplates"};
  kube::ObjectMeta metadata;
  /// What KubeadmConfigs are made from.
  KubeadmConfigTemplateSpec spec;
  bool operator==(const KubeadmConfigTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplate, (), (metadata, spec))

/// Errors: kInvalidArgument with every fault.
Result<> validate(const KubeadmConfigTemplate& config_template);

}  // namespace nestor::api::bootstrap

NESTOR_EXTERN_JSON(nestor::api::bootstrap::KubeadmConfigTemplate)
