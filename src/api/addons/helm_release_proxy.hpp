#pragma once

#include "api/addons/common.hpp"
#include "api/json.hpp"

namespace nestor::api::addons {

/// Which chart, in which cluster, with which values.
struct HelmReleaseProxySpec {
  /// The Cluster that gets the release, in the same namespace.
  ObjectReference clusterRef;
  /// Name of the chart in its repository.
  std::string chartName;
  /// Where the chart comes from, as in HelmChartProxy.
  std::string repoURL;
  /// Name of the release, at most 53 characters. Default: made from the chart's name, and written
  /// here.
  std::string releaseName;
  /// Namespace of the release in the tenant. Default: default.
  std::string namespace_;
  /// Version of the chart. Default: the newest when the release is made or changed.
  std::string version;
  /// Values of the chart (YAML), already rendered.
  std::string values;
  /// Continuous (the default): upgraded when something changes. InstallOnce: installed, then left
  /// alone.
  std::string reconcileStrategy;
  /// How helm is called.
  HelmOptions options;
  /// Logins for the registries that charts come from.
  std::optional<Credentials> credentials;
  /// How the chart's repository is trusted.
  std::optional<TlsConfig> tlsConfig;
  bool operator==(const HelmReleaseProxySpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxySpec, (),
                      (clusterRef, chartName, repoURL, releaseName, namespace_, version, values,
                       reconcileStrategy, options, credentials, tlsConfig))

/// How the release is.
struct HelmReleaseProxyStatus {
  /// Ready sums up ClusterAvailable and HelmReleaseReady, with helm's own words when it failed.
  std::vector<kube::Condition> conditions;
  /// Helm's word for the release, such as deployed or failed.
  std::string status;
  /// The release's last revision.
  std::optional<std::int64_t> revision;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const HelmReleaseProxyStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxyStatus, (),
                      (conditions, status, revision, observedGeneration))

/// One Helm release in one Cluster. Usually made by a HelmChartProxy.
struct HelmReleaseProxy {
  static constexpr kube::ResourceType kType{"addons.cluster.x-k8s.io", "v1alpha1",
                                            "HelmReleaseProxy", "helmreleaseproxies"};
  kube::ObjectMeta metadata;
  /// Which chart, in which cluster, with which values.
  HelmReleaseProxySpec spec;
  /// How the release is.
  HelmReleaseProxyStatus status;
  bool operator==(const HelmReleaseProxy&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmReleaseProxy, (), (metadata, spec, status))

}  // namespace nestor::api::addons

NESTOR_EXTERN_JSON(nestor::api::addons::HelmReleaseProxy)
