#pragma once

#include "api/addons/common.hpp"
#include "api/json.hpp"

namespace nestor::api::addons {

/// Which chart, in which clusters, with which values.
struct HelmChartProxySpec {
  /// Labels of the Clusters (in the same namespace) that get the chart. An empty one selects all.
  LabelSelector clusterSelector;
  /// Name of the chart in its repository.
  std::string chartName;
  /// Where the chart comes from: https://, http:// or oci:// of a repository; configmap://NAME or
  /// secret://NAME (the own namespace may stand before NAME) of an object that holds the chart.
  std::string repoURL;
  /// Name of the release. Default: made from the chart's name.
  std::string releaseName;
  /// Namespace of the release in the tenant. Default: default.
  std::string namespace_;
  /// Version of the chart. Default: the newest when the release is made or changed.
  std::string version;
  /// Values of the chart: YAML with Go template actions, in which .Cluster, .ControlPlane and
  /// .InfraCluster are whole objects.
  std::string valuesTemplate;
  /// Continuous (the default): upgraded when something changes. InstallOnce: installed, then left
  /// alone.
  std::string reconcileStrategy;
  /// How helm is called.
  HelmOptions options;
  /// Logins for the registries that charts come from.
  std::optional<Credentials> credentials;
  /// How the chart's repository is trusted.
  std::optional<TlsConfig> tlsConfig;
  bool operator==(const HelmChartProxySpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxySpec, (),
                      (clusterSelector, chartName, repoURL, releaseName, namespace_, version,
                       valuesTemplate, reconcileStrategy, options, credentials, tlsConfig))

/// How the releases are.
struct HelmChartProxyStatus {
  /// Ready sums up HelmReleaseProxySpecsUpToDate and HelmReleaseProxiesReady, with what is wrong in
  /// which cluster.
  std::vector<kube::Condition> conditions;
  /// The Clusters that get the chart.
  std::vector<ObjectReference> matchingClusters;
  /// The metadata.generation that this status is about.
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const HelmChartProxyStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxyStatus, (), (conditions, matchingClusters, observedGeneration))

/// A Helm chart wanted in every Cluster that its selector matches.
struct HelmChartProxy {
  static constexpr kube::ResourceType kType{"addons.cluster.x-k8s.io", "v1alpha1", "HelmChartProxy",
                                            "helmchartproxies"};
  kube::ObjectMeta metadata;
  /// Which chart, in which clusters, with which values.
  HelmChartProxySpec spec;
  /// How the releases are.
  HelmChartProxyStatus status;
  bool operator==(const HelmChartProxy&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxy, (), (metadata, spec, status))

}  // namespace nestor::api::addons

NESTOR_EXTERN_JSON(nestor::api::addons::HelmChartProxy)
