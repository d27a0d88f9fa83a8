#include "cloud/load_balancer_controller.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/log.hpp"
#include "cloud/endpoints.hpp"
#include "cloud/names.hpp"
#include "cloud/parent_service.hpp"

namespace nestor::cloud {

using api::cluster::Cluster;
using api::core::Node;
using api::core::Service;
using api::discovery::EndpointSlice;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
using tenant::TenantKey;

namespace {

constexpr std::string_view kLoadBalancerComponent = "cloud.load-balancer";
/// Parents by the Service they stand for, and by cluster.
constexpr const char* kParentsByService = "cloud.service";
constexpr const char* kParentsByCluster = "cloud.cluster";

/// Parents and their EndpointSlices carry the tenant Service's name.
kube::Scope parent_scope() { return {.label_selector = std::string(kTenantServiceNameLabel)}; }

/// Which Service of which tenant a parent or one of its slices is for.
std::optional<TenantKey> tenant_key_of(const kube::ObjectMeta& metadata) {
  const auto cluster = metadata.label(api::cluster::kClusterNameLabel);
  const auto ns = metadata.label(kTenantServiceNamespaceLabel);
  const auto name = metadata.label(kTenantServiceNameLabel);
  if (cluster.empty() || ns.empty() || name.empty()) return std::nullopt;
  return TenantKey{{metadata.namespace_, std::string(cluster)},
                   {std::string(ns), std::string(name)}};
}

std::string index_key(const TenantKey& key) {
  return key.cluster.to_string() + "/" + key.object.to_string();
}

template <class T>
std::vector<kube::ObjectKey> packed_key_of(const T& object) {
  const auto key = tenant_key_of(object.metadata);
  return key ? std::vector<kube::ObjectKey>{key->packed()} : std::vector<kube::ObjectKey>{};
}

/// Whether what reconcile reads of a Cluster has changed.
bool concerns_us(const Cluster& old, const Cluster& now) {
  return old.metadata.annotations != now.metadata.annotations ||
         old.metadata.deletionTimestamp != now.metadata.deletionTimestamp ||
         old.spec.paused != now.spec.paused;
}

/// Worth telling the tenant's people; the others mend themselves or are the manager's own end.
bool worth_telling(Code code) {
  return code != Code::kCancelled && code != Code::kAborted && code != Code::kUnavailable;
}

}  // namespace

LoadBalancerController::LoadBalancerController(kube::Runtime& runtime, tenant::Sessions& sessions,
                                               Machines& machines, Options options)
    : runtime_(runtime),
      sessions_(sessions),
      machines_(machines),
      options_(std::move(options)),
      parents_(runtime.informers().of<Service>(parent_scope())),
      slices_(runtime.informers().of<EndpointSlice>(parent_scope())) {}

void LoadBalancerController::add() {
  controller_ = &runtime_.add_controller(
      "cloud.load-balancer", [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20, .group = TenantKey::group_of});
  watch_management(*controller_);
  sessions_.watch<Service>(
      [this](const kube::ObjectKey& cluster, const ServicePtr& old, const ServicePtr& now) {
        for (const auto& service : {old, now}) {
          if (!service || (service->spec.type != "LoadBalancer" && !has_balancer(*service))) {
            continue;
          }
          controller_->enqueue(TenantKey{cluster, service->metadata.key()}.packed());
        }
      });
  using NodePtr = tenant::Sessions::NodePtr;
  sessions_.watch_nodes(
      [this](const kube::ObjectKey& cluster, const NodePtr& old, const NodePtr& now) {
        const auto same = [&](bool local) {
          return old && now && takes_traffic(*old, local) == takes_traffic(*now, local) &&
                 machine_name(*old) == machine_name(*now);
        };
        if (!same(true) || !same(false)) enqueue_selectorless(cluster);
      });
  sessions_.on_change([this](const kube::ObjectKey& cluster, bool connected) {
    if (connected) enqueue_cluster(cluster);
  });
}

void LoadBalancerController::watch_management(kube::Controller& controller) {
  parents_.add_index(kParentsByService, [](const Service& parent) {
    const auto key = tenant_key_of(parent.metadata);
    return key ? std::vector<std::string>{index_key(*key)} : std::vector<std::string>{};
  });
  parents_.add_index(kParentsByCluster, [](const Service& parent) {
    const auto key = tenant_key_of(parent.metadata);
    return key ? std::vector<std::string>{key->cluster.to_string()} : std::vector<std::string>{};
  });
  slices_.add_index(kBySliceService, service_of_slice);
  controller.watch_mapped<Service>(parents_, packed_key_of<Service>);
  parents_.subscribe([this](const ServicePtr& old, const ServicePtr& now) {
    const auto key = tenant_key_of((now ? now : old)->metadata);
    if (!key) return;
    if (now) {
      making_[key->cluster].erase(key->packed());
    } else {
      enqueue_surplus(key->cluster);
    }
  });
  controller.watch_mapped<EndpointSlice>(slices_, packed_key_of<EndpointSlice>);
  auto clusters = runtime_.informers().of<Cluster>();
  controller.watch_mapped<Cluster>(clusters,
                                   [](const Cluster&) { return std::vector<kube::ObjectKey>{}; });
  clusters.subscribe([this](const ClusterPtr& old, const ClusterPtr& now) {
    if (!old || !now || concerns_us(*old, *now)) enqueue_cluster((now ? now : old)->metadata.key());
  });
  // A machine that moves, starts or ends changes the slices of its cluster.
  controller.watch_mapped<VirtualMachineInstance>(
      machines_.vmis(), [this](const VirtualMachineInstance& vmi) {
        if (const auto cluster = Machines::cluster_of(vmi.metadata)) enqueue_selectorless(*cluster);
        return std::vector<kube::ObjectKey>{};
      });
}

void LoadBalancerController::enqueue_cluster(const kube::ObjectKey& cluster) {
  for (const auto& parent : parents_.by_index(kParentsByCluster, cluster.to_string())) {
    for (auto& key : packed_key_of(*parent)) controller_->enqueue(std::move(key));
  }
  const auto session = sessions_.find(cluster);
  if (!session) return;
  for (const auto& service : session->informers().of<Service>().list()) {
    if (service->spec.type != "LoadBalancer" && !has_balancer(*service)) continue;
    controller_->enqueue(TenantKey{cluster, service->metadata.key()}.packed());
  }
}

void LoadBalancerController::enqueue_selectorless(const kube::ObjectKey& cluster) {
  for (const auto& parent : parents_.by_index(kParentsByCluster, cluster.to_string())) {
    if (!parent->spec.selector.empty()) continue;
    for (auto& key : packed_key_of(*parent)) controller_->enqueue(std::move(key));
  }
}

bool LoadBalancerController::admit(const Work& work) {
  const kube::ObjectKey& cluster = work.key.cluster;
  if (!parents_of(work.key).empty()) return true;
  auto& making = making_[cluster];
  std::set<kube::ObjectKey> all = making;
  for (const auto& parent : parents_.by_index(kParentsByCluster, cluster.to_string())) {
    for (auto& key : packed_key_of(*parent)) all.insert(std::move(key));
  }
  all.erase(work.key.packed());
  if (all.size() >= options_.max_load_balancers) {
    surplus_[cluster].insert(work.key.packed());
    return false;
  }
  making.insert(work.key.packed());
  return true;
}

void LoadBalancerController::give_up_place(const TenantKey& key) {
  if (making_[key.cluster].erase(key.packed()) > 0) enqueue_surplus(key.cluster);
}

void LoadBalancerController::enqueue_surplus(const kube::ObjectKey& cluster) {
  const auto waiting = surplus_.extract(cluster);
  if (!waiting) return;
  for (const auto& key : waiting.mapped()) controller_->enqueue(key);
}

std::vector<LoadBalancerController::ServicePtr> LoadBalancerController::parents_of(
    const TenantKey& key) const {
  return parents_.by_index(kParentsByService, index_key(key));
}

Task<kube::ReconcileResult> LoadBalancerController::reconcile(kube::ObjectKey key) {
  const kube::ReconcileResult woken_by_watch;
  const auto tenant = TenantKey::unpack(key);
  if (!tenant) co_return woken_by_watch;
  Work work;
  work.key = *tenant;
  // Until admit() says otherwise.
  if (const auto it = surplus_.find(tenant->cluster); it != surplus_.end()) it->second.erase(key);
  work.cluster = runtime_.informers().of<Cluster>().get(tenant->cluster);
  if (!work.cluster || work.cluster->metadata.deleting()) {
    // The tenant goes, and its Services with it.
    slices_watched_.erase(tenant->cluster);
    making_.erase(tenant->cluster);
    surplus_.erase(tenant->cluster);
    NESTOR_CO_TRY_VOID(co_await remove_parents(work.key, ""));
    co_return woken_by_watch;
  }
  work.settings = settings_of(work.cluster->metadata);
  if (api::cluster::paused(*work.cluster, {})) co_return woken_by_watch;
  work.session = sessions_.find(tenant->cluster);
  if (!work.session) {
    NESTOR_CO_TRY_VOID(co_await drop_ended(work.key));
    co_return woken_by_watch;
  }
  NESTOR_CO_TRY(work.tenant, co_await tenant_service(work));
  if (!work.tenant || !is_served_class(*work.tenant) || !wants_balancer(*work.tenant)) {
    // A parent that came and went while the watch was broken never showed.
    give_up_place(work.key);
  }
  if (!work.tenant || !is_served_class(*work.tenant)) {
    // Whoever serves another class uses the same finalizer: that is then not ours to take off.
    NESTOR_CO_TRY_VOID(co_await remove_parents(work.key, ""));
    co_return woken_by_watch;
  }
  if (!work.settings.load_balancers || !wants_balancer(*work.tenant)) {
    // Where another program serves, its finalizer and status are not ours to take off.
    if (work.settings.load_balancers || was_served(work)) {
      NESTOR_CO_TRY_VOID(co_await release(work));
    }
    co_return woken_by_watch;
  }
  auto ensured = co_await ensure(work);
  if (!ensured) {
    if (worth_telling(ensured.error().code)) {
      NESTOR_CO_TRY_VOID(co_await tell_failure(work, "SyncFailed", ensured.error().message));
    }
  }
  co_return ensured;
}

/// From the cache, or from the tenant itself when the cache does not have it (any more, or yet).
Task<LoadBalancerController::ServicePtr> LoadBalancerController::tenant_service(Work work) {
  if (auto cached = work.session->informers().of<Service>().get(work.key.object)) co_return cached;
  auto live = co_await kube::get<Service>(work.session->client(), work.key.object);
  if (live) co_return std::make_shared<const Service>(*std::move(live));
  if (live.error().code == Code::kNotFound) co_return ServicePtr{};
  co_return std::unexpected(std::move(live).error());
}

bool LoadBalancerController::was_served(const Work& work) const {
  return !work.tenant->metadata.annotation(kServedAnnotation).empty() ||
         !parents_of(work.key).empty();
}

Task<bool> LoadBalancerController::remove_parents(TenantKey key, std::string keep) {
  bool none = true;
  for (const auto& parent : parents_of(key)) {
    if (parent->metadata.name == keep) continue;
    none = false;
    if (parent->metadata.deleting()) continue;
    kube::DeleteOptions options;
    options.uid = parent->metadata.uid;
    const kube::ObjectKey name = parent->metadata.key();
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(runtime_.client(), Service::kType, name, options));
    log::info(kLoadBalancerComponent, "Service {}: removed, for {} of tenant {}", name.to_string(),
              key.object.to_string(), key.cluster.to_string());
  }
  co_return none;
}

Task<kube::ReconcileResult> LoadBalancerController::ensure(Work& work) {
  NESTOR_CO_TRY_VOID(co_await ensure_finalizer(work));
  const auto parents = parents_of(work.key);
  const auto goes = [](const ServicePtr& parent) { return parent->metadata.deleting(); };
  // When it is gone the watch comes back here, for a new one.
  if (std::ranges::any_of(parents, goes)) co_return kube::ReconcileResult{};
  if (!admit(work)) {
    NESTOR_CO_TRY_VOID(
        co_await tell_failure(work, "TooManyLoadBalancers",
                              "the cluster has its " + std::to_string(options_.max_load_balancers) +
                                  " load balancers: this one waits until another goes"));
    co_return kube::ReconcileResult{};
  }
  const auto ensured = co_await ensure_parent(work);
  if (!ensured) {
    give_up_place(work.key);
    co_return std::unexpected(ensured.error());
  }
  const Service& parent = *ensured;
  NESTOR_CO_TRY_VOID(co_await remove_parents(work.key, parent.metadata.name));
  NESTOR_CO_TRY_VOID(co_await mark_parent(parent));
  NESTOR_CO_TRY_VOID(co_await ensure_slices(work, parent));
  co_return co_await write_back(work, parent);
}

/// Before the parent: then the tenant's Service cannot go without us.
Task<> LoadBalancerController::ensure_finalizer(Work& work) {
  if (has_balancer(*work.tenant)) co_return Result<>{};
  work.session->events().normal(*work.tenant, "EnsuringLoadBalancer", "Ensuring load balancer");
  Service after = *work.tenant;
  after.metadata.finalizers.emplace_back(kBalancerFinalizer);
  after.metadata.annotations[std::string(kServedAnnotation)] = "true";
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(work.session->client(), *work.tenant, after));
  auto now = co_await kube::get<Service>(work.session->client(), work.key.object);
  if (!now) co_return std::unexpected(std::move(now).error());
  work.tenant = std::make_shared<const Service>(*std::move(now));
  co_return Result<>{};
}

Task<std::string> LoadBalancerController::name_of_parent(Work work) {
  const std::vector<std::string> names{parent_name(*work.tenant),
                                       spare_parent_name(*work.cluster, *work.tenant)};
  const auto parents = parents_of(work.key);
  for (const std::string& name : names) {
    const auto is_it = [&](const ServicePtr& parent) { return parent->metadata.name == name; };
    if (std::ranges::any_of(parents, is_it)) co_return name;
  }
  for (const std::string& name : names) {
    // Asked live: what the cache does not show must not be taken over either.
    const kube::ObjectKey key{work.cluster->metadata.namespace_, name};
    const auto live = co_await kube::get<Service>(runtime_.client(), key);
    if (!live && live.error().code != Code::kNotFound) co_return std::unexpected(live.error());
    if (!live || is_parent_of(*live, *work.cluster, *work.tenant)) co_return name;
  }
  co_return fail(Code::kFailedPrecondition,
                 "the name " + names[0] + " is taken in the management cluster");
}

Task<LoadBalancerController::Service> LoadBalancerController::ensure_parent(Work work) {
  NESTOR_CO_TRY(const std::string name, co_await name_of_parent(work));
  const kube::ObjectKey key{work.cluster->metadata.namespace_, name};
  const ServicePtr current = parents_.get(key);
  ParentInput input{.name = name,
                    .cluster = *work.cluster,
                    .tenant = *work.tenant,
                    .settings = work.settings,
                    .node_ports = options_.node_ports,
                    .passed_annotations = options_.passed_annotations,
                    .current = current.get()};
  NESTOR_CO_TRY(Service wanted, parent_service(input));
  if (current && up_to_date(*current, wanted)) co_return *current;
  const auto selector = wanted.spec.selector;
  auto applied = co_await kube::apply(runtime_.client(), std::move(wanted), kLoadBalancerManager);
  if (!applied) co_return applied;
  log::info(kLoadBalancerComponent, "Service {}: applied, for {} of tenant {}", key.to_string(),
            work.key.object.to_string(), work.key.cluster.to_string());
  if (applied->spec.selector != selector) {
    // What another manager of fields set, as upstream's cloud controller, an apply leaves there.
    Service after = *applied;
    after.spec.selector = selector;
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *applied, after));
    applied->spec.selector = selector;
  }
  co_return applied;
}

Task<> LoadBalancerController::mark_parent(Service parent) {
  auto made = kube::make_condition(api::cluster::kTenantServiceCondition, true, "Made");
  Service after = parent;
  const WallTime now = runtime_.clock().now();
  if (!kube::set_condition(after.status.conditions, std::move(made), format_rfc3339(now))) {
    co_return Result<>{};
  }
  auto marked = co_await kube::patch_changes(runtime_.client(), parent, after);
  // Somebody gave it its address meanwhile: that brings us back here.
  if (!marked && marked.error().code == Code::kAborted) co_return Result<>{};
  co_return marked;
}

Task<kube::ReconcileResult> LoadBalancerController::write_back(Work work, Service parent) {
  const WallTime now = runtime_.clock().now();
  const Service after = with_balancer(*work.tenant, parent, now);
  const auto* before = kube::find_condition(work.tenant->status.conditions, kBalancerReady);
  const auto* told = kube::find_condition(after.status.conditions, kBalancerReady);
  const bool news = before == nullptr || before->status != told->status ||
                    before->reason != told->reason || before->message != told->message;
  const bool moved = work.tenant->status.loadBalancer != after.status.loadBalancer;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(work.session->client(), *work.tenant, after));
  auto& events = work.session->events();
  if (told->status == "True" && (news || moved)) {
    events.normal(*work.tenant, "EnsuredLoadBalancer", "Ensured load balancer");
  } else if (news && told->reason != "Pending") {
    events.warning(*work.tenant, "SyncLoadBalancerFailed",
                   "Error syncing load balancer: " + told->message);
  }
  co_return kube::ReconcileResult{.requeue_after = until_late(parent, now)};
}

Task<> LoadBalancerController::tell_failure(Work work, std::string reason, std::string message) {
  const Service after = with_failure(*work.tenant, reason, message, runtime_.clock().now());
  if (after == *work.tenant) co_return Result<>{};
  work.session->events().warning(*work.tenant, "SyncLoadBalancerFailed",
                                 "Error syncing load balancer: " + message);
  co_return co_await kube::patch_changes(work.session->client(), *work.tenant, after);
}

Task<> LoadBalancerController::release(Work work) {
  if (!has_balancer(*work.tenant)) {
    NESTOR_CO_TRY_VOID(co_await remove_parents(work.key, ""));
    co_return Result<>{};
  }
  if (!parents_of(work.key).empty()) {
    work.session->events().normal(*work.tenant, "DeletingLoadBalancer", "Deleting load balancer");
  }
  NESTOR_CO_TRY(const bool none, co_await remove_parents(work.key, ""));
  // The end of the last one comes back here.
  if (!none) co_return Result<>{};
  const Service after = without_balancer(*work.tenant);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(work.session->client(), *work.tenant, after));
  work.session->events().normal(*work.tenant, "DeletedLoadBalancer", "Deleted load balancer");
  co_return Result<>{};
}

}  // namespace nestor::cloud
