#include "cluster/drain_watches.hpp"

#include "cluster/kinds.hpp"

namespace nestor::cluster {

using api::core::Pod;
using api::policy::PodDisruptionBudget;
using api::storage::VolumeAttachment;

namespace {

Task<> wait_synced(kube::InformerCore& core) {
  co_return co_await core.wait_until([&core] { return core.synced(); }, kCacheTimeout);
}

}  // namespace

Task<> DrainWatches::Watch::wait_synced() const {
  for (auto* core : {pods.get(), shared->budgets.get(), shared->attachments.get()}) {
    NESTOR_CO_TRY_VOID(co_await cluster::wait_synced(*core));
  }
  co_return Result<>{};
}

std::vector<PodPtr> DrainWatches::Watch::list_pods() const {
  return kube::Informer<Pod>(*pods).list();
}

std::vector<BudgetPtr> DrainWatches::Watch::list_budgets() const {
  return kube::Informer<PodDisruptionBudget>(*shared->budgets).list();
}

std::vector<std::shared_ptr<const VolumeAttachment>> DrainWatches::Watch::list_attachments() const {
  auto all = kube::Informer<VolumeAttachment>(*shared->attachments).list();
  std::erase_if(all, [this](const auto& one) { return one->spec.nodeName != node; });
  return all;
}

std::shared_ptr<DrainWatches::Shared> DrainWatches::shared_of(
    std::shared_ptr<tenant::Session> session) {
  std::erase_if(shared_, [](const auto& one) { return one.second.expired(); });
  if (const auto it = shared_.find(session.get()); it != shared_.end()) return it->second.lock();
  auto shared = std::make_shared<Shared>();
  shared->session = std::move(session);
  auto& informers = shared->session->informers();
  shared->budgets = informers.borrow<PodDisruptionBudget>(PodDisruptionBudget::kType);
  shared->attachments = informers.borrow<VolumeAttachment>(VolumeAttachment::kType);
  // A cache may live a moment longer than those who hold it.
  const std::weak_ptr<Shared> weak = shared;
  const auto wake_all = [this, weak](const auto&, const auto&, const auto&) {
    const auto alive = weak.lock();
    if (!alive) return;
    for (const auto& machine : alive->machines) wake_(machine);
  };
  shared->budgets->subscribe(wake_all);
  shared->attachments->subscribe(wake_all);
  shared_[shared->session.get()] = shared;
  return shared;
}

std::shared_ptr<DrainWatches::Watch> DrainWatches::of(const kube::ObjectKey& machine,
                                                      std::shared_ptr<tenant::Session> session,
                                                      const std::string& node) {
  const auto it = watches_.find(machine);
  if (it != watches_.end() && it->second->node == node && it->second->shared->session == session) {
    return it->second;
  }
  end(machine);
  auto watch = std::make_shared<Watch>();
  watch->node = node;
  watch->shared = shared_of(session);
  watch->shared->machines.insert(machine);
  kube::Scope scope;
  scope.field_selector = "spec.nodeName=" + node;
  watch->pods = session->informers().borrow<Pod>(Pod::kType, scope);
  watch->pods->subscribe([this, machine](const auto&, const auto&, const auto&) {
    if (watches_.contains(machine)) wake_(machine);
  });
  watches_[machine] = watch;
  return watch;
}

void DrainWatches::end(const kube::ObjectKey& machine) {
  const auto it = watches_.find(machine);
  if (it == watches_.end()) return;
  it->second->shared->machines.erase(machine);
  watches_.erase(it);
}

}  // namespace nestor::cluster
