#include "autoscale/tenant_caches.hpp"

#include <utility>

namespace nestor::autoscale {
namespace {

using api::core::ConfigMap;
using NodeInformer = kube::Informer<api::core::Node>;

constexpr Duration kSyncTimeout = std::chrono::seconds(10);
constexpr const char* kPriorityMap = "cluster-autoscaler-priority-expander";

/// What of a node decisions depend on, without what a kubelet repeats.
bool same(const api::core::Node& a, const api::core::Node& b) {
  return a.spec == b.spec && a.metadata.labels == b.metadata.labels &&
         a.metadata.annotations == b.metadata.annotations &&
         a.status.allocatable == b.status.allocatable && api::core::ready(a) == api::core::ready(b);
}

template <class T>
Task<> synced(kube::Informer<T> informer) {
  const auto predicate = [&core = informer.core()] { return core.synced(); };
  co_return co_await informer.wait_until(predicate, kSyncTimeout);
}

}  // namespace

template <class T>
void TenantCaches::watch(kube::Informer<T> informer, std::weak_ptr<TenantCaches> self) {
  informer.subscribe([self = std::move(self)](const auto&, const auto&) {
    if (const auto alive = self.lock()) alive->on_change_(false);
  });
}

kube::Informer<ConfigMap> TenantCaches::priority_map() {
  kube::Scope scope;
  scope.ns = "kube-system";
  scope.field_selector = std::string("metadata.name=") + kPriorityMap;
  return session_->informers().of<ConfigMap>(scope);
}

std::shared_ptr<TenantCaches> TenantCaches::start(std::shared_ptr<tenant::Session> session,
                                                  OnChange on_change) {
  std::shared_ptr<TenantCaches> out(new TenantCaches(std::move(session), std::move(on_change)));
  const std::weak_ptr<TenantCaches> self = out;
  out->self_ = self;
  auto& informers = out->session_->informers();
  informers.of<Pod>().subscribe([self](const auto& old, const auto& now) {
    if (const auto alive = self.lock()) alive->pod_changed(old, now);
  });
  out->nodes().subscribe([self](const auto& old, const auto& now) {
    if (old && now && same(*old, *now)) return;
    if (const auto alive = self.lock()) alive->on_change_(false);
  });
  out->watch(informers.of<PodDisruptionBudget>(), self);
  out->watch(informers.of<DaemonSet>(), self);
  out->watch(out->priority_map(), self);
  return out;
}

void TenantCaches::pod_changed(const std::shared_ptr<const Pod>& old,
                               const std::shared_ptr<const Pod>& now) {
  if (now) {
    // Nobody else holds the new object yet.
    now->shape = pool_.share(now->shape);
    if (!now->claims.empty()) watch_volumes();
    if (now->shape->selects_namespaces()) watch_namespaces();
  }
  const bool waits = now && now->unschedulable && now->node.empty();
  const bool waited = old && old->unschedulable && old->node.empty();
  if (waits && !waited) {
    on_change_(true);
    return;
  }
  const bool moved = !old || !now || old->node != now->node || old->phase != now->phase ||
                     old->metadata.deletionTimestamp != now->metadata.deletionTimestamp ||
                     old->metadata.annotations != now->metadata.annotations || waits != waited;
  if (moved) on_change_(false);
}

void TenantCaches::watch_volumes() {
  if (std::exchange(volumes_watched_, true)) return;
  auto& informers = session_->informers();
  watch(informers.of<PersistentVolumeClaim>(), self_);
  watch(informers.of<PersistentVolume>(), self_);
  watch(informers.of<StorageClass>(), self_);
  watch(informers.of<CsiNode>(), self_);
}

void TenantCaches::watch_namespaces() {
  if (std::exchange(namespaces_watched_, true)) return;
  watch(session_->informers().of<Namespace>(), self_);
}

Task<> TenantCaches::wait_synced() {
  auto& informers = session_->informers();
  NESTOR_CO_TRY_VOID(co_await synced(informers.of<Pod>()));
  NESTOR_CO_TRY_VOID(co_await synced(nodes()));
  NESTOR_CO_TRY_VOID(co_await synced(informers.of<PodDisruptionBudget>()));
  NESTOR_CO_TRY_VOID(co_await synced(informers.of<DaemonSet>()));
  NESTOR_CO_TRY_VOID(co_await synced(priority_map()));
  // A pod that comes meanwhile may need more of them.
  bool volumes = false;
  bool namespaces = false;
  while (volumes != volumes_watched_ || namespaces != namespaces_watched_) {
    volumes = volumes_watched_;
    namespaces = namespaces_watched_;
    if (volumes) {
      NESTOR_CO_TRY_VOID(co_await synced(informers.of<PersistentVolumeClaim>()));
      NESTOR_CO_TRY_VOID(co_await synced(informers.of<PersistentVolume>()));
      NESTOR_CO_TRY_VOID(co_await synced(informers.of<StorageClass>()));
      NESTOR_CO_TRY_VOID(co_await synced(informers.of<CsiNode>()));
    }
    if (namespaces) NESTOR_CO_TRY_VOID(co_await synced(informers.of<Namespace>()));
  }
  co_return Result<>{};
}

void TenantCaches::fill_volumes(TenantView& view) {
  if (!volumes_watched_) return;
  auto& informers = session_->informers();
  for (const auto& node : informers.of<CsiNode>().list()) {
    for (const CsiNodeDriver& driver : node->spec.drivers) {
      if (!driver.allocatable.count) continue;
      view.volume_limits[node->metadata.name][driver.name] = *driver.allocatable.count;
    }
  }
  // The decision may be made on another thread, so it gets copies.
  std::map<std::pair<std::string, std::string>, VolumeUse> uses;
  auto volumes = informers.of<PersistentVolume>();
  auto classes = informers.of<StorageClass>();
  for (const auto& claim : informers.of<PersistentVolumeClaim>().list()) {
    VolumeUse use;
    const auto storage = classes.get({"", claim->spec.storageClassName.value_or("")});
    if (const auto volume = volumes.get({"", claim->spec.volumeName})) {
      use.driver = volume->spec.csi.driver;
      use.handle = volume->spec.csi.volumeHandle;
      use.node_terms = read_node_selector(&volume->spec.nodeAffinity.required);
    } else if (storage) {
      use.driver = storage->provisioner;
    }
    const bool waits_for_pod = storage && storage->volumeBindingMode == "WaitForFirstConsumer";
    if (claim->spec.volumeName.empty() && !waits_for_pod) {
      use.missing = "pod has unbound immediate PersistentVolumeClaims";
    }
    uses[{claim->metadata.namespace_, claim->metadata.name}] = std::move(use);
  }
  view.volume = [uses = std::move(uses)](const std::string& ns, const std::string& claim) {
    const auto found = uses.find({ns, claim});
    if (found != uses.end()) return found->second;
    VolumeUse unknown;
    unknown.missing = "persistentvolumeclaim \"" + claim + "\" not found";
    return unknown;
  };
}

void TenantCaches::fill(TenantView& view, std::vector<std::string>& errors) {
  auto& informers = session_->informers();
  view.nodes = nodes().list();
  view.pods = informers.of<Pod>().list();
  for (const auto& budget : informers.of<PodDisruptionBudget>().list()) {
    Budget one;
    one.ns = budget->metadata.namespace_;
    one.name = budget->metadata.name;
    one.selector = read_label_selector(&budget->spec.selector);
    one.allowed = budget->status.disruptionsAllowed;
    view.budgets.push_back(std::move(one));
  }
  for (const auto& daemon : informers.of<DaemonSet>().list()) {
    auto shape = read_shape(daemon->spec.template_, daemon->metadata.namespace_);
    if (shape) view.daemons.push_back(std::make_shared<const PodShape>(*std::move(shape)));
  }
  fill_volumes(view);
  if (namespaces_watched_) {
    for (const auto& one : informers.of<Namespace>().list()) {
      view.namespaces[one->metadata.name] = one->metadata.labels;
    }
  }
  if (const auto map = priority_map().get({"kube-system", kPriorityMap})) {
    const auto text = map->data.find("priorities");
    auto read = Priorities::parse(text == map->data.end() ? "" : text->second);
    if (read) {
      view.priorities = *std::move(read);
    } else {
      errors.push_back("ConfigMap kube-system/" + std::string(kPriorityMap) + ": " +
                       read.error().message);
    }
  }
}

}  // namespace nestor::autoscale
