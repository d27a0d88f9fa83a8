// The part of LoadBalancerController that keeps EndpointSlices.

#include <algorithm>

#include "cloud/endpoints.hpp"
#include "cloud/load_balancer_controller.hpp"
#include "cloud/names.hpp"
#include "cloud/parent_service.hpp"

namespace nestor::cloud {

using api::core::Node;
using api::core::Service;
using api::discovery::EndpointSlice;
using tenant::TenantKey;

namespace {

constexpr Duration kSyncTimeout = std::chrono::seconds(10);
constexpr kube::ResourceType kEndpointsType{"", "v1", "Endpoints", "endpoints"};

bool is_ours(const EndpointSlice& slice) {
  return slice.metadata.label(api::discovery::kManagedByLabel) == kSlicesManager;
}

bool same(const EndpointSlice& current, const EndpointSlice& wanted) {
  const auto has = [&](const auto& label) {
    return current.metadata.label(label.first) == label.second;
  };
  return current.endpoints == wanted.endpoints && current.ports == wanted.ports &&
         std::ranges::all_of(wanted.metadata.labels, has);
}

NodesByMachine nodes_of(tenant::Session& session) {
  NodesByMachine out;
  for (auto& node : session.informers().of<Node>().list()) out[machine_name(*node)] = node;
  return out;
}

}  // namespace

std::vector<std::string> service_of_slice(const EndpointSlice& slice) {
  const auto name = slice.metadata.label(api::discovery::kServiceNameLabel);
  return {kube::ObjectKey{slice.metadata.namespace_, std::string(name)}.to_string()};
}

Task<std::vector<LoadBalancerController::SlicePtr>> LoadBalancerController::tenant_slices(
    Work work) {
  auto slices = work.session->informers().of<EndpointSlice>();
  auto& watched = slices_watched_[work.key.cluster];
  if (watched.lock() != work.session) {
    watched = work.session;
    slices.add_index(kBySliceService, service_of_slice);
    // The session owns the cache, so it outlives every call of this.
    slices.subscribe(
        [this, session = work.session.get()](const SlicePtr& old, const SlicePtr& now) {
          if (session->ended()) return;
          const auto& metadata = (now ? now : old)->metadata;
          const std::string service(metadata.label(api::discovery::kServiceNameLabel));
          const TenantKey key{session->cluster(), {metadata.namespace_, service}};
          for (const auto& parent : parents_of(key)) {
            if (parent->spec.selector.empty()) controller_->enqueue(key.packed());
          }
        });
  }
  const auto synced = [slices] { return slices.synced(); };
  NESTOR_CO_TRY_VOID(co_await slices.wait_until(synced, kSyncTimeout));
  co_return slices.by_index(kBySliceService, work.key.object.to_string());
}

Task<> LoadBalancerController::ensure_slices(Work work, Service parent) {
  const auto present = slices_.by_index(kBySliceService, parent.metadata.key().to_string());
  if (!selectorless(*work.tenant, work.settings)) {
    // The management cluster's own must be there first, or nobody answers for a moment.
    const bool replaced =
        std::ranges::any_of(present, [](const SlicePtr& slice) { return !is_ours(*slice); });
    if (!replaced) co_return Result<>{};
    for (const SlicePtr& slice : present) {
      if (is_ours(*slice)) NESTOR_CO_TRY_VOID(co_await remove_slice(slice));
    }
    co_return Result<>{};
  }
  // Without its Nodes a tenant that is just connected would look as if it had none.
  auto nodes = work.session->informers().of<Node>();
  const auto synced = [nodes] { return nodes.synced(); };
  NESTOR_CO_TRY_VOID(co_await nodes.wait_until(synced, kSyncTimeout));
  const auto machines = machines_.all(work.key.cluster);
  std::vector<Backend> backends;
  if (work.tenant->spec.externalTrafficPolicy == "Local") {
    NESTOR_CO_TRY(const auto slices, co_await tenant_slices(work));
    backends = local_backends(machines, nodes_of(*work.session), slices);
  } else {
    backends = all_backends(machines, nodes_of(*work.session));
    // When no Node is ready it is rather their way to the API server that is broken.
    if (backends.empty()) backends = all_backends(machines, nodes_of(*work.session), true);
  }
  co_return co_await write_slices(parent, slices_of(parent, backends), present);
}

Task<> LoadBalancerController::drop_ended(TenantKey key) {
  const auto machines = machines_.all(key.cluster);
  for (const auto& parent : parents_of(key)) {
    for (const SlicePtr& slice :
         slices_.by_index(kBySliceService, parent->metadata.key().to_string())) {
      if (!is_ours(*slice)) continue;
      EndpointSlice after = *slice;
      keep_running(after, machines);
      if (after.endpoints == slice->endpoints) continue;
      // By apply, as all that we write there: what we do not own we could not take away later.
      after.metadata = {};
      after.metadata.name = slice->metadata.name;
      after.metadata.namespace_ = slice->metadata.namespace_;
      after.metadata.labels = slice->metadata.labels;
      after.metadata.ownerReferences = slice->metadata.ownerReferences;
      auto applied =
          co_await kube::apply(runtime_.client(), std::move(after), kLoadBalancerManager);
      if (!applied) co_return with_context(std::move(applied).error(), "writing the endpoints");
    }
  }
  co_return Result<>{};
}

Task<> LoadBalancerController::write_slices(Service parent, std::vector<EndpointSlice> wanted,
                                            std::vector<SlicePtr> present) {
  for (const EndpointSlice& slice : wanted) {
    const auto current = slices_.get(slice.metadata.key());
    if (current && same(*current, slice)) continue;
    auto applied = co_await kube::apply(runtime_.client(), slice, kLoadBalancerManager);
    if (!applied) co_return with_context(std::move(applied).error(), "writing the endpoints");
  }
  for (const SlicePtr& slice : present) {
    const auto is_it = [&](const EndpointSlice& one) {
      return one.metadata.name == slice->metadata.name;
    };
    if (std::ranges::any_of(wanted, is_it)) continue;
    if (!is_ours(*slice)) {
      // The management cluster would make them again at once.
      if (!parent.spec.selector.empty()) continue;
      // Left from when the Service had a selector. The Endpoints object first: from that one the
      // management cluster makes such slices again.
      const kube::ObjectKey key = parent.metadata.key();
      NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(runtime_.client(), kEndpointsType, key));
    }
    NESTOR_CO_TRY_VOID(co_await remove_slice(slice));
  }
  co_return Result<>{};
}

Task<> LoadBalancerController::remove_slice(SlicePtr slice) {
  const kube::ObjectKey key = slice->metadata.key();
  co_return co_await kube::ensure_deleted(runtime_.client(), EndpointSlice::kType, key);
}

}  // namespace nestor::cloud
