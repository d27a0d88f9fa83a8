#pragma once

#include <map>
#include <memory>
#include <string>

#include "addon/release.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "api/cluster/cluster.hpp"
#include "kube/runtime.hpp"

namespace nestor::addon {

/// One Helm release in one tenant for each HelmReleaseProxy. helm runs only when something that the
/// release is made of has changed, so a restart of the manager or a quiet tenant costs nothing.
/// Of several for the same release the oldest has it; the next has its turn when that one is gone.
/// A tenant that is away is waited for; one that is being deleted keeps no proxy.
class HelmReleaseProxyController {
 public:
  /// At most `concurrency` runs of helm at the same time, a quarter of them in one Cluster.
  HelmReleaseProxyController(kube::Runtime& runtime, tenant::Sessions& sessions, std::string helm,
                             int concurrency)
      : runtime_(runtime), sessions_(sessions), helm_(std::move(helm)), concurrency_(concurrency) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using HelmReleaseProxy = api::addons::HelmReleaseProxy;
  using ReleasePtr = std::shared_ptr<const HelmReleaseProxy>;
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;

  void watch_clusters(kube::Controller& controller);
  void watch_charts(kube::Controller& controller);
  /// Notes whose release it is; what is said of one in an earlier Cluster of that name goes.
  static void forget_other_cluster(HelmReleaseProxy& after, const api::cluster::Cluster& cluster);
  /// Finalizer, release name and Cluster; whether anything was missing.
  Task<bool> prepare(ReleasePtr release, ClusterPtr cluster);
  /// Sets ClusterAvailable in `after`; whether it is.
  bool observe_cluster(HelmReleaseProxy& after, const ClusterPtr& cluster);
  /// The oldest other HelmReleaseProxy of the same release, if it is older: two would undo each
  /// other's work.
  ReleasePtr owner_of_release(const HelmReleaseProxy& release);
  /// Says in `after` that the release is `owner`'s.
  void wait_for(const HelmReleaseProxy& owner, HelmReleaseProxy& after) const;
  /// Installs or upgrades if need be and tells it in `after`.
  Task<kube::ReconcileResult> install(ReleasePtr release, std::shared_ptr<tenant::Session> session,
                                      HelmReleaseProxy& after);
  Task<> run_helm(ReleasePtr release, std::shared_ptr<tenant::Session> session, ReleaseWork work,
                  HelmReleaseProxy& after);
  /// Ends when a run of helm for `release` has lost its sense: the proxy or its Cluster goes.
  Task<> until_pointless(ReleasePtr release);
  Task<kube::ReconcileResult> reconcile_delete(ReleasePtr release, ClusterPtr cluster);
  Task<> write(ReleasePtr before, HelmReleaseProxy after);
  /// Time left until these inputs may be tried again; zero for new ones.
  Duration wait_left(const kube::ObjectMeta& release, const std::string& inputs) const;
  /// Says that it failed, in conditions and an event, and when to try again. `inputs`: what was
  /// tried, as far as known.
  kube::ReconcileResult failed(HelmReleaseProxy& after, const char* reason, const Error& error,
                               std::string inputs);
  std::string now() const;

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  std::string helm_;
  int concurrency_;
  struct Failure {
    /// In a row.
    int times = 0;
    /// What was tried, and not before when again: what a failure writes wakes us too.
    std::string inputs = {};
    /// Of the release's spec: other options are worth another try as well.
    std::int64_t generation = 0;
    SteadyTime retry_at = {};
  };
  std::map<kube::ObjectKey, Failure> failures_;
};

}  // namespace nestor::addon
