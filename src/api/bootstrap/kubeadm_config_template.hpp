#pragma once

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/json.hpp"

namespace nestor::api::bootstrap {

struct KubeadmConfigTemplateResource {
  TemplateMetadata metadata;
  KubeadmConfigSpec spec;
  bool operator==(const KubeadmConfigTemplateResource&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplateResource, (), (metadata, spec))

struct KubeadmConfigTemplateSpec {
  KubeadmConfigTemplateResource template_;
  bool operator==(const KubeadmConfigTemplateSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplateSpec, (), (template_))

struct KubeadmConfigTemplate {
  static constexpr kube::ResourceType kType{"bootstrap.cluster.x-k8s.io", "v1beta2",
                                            "KubeadmConfigTemplate", "kubeadmconfigtemplates"};
  kube::ObjectMeta metadata;
  KubeadmConfigTemplateSpec spec;
  bool operator==(const KubeadmConfigTemplate&) const = default;
};
BOOST_DESCRIBE_STRUCT(KubeadmConfigTemplate, (), (metadata, spec))

/// Errors: kInvalidArgument with every fault.
Result<> validate(const KubeadmConfigTemplate& config_template);

}  // namespace nestor::api::bootstrap

NESTOR_EXTERN_JSON(nestor::api::bootstrap::KubeadmConfigTemplate)
