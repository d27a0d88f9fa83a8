#include "addon/helm_chart_proxy_controller.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "addon/helm.hpp"
#include "addon/indexes.hpp"
#include "addon/template_objects.hpp"
#include "addon/values_template.hpp"
#include "api/addons/labels.hpp"
#include "api/cluster/labels.hpp"
#include "pki/pki.hpp"

namespace nestor::addon {

using api::cluster::Cluster;
namespace names = api::addons;

namespace {

constexpr const char* kManager = "nestor-helmchartproxy";
constexpr const char* kByProxy = "helmreleaseproxy.helmchartproxy";
/// Of one rendering; a template can loop for ever.
constexpr std::chrono::seconds kRenderTimeout{20};
/// helm runs for templates at the same time; each takes some 50 MB for some 50 ms.
constexpr int kConcurrency = 2;

std::string proxy_index(const kube::ObjectMeta& release) {
  return release.namespace_ + "/" + std::string(release.label(names::kHelmChartProxyNameLabel));
}

/// Whether anything but the status changed.
bool same_wish(const Cluster& a, const Cluster& b) {
  return a.metadata.uid == b.metadata.uid && a.metadata.generation == b.metadata.generation &&
         a.metadata.labels == b.metadata.labels &&
         a.metadata.annotations == b.metadata.annotations &&
         a.metadata.deletionTimestamp == b.metadata.deletionTimestamp;
}

/// What the template names of the Cluster's other objects, by the names it has for them.
std::map<std::string, api::cluster::ContractReference> references_of(
    const Cluster& cluster, const std::string& values_template) {
  std::map<std::string, api::cluster::ContractReference> out;
  for (const auto& [name, reference] :
       {std::pair("ControlPlane", cluster.spec.controlPlaneRef),
        std::pair("InfraCluster", cluster.spec.infrastructureRef)}) {
    if (values_template.find(name) == std::string::npos || reference.name.empty()) continue;
    out[name] = reference;
  }
  return out;
}

}  // namespace

void HelmChartProxyController::add() {
  auto& controller = runtime_.add_controller(
      "addon.helmchartproxy", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = kConcurrency});
  auto releases = runtime_.informers().of<HelmReleaseProxy>();
  releases.add_index(kByProxy, [](const HelmReleaseProxy& release) {
    return std::vector<std::string>{proxy_index(release.metadata)};
  });
  index_by_cluster(releases);
  controller.watch(runtime_.informers().of<HelmChartProxy>());
  controller.watch_mapped<HelmReleaseProxy>(releases, [](const HelmReleaseProxy& release) {
    const auto name = release.metadata.label(names::kHelmChartProxyNameLabel);
    std::vector<kube::ObjectKey> keys;
    if (!name.empty()) keys.push_back({release.metadata.namespace_, std::string(name)});
    return keys;
  });
  watch_clusters(controller);
}

void HelmChartProxyController::watch_clusters(kube::Controller& controller) {
  auto clusters = runtime_.informers().of<Cluster>();
  // Only to wait for the cache; which changes matter is decided below.
  controller.watch_mapped<Cluster>(clusters,
                                   [](const Cluster&) { return std::vector<kube::ObjectKey>{}; });
  clusters.subscribe([this, &controller](const ClusterPtr& old, const ClusterPtr& now) {
    const bool status_only = old && now && same_wish(*old, *now);
    for (const ClusterPtr& one : {old, now}) {
      if (!one) continue;
      for (const kube::ObjectKey& key : proxies_of(*one)) {
        const auto proxy = runtime_.informers().of<HelmChartProxy>().get(key);
        if (status_only && proxy &&
            proxy->spec.valuesTemplate.find("status") == std::string::npos) {
          continue;
        }
        controller.enqueue(key);
      }
    }
  });
  watch_template_objects(runtime_, controller,
                         [this](const Cluster& cluster) { return proxies_of(cluster); });
}

std::string HelmChartProxyController::now() const { return format_rfc3339(runtime_.clock().now()); }

std::vector<kube::ObjectKey> HelmChartProxyController::proxies_of(const Cluster& cluster) const {
  std::vector<kube::ObjectKey> keys;
  const auto& metadata = cluster.metadata;
  for (const auto& proxy : runtime_.informers().of<HelmChartProxy>().list(metadata.namespace_)) {
    if (api::matches(proxy->spec.clusterSelector, metadata.labels)) {
      keys.push_back(proxy->metadata.key());
    }
  }
  // Also those that selected it before: what they made must be looked at.
  auto releases = runtime_.informers().of<HelmReleaseProxy>();
  for (const auto& release : releases.by_index(kByCluster, metadata.key().to_string())) {
    const auto name = release->metadata.label(names::kHelmChartProxyNameLabel);
    if (!name.empty()) keys.push_back({metadata.namespace_, std::string(name)});
  }
  return keys;
}

std::vector<HelmChartProxyController::ReleasePtr> HelmChartProxyController::releases_of(
    const HelmChartProxy& proxy) const {
  return runtime_.informers().of<HelmReleaseProxy>().by_index(kByProxy,
                                                              proxy.metadata.key().to_string());
}

std::vector<HelmChartProxyController::ClusterPtr> HelmChartProxyController::selected(
    const HelmChartProxy& proxy) const {
  auto all = runtime_.informers().of<Cluster>().list(proxy.metadata.namespace_);
  std::erase_if(all, [&](const ClusterPtr& cluster) {
    return cluster->metadata.deleting() ||
           !api::matches(proxy.spec.clusterSelector, cluster->metadata.labels);
  });
  return all;
}

void HelmChartProxyController::Outcome::fault(const char* why, std::string text) {
  if (!reason.empty()) return;
  reason = why;
  message = std::move(text);
}

Task<kube::ReconcileResult> HelmChartProxyController::reconcile(kube::ObjectKey key) {
  const auto proxy = runtime_.informers().of<HelmChartProxy>().get(key);
  if (!proxy) rendered_.erase(key);
  if (!proxy ||
      proxy->metadata.annotations.contains(std::string(api::cluster::kPausedAnnotation))) {
    co_return kube::ReconcileResult{};
  }
  if (proxy->metadata.deleting()) co_return co_await reconcile_delete(proxy);
  HelmChartProxy after = *proxy;
  if (!proxy->metadata.has_finalizer(names::kHelmChartProxyFinalizer)) {
    after.metadata.finalizers.emplace_back(names::kHelmChartProxyFinalizer);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *proxy, after));
    co_return kube::ReconcileResult{};
  }

  const auto clusters = selected(*proxy);
  Outcome outcome;
  NESTOR_CO_TRY_VOID(co_await remove_others(*proxy, clusters, outcome));
  after.status.matchingClusters.clear();
  for (const auto& cluster : clusters) {
    after.status.matchingClusters.push_back(wanted_spec(*proxy, cluster->metadata, "").clusterRef);
    if (api::cluster::paused(*cluster, cluster->metadata)) continue;
    const auto releases = releases_of(*proxy);
    const auto existing = std::ranges::find_if(releases, [&](const ReleasePtr& release) {
      return release->spec.clusterRef.name == cluster->metadata.name;
    });
    NESTOR_CO_TRY_VOID(co_await sync_cluster(
        proxy, cluster, existing == releases.end() ? nullptr : *existing, outcome));
  }
  const auto generation = proxy->metadata.generation;
  const bool up_to_date = outcome.reason.empty();
  set_condition(after.status.conditions, names::kSpecsUpToDateCondition, up_to_date,
                up_to_date ? "HelmReleaseProxySpecsUpToDate" : outcome.reason, outcome.message,
                generation, now());
  observe_releases(after, releases_of(*proxy), outcome.written, now());
  after.status.observedGeneration = generation;
  summarize(after.status.conditions,
            {names::kSpecsUpToDateCondition, names::kReleasesReadyCondition}, generation, now());
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *proxy, after));
  co_return kube::ReconcileResult{};
}

Task<> HelmChartProxyController::sync_cluster(ProxyPtr proxy, ClusterPtr cluster,
                                              ReleasePtr existing, Outcome& outcome) {
  const auto note = [&](const char* reason, const std::string& message) {
    outcome.fault(reason, cluster->metadata.name + ": " + message);
  };
  if (existing && existing->metadata.deleting()) {
    note("HelmReleaseProxyReinstalling", "the release before is being removed");
    co_return Result<>{};
  }
  const bool once = proxy->spec.reconcileStrategy == names::kInstallOnce;
  if (existing && once &&
      existing->metadata.annotation(names::kReleaseInstalledAnnotation) == "true") {
    co_return Result<>{};
  }
  if (existing && needs_reinstall(wanted_spec(*proxy, cluster->metadata, ""), *existing)) {
    kube::ObjectKey key = existing->metadata.key();
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(runtime_.client(), HelmReleaseProxy::kType, key));
    note("HelmReleaseProxyReinstalling", "chart, repository, name or namespace changed");
    co_return Result<>{};
  }
  std::string values = proxy->spec.valuesTemplate;
  std::string inputs;
  if (rendered_already(*proxy, *cluster, existing.get())) {
    values = existing->spec.values;
    inputs = existing->metadata.annotation(names::kValuesInputsAnnotation);
  } else if (has_actions(values)) {
    // Of before the read: whatever is not in it yet moves a version, and its watch brings us back.
    std::string versions = versions_of(*cluster, values);
    auto data = co_await template_data(cluster, values);
    if (!data && data.error().code == Code::kCancelled) co_return std::unexpected(data.error());
    if (!data) {
      note("ValueParsingFailed", data.error().message);
      co_return Result<>{};
    }
    inputs = pki::sha256_hex(values + "\n" + to_text(*data)).substr(0, 16);
    if (existing && existing->metadata.annotation(names::kValuesInputsAnnotation) == inputs) {
      values = existing->spec.values;
    } else {
      auto rendered = co_await render(values, std::move(*data));
      if (!rendered && rendered.error().code != Code::kInvalidArgument) {
        co_return std::unexpected(std::move(rendered).error());
      }
      if (!rendered) {
        runtime_.events().warning(*proxy, "ValueParsingFailed",
                                  cluster->metadata.name + ": " + rendered.error().message);
        note("ValueParsingFailed", rendered.error().message);
        co_return Result<>{};
      }
      values = std::move(*rendered);
    }
    rendered_[proxy->metadata.key()][cluster->metadata.name] = {std::move(versions), inputs};
  }
  Spec spec = wanted_spec(*proxy, cluster->metadata, std::move(values));
  auto written = co_await write_release(proxy, std::move(spec), std::move(inputs), existing);
  if (!written && written.error().code != Code::kInvalidArgument) {
    co_return std::unexpected(std::move(written).error());
  }
  if (!written) note("HelmReleaseProxyCreationFailed", written.error().message);
  if (written && *written) outcome.written.insert(cluster->metadata.name);
  co_return Result<>{};
}

Task<bool> HelmChartProxyController::write_release(ProxyPtr proxy, Spec spec,
                                                   std::string values_inputs, ReleasePtr existing) {
  if (existing) {
    Spec same = spec;
    if (same.releaseName.empty()) same.releaseName = existing->spec.releaseName;
    if (same == existing->spec &&
        existing->metadata.annotation(names::kValuesInputsAnnotation) == values_inputs) {
      co_return false;
    }
  }
  HelmReleaseProxy release;
  release.metadata.name =
      existing ? existing->metadata.name : release_proxy_name(*proxy, spec.clusterRef.name);
  release.metadata.namespace_ = proxy->metadata.namespace_;
  auto& labels = release.metadata.labels;
  labels[std::string(names::kHelmChartProxyNameLabel)] = proxy->metadata.name;
  labels[std::string(api::cluster::kClusterNameLabel)] = spec.clusterRef.name;
  if (!values_inputs.empty()) {
    release.metadata.annotations[std::string(names::kValuesInputsAnnotation)] = values_inputs;
  }
  release.metadata.ownerReferences = {kube::owner_reference(*proxy)};
  release.spec = std::move(spec);
  auto written = co_await kube::apply(runtime_.client(), std::move(release), kManager);
  if (!written) co_return std::unexpected(std::move(written).error());
  co_return true;
}

Task<> HelmChartProxyController::remove_others(const HelmChartProxy& proxy,
                                               const std::vector<ClusterPtr>& wanted,
                                               Outcome& outcome) {
  const bool once = proxy.spec.reconcileStrategy == names::kInstallOnce;
  for (const auto& release : releases_of(proxy)) {
    const std::string name = release->spec.clusterRef.name;
    const auto named = [&](const ClusterPtr& cluster) { return cluster->metadata.name == name; };
    if (std::ranges::any_of(wanted, named)) continue;
    rendered_[proxy.metadata.key()].erase(name);
    if (release->metadata.deleting()) continue;
    const auto cluster = runtime_.informers().of<Cluster>().get({proxy.metadata.namespace_, name});
    const bool cluster_stays = cluster && !cluster->metadata.deleting();
    if (cluster_stays && (once || api::cluster::paused(*cluster, cluster->metadata))) continue;
    kube::ObjectKey key = release->metadata.key();
    auto removed =
        co_await kube::ensure_deleted(runtime_.client(), HelmReleaseProxy::kType, std::move(key));
    if (removed) continue;
    if (removed.error().code == Code::kCancelled) co_return removed;
    outcome.fault("HelmReleaseProxyDeletionFailed", name + ": " + removed.error().message);
  }
  co_return Result<>{};
}

bool HelmChartProxyController::rendered_already(const HelmChartProxy& proxy, const Cluster& cluster,
                                                const HelmReleaseProxy* release) const {
  const auto of_proxy = rendered_.find(proxy.metadata.key());
  if (of_proxy == rendered_.end() || release == nullptr) return false;
  const auto from = of_proxy->second.find(cluster.metadata.name);
  if (from == of_proxy->second.end() || from->second.versions.empty()) return false;
  return from->second.inputs == release->metadata.annotation(names::kValuesInputsAnnotation) &&
         from->second.versions == versions_of(cluster, proxy.spec.valuesTemplate);
}

std::string HelmChartProxyController::versions_of(const Cluster& cluster,
                                                  const std::string& values_template) const {
  std::string out = pki::sha256_hex(values_template) + " " + cluster.metadata.resourceVersion;
  for (const auto& [name, reference] : references_of(cluster, values_template)) {
    const auto version = cached_version(runtime_, reference, cluster.metadata.namespace_);
    if (version.empty()) return {};
    out += " " + version;
  }
  return out;
}

Task<Json> HelmChartProxyController::template_data(ClusterPtr cluster,
                                                   std::string values_template) {
  auto& client = runtime_.client();
  kube::ObjectKey key = cluster->metadata.key();
  NESTOR_CO_TRY(Json object, co_await client.get(Cluster::kType, std::move(key)));
  JsonObject data;
  data["Cluster"] = visible(std::move(object), values_template);
  for (const auto& [name, reference] : references_of(*cluster, values_template)) {
    NESTOR_CO_TRY(const kube::ResourceType type, template_object_type(reference));
    kube::ObjectKey other{cluster->metadata.namespace_, reference.name};
    auto found = co_await client.get(type, std::move(other));
    if (!found) co_return with_context(std::move(found).error(), std::string(".") + name);
    data[name] = visible(std::move(*found), values_template);
  }
  co_return Json(std::move(data));
}

Task<std::string> HelmChartProxyController::render(std::string values_template, Json data) {
  NESTOR_CO_TRY(HelmJob job, HelmJob::make(runtime_.processes(), helm_));
  for (const auto& [path, content] : template_chart(values_template, data)) {
    NESTOR_CO_TRY_VOID(job.write("chart/" + path, content));
  }
  NESTOR_CO_TRY(const std::string chart, job.make_directory("chart"));
  std::vector<std::string> arguments{"template", "--", "values", chart};
  auto output = co_await job.run(std::move(arguments), kRenderTimeout);
  if (!output && output.error().code == Code::kDeadlineExceeded) {
    co_return fail(Code::kInvalidArgument, "the valuesTemplate takes longer than 20 s to render");
  }
  if (!output) co_return std::unexpected(std::move(output).error());
  if (output->exit_code != 0) {
    co_return fail(Code::kInvalidArgument, template_fault(job.message(*output)));
  }
  co_return rendered_values(output->out);
}

Task<kube::ReconcileResult> HelmChartProxyController::reconcile_delete(ProxyPtr proxy) {
  if (!proxy->metadata.has_finalizer(names::kHelmChartProxyFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  // Asked live: a release proxy made a moment ago may not be in the cache.
  kube::ListOptions mine;
  mine.label_selector = std::string(names::kHelmChartProxyNameLabel) + "=" + proxy->metadata.name;
  NESTOR_CO_TRY(const auto releases,
                co_await kube::list<HelmReleaseProxy>(runtime_.client(), proxy->metadata.namespace_,
                                                      std::move(mine)));
  for (const auto& release : releases) {
    if (release.metadata.deleting()) continue;
    kube::ObjectKey key = release.metadata.key();
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(runtime_.client(), HelmReleaseProxy::kType, std::move(key)));
  }
  HelmChartProxy after = *proxy;
  if (releases.empty()) {
    std::erase(after.metadata.finalizers, names::kHelmChartProxyFinalizer);
  } else {
    std::vector<ReleasePtr> left;
    for (const auto& release : releases)
      left.push_back(std::make_shared<HelmReleaseProxy>(release));
    observe_releases(after, left, {}, now());
    summarize(after.status.conditions, {names::kReleasesReadyCondition}, proxy->metadata.generation,
              now());
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *proxy, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::addon
