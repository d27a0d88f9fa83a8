#pragma once

#include <string_view>

/// Labels, annotations, finalizers and fixed words of Cluster API's Helm add-ons.
namespace nestor::api::addons {

inline constexpr std::string_view kHelmChartProxyFinalizer =
    "helmchartproxy.addons.cluster.x-k8s.io";
inline constexpr std::string_view kHelmReleaseProxyFinalizer =
    "helmreleaseproxy.addons.cluster.x-k8s.io";
/// On a HelmReleaseProxy: the HelmChartProxy it was made for.
inline constexpr std::string_view kHelmChartProxyNameLabel =
    "helmreleaseproxy.addons.cluster.x-k8s.io/helmchartproxy-name";
/// On a HelmReleaseProxy: "true" when its release name was not given.
inline constexpr std::string_view kReleaseNameGeneratedAnnotation =
    "helmreleaseproxy.addons.cluster.x-k8s.io/is-release-name-generated";
/// On a HelmReleaseProxy: "true" once the release was installed for the first time.
inline constexpr std::string_view kReleaseInstalledAnnotation =
    "helmreleaseproxy.addons.cluster.x-k8s.io/release-successfully-installed";
/// On a HelmReleaseProxy, ours: what the release was last installed from, as a hash.
inline constexpr std::string_view kReleaseInputsAnnotation = "nestor.dev/release-inputs";
/// On a HelmReleaseProxy, ours: the uid of the Cluster that the release was installed in.
inline constexpr std::string_view kReleaseClusterAnnotation = "nestor.dev/release-cluster";
/// On a HelmReleaseProxy, ours: what its values were rendered from, as a hash.
inline constexpr std::string_view kValuesInputsAnnotation = "nestor.dev/values-inputs";
/// On a ConfigMap or Secret that holds a chart, ours: its releases follow its changes.
inline constexpr std::string_view kHelmChartLabel = "nestor.dev/helm-chart";

inline constexpr std::string_view kReadyCondition = "Ready";
inline constexpr std::string_view kSpecsUpToDateCondition = "HelmReleaseProxySpecsUpToDate";
inline constexpr std::string_view kReleasesReadyCondition = "HelmReleaseProxiesReady";
inline constexpr std::string_view kClusterAvailableCondition = "ClusterAvailable";
inline constexpr std::string_view kReleaseReadyCondition = "HelmReleaseReady";

inline constexpr std::string_view kInstallOnce = "InstallOnce";

}  // namespace nestor::api::addons
