#include "cluster/machine_set_controller.hpp"

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/labels.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "cluster/contract.hpp"
#include "pki/pki.hpp"

namespace nestor::cluster {

using api::bootstrap::KubeadmConfig;
using api::cluster::Machine;
using api::cluster::MachineSet;
using api::infrastructure::KubevirtMachine;

namespace {

constexpr Duration kCacheTimeout = std::chrono::seconds(10);

template <kube::Resource T>
void add_half_made(kube::Informer<T> informer, const MachineSet& set,
                   kube::Informer<Machine> machines, std::set<std::string>& names) {
  for (const auto& object : informer.list(set.metadata.namespace_)) {
    const auto* controller = object->metadata.controller();
    if (controller == nullptr || controller->uid != set.metadata.uid) continue;
    if (object->metadata.deleting() || machines.get(object->metadata.key())) continue;
    names.insert(object->metadata.name);
  }
}

}  // namespace

std::string random_name(const std::string& base) {
  constexpr std::size_t kLongest = 63 - 6;
  return base.substr(0, kLongest) + "-" + pki::random_lowercase(5);
}

void MachineSetController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.machineset", [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller.watch(context_.machine_sets());
  controller.watch_owned(context_.machines(), MachineSet::kType);
  controller.watch_mapped<Machine>(context_.machines(), [this](const Machine& machine) {
    // An orphan wakes the sets that may adopt it.
    std::vector<kube::ObjectKey> keys;
    if (machine.metadata.controller() != nullptr) return keys;
    for (const auto& set : context_.machine_sets().list(machine.metadata.namespace_)) {
      if (set->spec.clusterName == machine.spec.clusterName) keys.push_back(set->metadata.key());
    }
    return keys;
  });
  controller.watch_mapped<api::cluster::Cluster>(
      context_.clusters(), [this](const api::cluster::Cluster& cluster) {
        std::vector<kube::ObjectKey> keys;
        for (const auto& set : context_.machine_sets().list(cluster.metadata.namespace_)) {
          if (set->spec.clusterName == cluster.metadata.name) keys.push_back(set->metadata.key());
        }
        return keys;
      });
  auto& informers = context_.runtime.informers();
  controller.watch_owned(informers.of<KubeadmConfig>(), MachineSet::kType);
  controller.watch_owned(informers.of<KubevirtMachine>(), MachineSet::kType);
}

std::vector<MachinePtr> MachineSetController::machines_in(const std::string& ns) {
  return context_.machines().list(ns);
}

std::set<std::string> MachineSetController::half_made(const MachineSet& set) {
  std::set<std::string> names;
  auto& informers = context_.runtime.informers();
  add_half_made(informers.of<KubeadmConfig>(), set, context_.machines(), names);
  add_half_made(informers.of<KubevirtMachine>(), set, context_.machines(), names);
  return names;
}

Task<kube::ReconcileResult> MachineSetController::reconcile(kube::ObjectKey key) {
  const auto stored = context_.machine_sets().get(key);
  if (!stored) {
    created_.erase(key);
    co_return kube::ReconcileResult{};
  }
  const auto cluster = context_.clusters().get({key.ns, stored->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, stored->metadata)) {
    co_return kube::ReconcileResult{};
  }
  if (stored->metadata.deleting()) co_return co_await reconcile_delete(stored);
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(const bool wrote, co_await ensure_metadata(stored, cluster));
  if (wrote) co_return kube::ReconcileResult{};

  auto defaulted = std::make_shared<MachineSet>(*stored);
  api::cluster::set_defaults(*defaulted);
  const SetPtr set = defaulted;
  NESTOR_CO_TRY_VOID(co_await wait_for_own_writes(key));
  auto members = members_of(*set, machines_in(key.ns));
  NESTOR_CO_TRY_VOID(co_await adopt_machines(set, members.orphans));
  members.owned.insert(members.owned.end(), members.orphans.begin(), members.orphans.end());

  auto plan = plan_scale(*set, members.owned);
  if (plan.create > 0) NESTOR_CO_TRY_VOID(co_await create_machines(set, plan.create));
  if (!plan.remove.empty()) NESTOR_CO_TRY_VOID(co_await remove_machines(set, plan.remove));
  if (plan.create == 0) NESTOR_CO_TRY_VOID(co_await remove_halves(set));

  // Defaults are for decisions; only the status is written back.
  members = members_of(*set, machines_in(key.ns));
  MachineSet after = *stored;
  after.status = observe(*set, members.owned, context_.now()).status;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *stored, after));
  co_return kube::ReconcileResult{};
}

Task<bool> MachineSetController::ensure_metadata(
    SetPtr set, kube::Informer<api::cluster::Cluster>::Ptr cluster) {
  MachineSet after = *set;
  if (!after.metadata.has_finalizer(api::cluster::kMachineSetFinalizer)) {
    after.metadata.finalizers.emplace_back(api::cluster::kMachineSetFinalizer);
  }
  after.metadata.labels[std::string(api::cluster::kClusterNameLabel)] = set->spec.clusterName;
  if (after.metadata.controller() == nullptr) {
    const auto owners =
        with_owner(after.metadata.ownerReferences, kube::owner_reference(*cluster, false));
    if (owners) after.metadata.ownerReferences = *owners;
  }
  if (after == *set) co_return false;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *set, after));
  co_return true;
}

Task<> MachineSetController::adopt_machines(SetPtr set, std::vector<MachinePtr> orphans) {
  for (const auto& orphan : orphans) {
    Machine after = *orphan;
    const auto owners =
        with_owner(after.metadata.ownerReferences, kube::owner_reference(*set, true));
    if (!owners) continue;
    after.metadata.ownerReferences = *owners;
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *orphan, after));
    context_.runtime.events().normal(*set, "SuccessfulAdopt",
                                     "adopted Machine " + orphan->metadata.name);
  }
  co_return Result<>{};
}

Task<> MachineSetController::create_machines(SetPtr set, int count) {
  // What a crash left half made comes first.
  auto names = half_made(*set);
  for (int i = 0; i < count; ++i) {
    std::string name;
    if (names.empty()) {
      name = random_name(set->metadata.name);
    } else {
      name = names.extract(names.begin()).value();
    }
    auto created = co_await create_machine(set, name);
    if (!created) {
      if (created.error().code != Code::kCancelled) {
        context_.runtime.events().warning(*set, "FailedCreate", created.error().message);
      }
      co_return created;
    }
    context_.runtime.events().normal(*set, "SuccessfulCreate", "created Machine " + name);
  }
  co_return co_await wait_for_own_writes(set->metadata.key());
}

Task<> MachineSetController::create_machine(SetPtr set, std::string name) {
  const auto& spec = set->spec.template_.spec;
  NESTOR_CO_TRY_VOID(co_await clone(set, spec.bootstrap.configRef, name));
  NESTOR_CO_TRY_VOID(co_await clone(set, spec.infrastructureRef, name));
  Machine machine = machine_of(*set, name);
  const kube::ObjectKey key = machine.metadata.key();
  auto created = co_await kube::create(context_.client(), std::move(machine));
  if (!created && created.error().code != Code::kAlreadyExists) {
    co_return with_context(std::move(created).error(), "creating Machine " + key.to_string());
  }
  created_[set->metadata.key()].insert(key);
  co_return Result<>{};
}

Task<> MachineSetController::clone(SetPtr set, api::cluster::ContractReference ref,
                                   std::string name) {
  if (ref.empty()) co_return Result<>{};
  const std::string what = ref.kind + " " + ref.name;
  NESTOR_CO_TRY(const auto source, co_await fetch(context_, ref, set->metadata.namespace_));
  if (!source) co_return fail(Code::kFailedPrecondition, what + " does not exist");
  NESTOR_CO_TRY(Json object, clone_template(*set, source->object, name));
  const std::string kind = kind_of_template(ref.kind);
  NESTOR_CO_TRY(const auto type, co_await context_.kinds.resolve(ref.apiGroup, kind));
  auto created =
      co_await context_.client().create(type, set->metadata.namespace_, std::move(object));
  if (!created && created.error().code != Code::kAlreadyExists) {
    co_return with_context(std::move(created).error(), "creating " + kind + " " + name);
  }
  co_return Result<>{};
}

Task<> MachineSetController::remove_machines(SetPtr set, std::vector<MachinePtr> machines) {
  for (const auto& machine : machines) {
    const auto key = machine->metadata.key();
    kube::DeleteOptions options{.uid = machine->metadata.uid};
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(context_.client(), Machine::kType, key, options));
    context_.runtime.events().normal(*set, "SuccessfulDelete", "deleted Machine " + key.name);
  }
  // Not needed for the count (the same ones would be chosen again), but it saves calls.
  auto informer = context_.machines();
  co_return co_await informer.wait_until(
      [informer, machines] {
        for (const auto& machine : machines) {
          const auto now = informer.get(machine->metadata.key());
          if (now && !now->metadata.deleting()) return false;
        }
        return true;
      },
      kCacheTimeout);
}

Task<> MachineSetController::remove_halves(SetPtr set) {
  for (const auto& name : half_made(*set)) {
    const kube::ObjectKey key{set->metadata.namespace_, name};
    NESTOR_CO_TRY_VOID(
        co_await kube::ensure_deleted(context_.client(), KubevirtMachine::kType, key));
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(context_.client(), KubeadmConfig::kType, key));
  }
  co_return Result<>{};
}

Task<> MachineSetController::wait_for_own_writes(kube::ObjectKey set) {
  auto& waiting = created_[set];
  auto informer = context_.machines();
  std::erase_if(waiting, [&](const auto& key) { return informer.get(key) != nullptr; });
  if (waiting.empty()) co_return Result<>{};
  const std::set<kube::ObjectKey> wanted = waiting;
  auto seen = co_await informer.wait_until(
      [informer, wanted] {
        for (const auto& key : wanted) {
          if (!informer.get(key)) return false;
        }
        return true;
      },
      kCacheTimeout);
  if (!seen && seen.error().code == Code::kDeadlineExceeded) {
    // One that was made and is gone again never shows up: ask.
    for (const auto& key : wanted) {
      auto live = co_await context_.client().get(Machine::kType, key);
      if (!live && live.error().code == Code::kNotFound) created_[set].erase(key);
    }
  }
  if (seen) created_[set].clear();
  co_return seen;
}

Task<kube::ReconcileResult> MachineSetController::reconcile_delete(SetPtr set) {
  if (!set->metadata.has_finalizer(api::cluster::kMachineSetFinalizer)) {
    co_return kube::ReconcileResult{};
  }
  NESTOR_CO_TRY_VOID(co_await wait_for_own_writes(set->metadata.key()));
  const auto members = members_of(*set, machines_in(set->metadata.namespace_));
  std::vector<MachinePtr> going;
  for (const auto& machine : members.owned) {
    if (!machine->metadata.deleting()) going.push_back(machine);
  }
  if (!going.empty()) NESTOR_CO_TRY_VOID(co_await remove_machines(set, going));
  NESTOR_CO_TRY_VOID(co_await remove_halves(set));
  MachineSet after = *set;
  after.status = observe(*set, members.owned, context_.now()).status;
  if (members.owned.empty()) {
    std::erase(after.metadata.finalizers, api::cluster::kMachineSetFinalizer);
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *set, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::cluster
