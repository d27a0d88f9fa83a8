#include "addon/helm_release_proxy_controller.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <tuple>
#include <variant>

#include "addon/indexes.hpp"
#include "addon/release_status.hpp"
#include "api/addons/labels.hpp"
#include "api/core/config_map.hpp"
#include "api/core/secret.hpp"

namespace nestor::addon {

using namespace asio::experimental::awaitable_operators;
using api::addons::HelmReleaseProxy;
using api::cluster::Cluster;
namespace names = api::addons;

namespace {

constexpr const char* kByRepository = "helmreleaseproxy.repository";
constexpr std::chrono::seconds kFirstRetry{10};
constexpr std::chrono::seconds kLastRetry{900};
/// Longer than any run of helm.
constexpr std::chrono::hours kLongest{48};
/// In place of a hash of inputs.
constexpr const char* kRemoval = "removal";

/// A ConfigMap or Secret that holds a chart, without what is in it.
template <class Of>
struct ChartObject {
  static constexpr kube::ResourceType kType = Of::kType;
  kube::ObjectMeta metadata;
};
using ChartConfigMap = ChartObject<api::core::ConfigMap>;
using ChartSecret = ChartObject<api::core::Secret>;
BOOST_DESCRIBE_STRUCT(ChartConfigMap, (), (metadata))
BOOST_DESCRIBE_STRUCT(ChartSecret, (), (metadata))

/// What of a Cluster decides over its releases.
auto concern(const Cluster& cluster) {
  return std::tuple(cluster.metadata.uid, cluster.metadata.deletionTimestamp,
                    cluster.status.initialization.controlPlaneInitialized.value_or(false),
                    api::cluster::paused(cluster, cluster.metadata));
}

bool same_release(const HelmReleaseProxy& a, const HelmReleaseProxy& b) {
  return a.metadata.namespace_ == b.metadata.namespace_ &&
         a.spec.clusterRef.name == b.spec.clusterRef.name &&
         a.spec.releaseName == b.spec.releaseName &&
         release_namespace(a.spec) == release_namespace(b.spec);
}

bool is_older(const HelmReleaseProxy& a, const HelmReleaseProxy& b) {
  return std::tie(a.metadata.creationTimestamp, a.metadata.uid) <
         std::tie(b.metadata.creationTimestamp, b.metadata.uid);
}

}  // namespace

void HelmReleaseProxyController::add() {
  auto& controller = runtime_.add_controller(
      "addon.helmreleaseproxy", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = concurrency_, .group = [this](const kube::ObjectKey& key) {
         const auto release = runtime_.informers().of<HelmReleaseProxy>().get(key);
         if (!release) return std::string();
         return kube::ObjectKey{key.ns, release->spec.clusterRef.name}.to_string();
       }});
  auto releases = runtime_.informers().of<HelmReleaseProxy>();
  index_by_cluster(releases);
  releases.add_index(kByRepository, [](const HelmReleaseProxy& release) {
    const auto source = parse_chart_source(release.spec.repoURL, release.metadata.namespace_);
    std::vector<std::string> out;
    if (source && source->in_cluster()) out.push_back(source->object.to_string());
    return out;
  });
  controller.watch(releases);
  // One that goes, or becomes another release, leaves its release to the next.
  releases.subscribe([this, &controller](const ReleasePtr& old, const ReleasePtr& now) {
    if (!old || (now && same_release(*old, *now))) return;
    auto all = runtime_.informers().of<HelmReleaseProxy>();
    const kube::ObjectKey cluster{old->metadata.namespace_, old->spec.clusterRef.name};
    for (const auto& one : all.by_index(kByCluster, cluster.to_string())) {
      if (same_release(*old, *one)) controller.enqueue(one->metadata.key());
    }
  });
  watch_clusters(controller);
  watch_charts(controller);
}

void HelmReleaseProxyController::watch_clusters(kube::Controller& controller) {
  auto clusters = runtime_.informers().of<Cluster>();
  const auto all_of = [this, &controller](const kube::ObjectKey& cluster) {
    auto releases = runtime_.informers().of<HelmReleaseProxy>();
    for (const auto& one : releases.by_index(kByCluster, cluster.to_string())) {
      controller.enqueue(one->metadata.key());
    }
  };
  // Only to wait for the cache; which changes matter is decided below.
  controller.watch_mapped<Cluster>(clusters,
                                   [](const Cluster&) { return std::vector<kube::ObjectKey>{}; });
  clusters.subscribe([all_of](const ClusterPtr& old, const ClusterPtr& now) {
    if (old && now && concern(*old) == concern(*now)) return;
    all_of((now ? now : old)->metadata.key());
  });
  sessions_.on_change([all_of](const kube::ObjectKey& cluster, bool) { all_of(cluster); });
}

void HelmReleaseProxyController::watch_charts(kube::Controller& controller) {
  kube::Scope labelled;
  labelled.label_selector = names::kHelmChartLabel;
  const auto users = [this](const auto& object) {
    std::vector<kube::ObjectKey> keys;
    auto releases = runtime_.informers().of<HelmReleaseProxy>();
    for (const auto& one : releases.by_index(kByRepository, object.metadata.key().to_string())) {
      keys.push_back(one->metadata.key());
    }
    return keys;
  };
  controller.watch_mapped<ChartConfigMap>(runtime_.informers().of<ChartConfigMap>(labelled), users);
  controller.watch_mapped<ChartSecret>(runtime_.informers().of<ChartSecret>(labelled), users);
}

std::string HelmReleaseProxyController::now() const {
  return format_rfc3339(runtime_.clock().now());
}

Task<kube::ReconcileResult> HelmReleaseProxyController::reconcile(kube::ObjectKey key) {
  auto& informers = runtime_.informers();
  const auto release = informers.of<HelmReleaseProxy>().get(key);
  if (!release) {
    failures_.erase(key);
    co_return kube::ReconcileResult{};
  }
  const auto cluster = informers.of<Cluster>().get({key.ns, release->spec.clusterRef.name});
  if (cluster && !cluster->metadata.deleting() &&
      api::cluster::paused(*cluster, release->metadata)) {
    co_return kube::ReconcileResult{};
  }
  if (release->metadata.deleting()) co_return co_await reconcile_delete(release, cluster);
  NESTOR_CO_TRY(const bool was_missing, co_await prepare(release, cluster));
  if (was_missing) co_return kube::ReconcileResult{};

  HelmReleaseProxy after = *release;
  kube::ReconcileResult result;
  if (const auto owner = owner_of_release(*release)) {
    wait_for(*owner, after);
  } else if (observe_cluster(after, cluster)) {
    if (const auto session = sessions_.find(cluster->metadata.key())) {
      NESTOR_CO_TRY(result, co_await install(release, session, after));
    }
  }
  after.status.observedGeneration = release->metadata.generation;
  summarize(after.status.conditions,
            {names::kClusterAvailableCondition, names::kReleaseReadyCondition},
            release->metadata.generation, now());
  NESTOR_CO_TRY_VOID(co_await write(release, std::move(after)));
  co_return result;
}

void HelmReleaseProxyController::forget_other_cluster(HelmReleaseProxy& after,
                                                      const Cluster& cluster) {
  auto& annotations = after.metadata.annotations;
  const std::string installed_in(after.metadata.annotation(names::kReleaseClusterAnnotation));
  if (installed_in == cluster.metadata.uid) return;
  if (!installed_in.empty()) {
    annotations.erase(std::string(names::kReleaseInputsAnnotation));
    annotations.erase(std::string(names::kReleaseInstalledAnnotation));
    after.status = {};
  }
  // What has none is of a manager that did not note it yet, or new.
  annotations[std::string(names::kReleaseClusterAnnotation)] = cluster.metadata.uid;
}

Task<bool> HelmReleaseProxyController::prepare(ReleasePtr release, ClusterPtr cluster) {
  HelmReleaseProxy after = *release;
  if (!release->metadata.has_finalizer(names::kHelmReleaseProxyFinalizer)) {
    after.metadata.finalizers.emplace_back(names::kHelmReleaseProxyFinalizer);
  }
  if (release->spec.releaseName.empty()) {
    after.spec.releaseName = generated_release_name(*release);
    after.metadata.annotations[std::string(names::kReleaseNameGeneratedAnnotation)] = "true";
  }
  if (cluster) forget_other_cluster(after, *cluster);
  if (after == *release) co_return false;
  NESTOR_CO_TRY_VOID(co_await write(release, std::move(after)));
  co_return true;
}

bool HelmReleaseProxyController::observe_cluster(HelmReleaseProxy& after,
                                                 const ClusterPtr& cluster) {
  std::string reason = "ClusterAvailable";
  std::string message;
  if (!cluster || cluster->metadata.deleting()) {
    reason = "GetClusterFailed";
    message =
        "Cluster " + after.spec.clusterRef.name + (cluster ? " is being deleted" : " is gone");
  } else if (!cluster->status.initialization.controlPlaneInitialized.value_or(false)) {
    reason = "ControlPlaneNotInitialized";
    message = "the control plane of Cluster " + after.spec.clusterRef.name + " does not answer yet";
  } else if (!sessions_.find(cluster->metadata.key())) {
    reason = "ClusterUnreachable";
    message = sessions_.probe(cluster->metadata.key()).message;
  }
  const bool available = reason == "ClusterAvailable";
  set_condition(after.status.conditions, names::kClusterAvailableCondition, available, reason,
                std::move(message), after.metadata.generation, now());
  return available;
}

HelmReleaseProxyController::ReleasePtr HelmReleaseProxyController::owner_of_release(
    const HelmReleaseProxy& release) {
  ReleasePtr oldest;
  auto all = runtime_.informers().of<HelmReleaseProxy>();
  const kube::ObjectKey cluster{release.metadata.namespace_, release.spec.clusterRef.name};
  for (const auto& one : all.by_index(kByCluster, cluster.to_string())) {
    if (!same_release(*one, release) || !is_older(*one, release)) continue;
    if (!oldest || is_older(*one, *oldest)) oldest = one;
  }
  return oldest;
}

void HelmReleaseProxyController::wait_for(const HelmReleaseProxy& owner,
                                          HelmReleaseProxy& after) const {
  // What it may have installed is the other's to change and to remove now.
  after.metadata.annotations.erase(std::string(names::kReleaseInputsAnnotation));
  after.metadata.annotations.erase(std::string(names::kReleaseInstalledAnnotation));
  set_condition(after.status.conditions, names::kReleaseReadyCondition, false, "ReleaseTaken",
                "release " + after.spec.releaseName + " in namespace " +
                    release_namespace(after.spec) + " is of the older HelmReleaseProxy " +
                    owner.metadata.name,
                after.metadata.generation, now());
}

Task<kube::ReconcileResult> HelmReleaseProxyController::install(
    ReleasePtr release, std::shared_ptr<tenant::Session> session, HelmReleaseProxy& after) {
  const auto& metadata = release->metadata;
  const bool installed = metadata.annotation(names::kReleaseInstalledAnnotation) == "true";
  if (installed && release->spec.reconcileStrategy == names::kInstallOnce) {
    co_return kube::ReconcileResult{};
  }
  auto& client = runtime_.client();
  auto work = co_await read_release_work(client, release->spec, metadata.namespace_);
  if (!work) {
    if (work.error().code == Code::kCancelled) co_return std::unexpected(work.error());
    co_return failed(after, "HelmInstallOrUpgradeFailed", work.error(), "");
  }
  const auto& conditions = release->status.conditions;
  if (metadata.annotation(names::kReleaseInputsAnnotation) == work->inputs &&
      kube::condition_true(conditions, names::kReleaseReadyCondition)) {
    co_return kube::ReconcileResult{};
  }
  if (const auto left = wait_left(metadata, work->inputs); left > Duration::zero()) {
    co_return kube::ReconcileResult{.requeue_after = left};
  }
  const std::string inputs = work->inputs;
  auto kubeconfig = co_await tenant_kubeconfig(client, session->cluster());
  if (!kubeconfig) {
    if (kubeconfig.error().code == Code::kCancelled) co_return std::unexpected(kubeconfig.error());
    co_return failed(after, "GetKubeconfigFailed", kubeconfig.error(), inputs);
  }
  work->kubeconfig = std::move(*kubeconfig);
  auto done = co_await run_helm(release, session, std::move(*work), after);
  if (!done && (done.error().code == Code::kCancelled || done.error().code == Code::kAborted)) {
    co_return std::unexpected(done.error());
  }
  if (!done) co_return failed(after, "HelmInstallOrUpgradeFailed", done.error(), inputs);
  failures_.erase(metadata.key());
  co_return kube::ReconcileResult{};
}

Task<> HelmReleaseProxyController::run_helm(ReleasePtr release,
                                            std::shared_ptr<tenant::Session> session,
                                            ReleaseWork work, HelmReleaseProxy& after) {
  const std::string inputs = work.inputs;
  std::optional<Release> broken;
  Result<Release> applied;
  try {
    // helm may wait for pods up to its timeout; nobody needs to wait for it once it is in vain.
    auto first =
        co_await (apply_release(runtime_.processes(), helm_, session, std::move(work), broken) ||
                  until_pointless(release));
    if (first.index() == 1) {
      NESTOR_CO_TRY_VOID(std::get<1>(std::move(first)));
      co_return fail(Code::kAborted, "given up: its Cluster or itself is being deleted");
    }
    applied = std::get<0>(std::move(first));
  } catch (const asio::multiple_exceptions&) {
    // Both sides were cancelled before they began: Asio says so by throwing.
    co_return fail(Code::kCancelled, "cancelled");
  }
  if (!applied) {
    if (broken) {
      after.status.status = broken->status;
      after.status.revision = broken->revision;
    }
    co_return std::unexpected(std::move(applied).error());
  }
  if (after.status.revision != applied->revision) {
    runtime_.events().normal(*release, "HelmReleaseDeployed",
                             "release " + release->spec.releaseName + " is at revision " +
                                 std::to_string(applied->revision) + " in Cluster " +
                                 session->cluster().name);
  }
  after.status.status = applied->status;
  after.status.revision = applied->revision;
  auto& annotations = after.metadata.annotations;
  annotations[std::string(names::kReleaseInputsAnnotation)] = inputs;
  annotations[std::string(names::kReleaseInstalledAnnotation)] = "true";
  set_condition(after.status.conditions, names::kReleaseReadyCondition, true, "HelmReleaseDeployed",
                "", after.metadata.generation, now());
  co_return Result<>{};
}

Task<> HelmReleaseProxyController::until_pointless(ReleasePtr release) {
  auto releases = runtime_.informers().of<HelmReleaseProxy>();
  auto clusters = runtime_.informers().of<Cluster>();
  const kube::ObjectKey key = release->metadata.key();
  const kube::ObjectKey cluster{key.ns, release->spec.clusterRef.name};
  const auto going = [](const auto& object) { return !object || object->metadata.deleting(); };
  try {
    auto first =
        co_await (releases.wait_until([=]() { return going(releases.get(key)); }, kLongest) ||
                  clusters.wait_until([=]() { return going(clusters.get(cluster)); }, kLongest));
    co_return first.index() == 0 ? std::get<0>(std::move(first)) : std::get<1>(std::move(first));
  } catch (const asio::multiple_exceptions&) {
    co_return fail(Code::kCancelled, "cancelled");
  }
}

Duration HelmReleaseProxyController::wait_left(const kube::ObjectMeta& release,
                                               const std::string& inputs) const {
  const auto it = failures_.find(release.key());
  if (it == failures_.end() || it->second.inputs != inputs) return Duration::zero();
  if (it->second.generation != release.generation.value_or(0)) return Duration::zero();
  return time_until(it->second.retry_at, runtime_.clock().steady_now());
}

kube::ReconcileResult HelmReleaseProxyController::failed(HelmReleaseProxy& after,
                                                         const char* reason, const Error& error,
                                                         std::string inputs) {
  set_condition(after.status.conditions, names::kReleaseReadyCondition, false, reason,
                error.message, after.metadata.generation, now());
  runtime_.events().warning(after, reason, error.message);
  // A failed run costs the tenant a revision and us a process: slower each time.
  Failure& failure = failures_[after.metadata.key()];
  const int times = std::min(failure.times++, 10);
  const auto delay = std::min(Duration(kFirstRetry) * (1 << times), Duration(kLastRetry));
  failure.inputs = std::move(inputs);
  failure.generation = after.metadata.generation.value_or(0);
  failure.retry_at = runtime_.clock().steady_now() + delay;
  return {.requeue_after = delay};
}

Task<kube::ReconcileResult> HelmReleaseProxyController::reconcile_delete(ReleasePtr release,
                                                                         ClusterPtr cluster) {
  if (!release->metadata.has_finalizer(names::kHelmReleaseProxyFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  HelmReleaseProxy after = *release;
  const bool reachable = cluster && sessions_.find(cluster->metadata.key()) != nullptr;
  if (const auto left = wait_left(release->metadata, kRemoval);
      reachable && left > Duration::zero()) {
    co_return kube::ReconcileResult{.requeue_after = left};
  }
  const bool tenant_goes = !cluster || cluster->metadata.deleting();
  const bool own = owner_of_release(*release) == nullptr;
  if (own && !tenant_goes && validate_release(release->spec)) {
    const bool ever_reached =
        cluster->status.initialization.controlPlaneInitialized.value_or(false);
    Result<> removed;
    if (!ever_reached) {
      // Nothing can have been installed.
    } else if (!reachable) {
      removed = fail(Code::kUnavailable,
                     "Cluster " + cluster->metadata.name +
                         " does not answer: " + sessions_.probe(cluster->metadata.key()).message);
    } else {
      auto kubeconfig = co_await tenant_kubeconfig(runtime_.client(), cluster->metadata.key());
      if (!kubeconfig) {
        removed = std::unexpected(std::move(kubeconfig).error());
      } else {
        removed = co_await remove_release(runtime_.processes(), helm_, release->spec, *kubeconfig);
      }
    }
    if (!removed && removed.error().code == Code::kCancelled)
      co_return std::unexpected(removed.error());
    if (!removed) {
      const auto result = failed(after, "HelmReleaseDeletionFailed", removed.error(), kRemoval);
      summarize(after.status.conditions, {names::kReleaseReadyCondition},
                release->metadata.generation, now());
      NESTOR_CO_TRY_VOID(co_await write(release, std::move(after)));
      co_return result;
    }
  }
  std::erase(after.metadata.finalizers, names::kHelmReleaseProxyFinalizer);
  auto written = co_await write(release, std::move(after));
  if (!written && written.error().code != Code::kNotFound)
    co_return std::unexpected(written.error());
  failures_.erase(release->metadata.key());
  co_return kube::ReconcileResult{};
}

Task<> HelmReleaseProxyController::write(ReleasePtr before, HelmReleaseProxy after) {
  co_return co_await kube::patch_changes(runtime_.client(), *before, after);
}

}  // namespace nestor::addon
