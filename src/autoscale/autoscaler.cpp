#include "autoscale/autoscaler.hpp"

#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "autoscale/autoscale.hpp"
#include "autoscale/metrics.hpp"
#include "base/blocking.hpp"
#include "base/log.hpp"
#include "kube/metrics.hpp"

namespace nestor::autoscale {
namespace {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;

constexpr std::string_view kComponent = "autoscale";
/// Upstream gives each group as long.
constexpr std::chrono::seconds kPatience(10);

/// For decisions that would hold up the event loop. Not the pool of others: what one tenant makes
/// may take all the time that a decision may take.
asio::thread_pool& decision_pool() {
  static asio::thread_pool pool(2);
  return pool;
}

/// Whether more than a status or what we write about a group has changed.
bool settings_differ(const kube::ObjectMeta& a, const kube::ObjectMeta& b) {
  const auto settings = [](auto annotations) {
    std::erase_if(annotations,
                  [](const auto& one) { return one.first.starts_with(kAnnotationPrefix); });
    return annotations;
  };
  return a.generation != b.generation || settings(a.annotations) != settings(b.annotations);
}

bool has_sizes(const kube::ObjectMeta& metadata) {
  return metadata.annotations.contains(std::string(api::cluster::kAutoscalerMaxSizeAnnotation));
}

}  // namespace

template <class T>
void Autoscaler::watch_groups(kube::Informer<T> informer) {
  informer.subscribe([this](const auto& old, const auto& now) {
    const T& group = now ? *now : *old;
    const bool urgent = !old || !now || settings_differ(old->metadata, now->metadata);
    if (!urgent && old->status == now->status) return;
    touched({group.metadata.namespace_, group.spec.clusterName}, urgent);
  });
  controller_->watch_mapped<T>(informer, [this](const T& group) {
    const kube::ObjectKey cluster{group.metadata.namespace_, group.spec.clusterName};
    const bool watched = tenants_.contains(cluster) || has_sizes(group.metadata);
    return watched ? std::vector{cluster} : std::vector<kube::ObjectKey>{};
  });
}

void Autoscaler::add() {
  controller_ = &runtime_.add_controller(
      std::string(kComponent), [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  auto& informers = runtime_.informers();
  controller_->watch(informers.of<Cluster>());
  watch_groups(informers.of<MachineDeployment>());
  watch_groups(informers.of<MachineSet>());
  controller_->watch_mapped<Machine>(informers.of<Machine>(), [this](const Machine& machine) {
    const kube::ObjectKey cluster{machine.metadata.namespace_, machine.spec.clusterName};
    if (!tenants_.contains(cluster)) return std::vector<kube::ObjectKey>{};
    touched(cluster, false);
    return std::vector{cluster};
  });
  using api::infrastructure::KubevirtMachineTemplate;
  controller_->watch_mapped<KubevirtMachineTemplate>(
      informers.of<KubevirtMachineTemplate>(),
      [this](const KubevirtMachineTemplate& changed) { return users_of(changed.metadata); });
  sessions_.on_change([this](const kube::ObjectKey& cluster, bool connected) {
    if (connected) controller_->enqueue(cluster);
  });
}

/// Clusters with a group that makes its machines from the template.
std::vector<kube::ObjectKey> Autoscaler::users_of(const kube::ObjectMeta& machine_template) {
  std::vector<kube::ObjectKey> out;
  const std::string& ns = machine_template.namespace_;
  for (const auto& one : runtime_.informers().of<MachineDeployment>().list(ns)) {
    const auto& ref = one->spec.template_.spec.infrastructureRef;
    if (ref.name != machine_template.name || !has_sizes(one->metadata)) continue;
    out.push_back({ns, one->spec.clusterName});
    touched(out.back(), true);
  }
  return out;
}

void Autoscaler::touched(const kube::ObjectKey& cluster, bool urgent) {
  const auto tenant = tenants_.find(cluster);
  if (tenant == tenants_.end()) return;
  const SteadyTime now = runtime_.clock().steady_now();
  urgent ? tenant->second->pace.urgent(now) : tenant->second->pace.relaxed(now);
}

Autoscaler::TenantPtr Autoscaler::open(const kube::ObjectKey& cluster,
                                       std::shared_ptr<tenant::Session> session) {
  const auto found = tenants_.find(cluster);
  if (found != tenants_.end() && &found->second->caches->session() == session.get()) {
    return found->second;
  }
  auto tenant = std::make_shared<Tenant>();
  tenants_[cluster] = tenant;
  tenant->pace.urgent(runtime_.clock().steady_now());
  tenant->caches = TenantCaches::start(std::move(session), [this, cluster](bool urgent) {
    touched(cluster, urgent);
    controller_->enqueue(cluster);
  });
  return tenant;
}

Task<kube::ReconcileResult> Autoscaler::reconcile(kube::ObjectKey key) {
  const auto cluster = runtime_.informers().of<Cluster>().get(key);
  if (!cluster || cluster->metadata.deleting()) {
    tenants_.erase(key);
    co_return kube::ReconcileResult{};
  }
  if (api::cluster::paused(*cluster, cluster->metadata)) co_return kube::ReconcileResult{};
  std::vector<GroupObject> faulty;
  auto objects = groups_.of(*cluster, faulty);
  const auto told = co_await tell_faulty(std::move(faulty));
  if (!told && told.error().code == Code::kCancelled) co_return std::unexpected(told.error());
  auto result = co_await look_after(cluster, std::move(objects));
  if (told || !result) co_return result;
  // The back-off of what was refused delays no decision.
  if (result->requeue_after) controller_->enqueue_after(key, *result->requeue_after);
  co_return std::unexpected(told.error());
}

Task<kube::ReconcileResult> Autoscaler::look_after(ClusterPtr cluster,
                                                   std::vector<GroupObject> objects) {
  const kube::ObjectKey key = cluster->metadata.key();
  if (objects.empty() && !tenants_.contains(key)) co_return kube::ReconcileResult{};
  auto session = sessions_.find(key);
  // It is enqueued again when it is connected.
  if (!session) co_return kube::ReconcileResult{};
  const TenantPtr tenant = open(key, std::move(session));
  NESTOR_CO_TRY_VOID(co_await tenant->caches->wait_synced());

  const auto due = tenant->pace.due();
  if (!due) co_return kube::ReconcileResult{};
  if (const SteadyTime now = runtime_.clock().steady_now(); *due > now) {
    co_return kube::ReconcileResult{time_until(*due, now)};
  }
  // What happens from here on asks for another decision.
  tenant->pace.decided(runtime_.clock().steady_now());
  auto done = co_await decide_and_act(tenant, cluster, std::move(objects));
  const SteadyTime now = runtime_.clock().steady_now();
  if (!done) {
    tenant->pace.urgent(now);
    co_return std::unexpected(std::move(done).error());
  }
  kube::ReconcileResult result;
  if (const auto next = tenant->pace.due()) {
    result.requeue_after = std::max(Duration(1), time_until(*next, now));
  }
  co_return result;
}

void Autoscaler::Pause::put(GroupState& state) const {
  if (state.backoff_until && *state.backoff_until >= until) return;
  state.backoff_until = until;
  state.backoff = length;
  state.backoff_reason = reason;
}

/// On the event loop, or beside it when there is much to look at.
Task<Decision> Autoscaler::decide_for(std::shared_ptr<TenantView> view) {
  const WallTime now = runtime_.clock().now();
  const auto work = [view, now]() -> Result<Decision> {
    SystemRandom random;
    return decide(*view, now, random, Deadline(kPatience));
  };
  if (is_small(*view)) co_return work();
  co_return co_await run_blocking(work, decision_pool());
}

Task<> Autoscaler::decide_and_act(TenantPtr tenant, ClusterPtr cluster,
                                  std::vector<GroupObject> objects) {
  Deed deed;
  deed.tenant = tenant;
  deed.view = std::make_shared<TenantView>();
  std::vector<std::string> faults;
  deed.view->options = read_options(cluster->metadata, faults);
  tenant->caches->fill(*deed.view, faults);
  groups_.fill(*deed.view, objects);
  std::erase_if(tenant->pauses,
                [&](const auto& one) { return runtime_.clock().now() >= one.second.until; });
  for (NodeGroup& group : deed.view->groups) {
    const auto pause = tenant->pauses.find(group.id());
    if (pause != tenant->pauses.end()) pause->second.put(group.state);
  }
  std::erase_if(tenant->reported, [&](const auto& one) {
    return std::ranges::none_of(deed.view->groups,
                                [&](const NodeGroup& group) { return group.id() == one.first; });
  });
  for (GroupObject& object : objects) {
    object.faults.insert(object.faults.begin(), faults.begin(), faults.end());
  }
  deed.objects = std::move(objects);
  const SteadyTime begun = runtime_.clock().steady_now();
  auto decided = co_await decide_for(deed.view);
  const SteadyTime made = runtime_.clock().steady_now();
  tenant->pace.took(made, made - begun);
  NESTOR_CO_TRY(deed.decision, std::move(decided));
  if (Metrics* metrics = kube::metrics()) {
    record(*metrics, cluster->metadata.key(), *deed.view, deed.decision, made - begun);
  }
  NESTOR_CO_TRY_VOID(co_await act(deed));
  if (const auto next = deed.decision.next) {
    tenant->pace.wake_at(runtime_.clock().steady_now() + time_until(*next, runtime_.clock().now()));
  }
  if (deed.objects.empty()) tenants_.erase(cluster->metadata.key());
  co_return Result<>{};
}

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions) {
  runtime.own<Autoscaler>(runtime, sessions).add();
}

}  // namespace nestor::autoscale
