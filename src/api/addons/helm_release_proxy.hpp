#pragma once

#include "api/addons/common.hpp"
#include "api/json.hpp"

namespace nestor::api::addons {

struct HelmReleaseProxySpec {
  ObjectReference clusterRef;
  std::string chartName;
  std::string repoURL;
  std::string releaseName;
  std::string namespace_;
  std::string version;
  /// YAML; already rendered.
  std::string values;
  std::string reconcileStrategy;
  HelmOptions options;
  std::optional<Credentials> credentials;
  std::optional<TlsConfig> tlsConfig;
  bool operator==(const HelmReleaseProxySpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxySpec, (),
                      (clusterRef, chartName, repoURL, releaseName, namespace_, version, values,
                       reconcileStrategy, options, credentials, tlsConfig))

struct HelmReleaseProxyStatus {
  std::vector<kube::Condition> conditions;
  /// Helm's word for the release: "deployed", "failed", …
  std::string status;
  std::optional<std::int64_t> revision;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const HelmReleaseProxyStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxyStatus, (),
                      (conditions, status, revision, observedGeneration))

/// One Helm release in one Cluster.
struct HelmReleaseProxy {
  static constexpr kube::ResourceType kType{"addons.cluster.x-k8s.io", "v1alpha1",
                                            "HelmReleaseProxy", "helmreleaseproxies"};
  kube::ObjectMeta metadata;
  HelmReleaseProxySpec spec;
  HelmReleaseProxyStatus status;
  bool operator==(const HelmReleaseProxy&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxy, (), (metadata, spec, status))

}  // namespace nestor::api::addons

NESTOR_EXTERN_JSON(nestor::api::addons::HelmReleaseProxy)
