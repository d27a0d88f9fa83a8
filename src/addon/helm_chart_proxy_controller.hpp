#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "addon/release_status.hpp"
#include "api/cluster/cluster.hpp"
#include "kube/runtime.hpp"

namespace nestor::addon {

/// A HelmReleaseProxy for each Cluster that a HelmChartProxy selects, with the values rendered for
/// that Cluster. One Cluster's fault does not keep the others from theirs.
class HelmChartProxyController {
 public:
  HelmChartProxyController(kube::Runtime& runtime, std::string helm)
      : runtime_(runtime), helm_(std::move(helm)) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using ProxyPtr = std::shared_ptr<const HelmChartProxy>;
  using ReleasePtr = std::shared_ptr<const HelmReleaseProxy>;
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;
  /// How one reconcile went.
  struct Outcome {
    /// What could not be done, as a condition's reason and message; the first one counts.
    std::string reason = {};
    std::string message = {};
    /// Clusters whose release proxies were made or changed.
    std::set<std::string> written = {};
    void fault(const char* why, std::string text);
  };
  /// What the values of a release were rendered from.
  struct RenderedFrom {
    /// As versions_of() gave it.
    std::string versions = {};
    /// The release's kValuesInputsAnnotation.
    std::string inputs = {};
  };

  void watch_clusters(kube::Controller& controller);
  /// The proxies that one of a Cluster's objects is of interest to.
  std::vector<kube::ObjectKey> proxies_of(const api::cluster::Cluster& cluster) const;
  std::vector<ReleasePtr> releases_of(const HelmChartProxy& proxy) const;
  std::vector<ClusterPtr> selected(const HelmChartProxy& proxy) const;

  Task<kube::ReconcileResult> reconcile_delete(ProxyPtr proxy);
  /// Brings the release proxy of one Cluster to what it must be. Errors: only those that end the
  /// reconcile.
  Task<> sync_cluster(ProxyPtr proxy, ClusterPtr cluster, ReleasePtr existing, Outcome& outcome);
  /// Whether there was anything to write.
  Task<bool> write_release(ProxyPtr proxy, Spec spec, std::string values_inputs,
                           ReleasePtr existing);
  /// Removes release proxies of Clusters that are not selected any more.
  Task<> remove_others(const HelmChartProxy& proxy, const std::vector<ClusterPtr>& wanted,
                       Outcome& outcome);
  /// The template and the versions that the caches have of the objects it may see; "" while one is
  /// not there.
  std::string versions_of(const api::cluster::Cluster& cluster,
                          const std::string& values_template) const;
  /// Whether the release's values were rendered from what is still so.
  bool rendered_already(const HelmChartProxy& proxy, const api::cluster::Cluster& cluster,
                        const HelmReleaseProxy* release) const;
  /// The objects that the template may see, as they are (caches know only the fields of our kinds);
  /// fails with kUnavailable while one is not there yet.
  Task<Json> template_data(ClusterPtr cluster, std::string values_template);
  Task<std::string> render(std::string values_template, Json data);
  std::string now() const;

  kube::Runtime& runtime_;
  std::string helm_;
  /// By proxy and Cluster. Only saves reading objects anew that did not change; lost at a restart.
  std::map<kube::ObjectKey, std::map<std::string, RenderedFrom>> rendered_;
};

}  // namespace nestor::addon
