#pragma once

#include "api/addons/common.hpp"
#include "api/json.hpp"

namespace nestor::api::addons {

struct HelmChartProxySpec {
  /// Clusters of the same namespace. An empty one selects all of them.
  LabelSelector clusterSelector;
  std::string chartName;
  /// https://, http:// or oci:// of a repository; configmap://NAME or secret://NAME (with or
  /// without the own namespace before NAME) of an object that holds the chart.
  std::string repoURL;
  /// "": generated.
  std::string releaseName;
  /// In the tenant; "": default.
  std::string namespace_;
  /// "": the newest when the release is made or changed.
  std::string version;
  /// YAML with Go template actions; .Cluster, .ControlPlane and .InfraCluster are whole objects.
  std::string valuesTemplate;
  /// "" (as Continuous), "Continuous" or "InstallOnce".
  std::string reconcileStrategy;
  HelmOptions options;
  std::optional<Credentials> credentials;
  std::optional<TlsConfig> tlsConfig;
  bool operator==(const HelmChartProxySpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxySpec, (),
                      (clusterSelector, chartName, repoURL, releaseName, namespace_, version,
                       valuesTemplate, reconcileStrategy, options, credentials, tlsConfig))

struct HelmChartProxyStatus {
  std::vector<kube::Condition> conditions;
  std::vector<ObjectReference> matchingClusters;
  std::optional<std::int64_t> observedGeneration;
  bool operator==(const HelmChartProxyStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxyStatus, (), (conditions, matchingClusters, observedGeneration))

/// A Helm chart wanted in every Cluster that its selector matches.
struct HelmChartProxy {
  static constexpr kube::ResourceType kType{"addons.cluster.x-k8s.io", "v1alpha1", "HelmChartProxy",
                                            "helmchartproxies"};
  kube::ObjectMeta metadata;
  HelmChartProxySpec spec;
  HelmChartProxyStatus status;
  bool operator==(const HelmChartProxy&) const = default;
};
BOOST_DESCRIBE_STRUCT(HelmChartProxy, (), (metadata, spec, status))

}  // namespace nestor::api::addons

NESTOR_EXTERN_JSON(nestor::api::addons::HelmChartProxy)
