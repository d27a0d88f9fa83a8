#include "cluster/machine_set_controller.hpp"

#include <algorithm>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/labels.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "base/random.hpp"
#include "cluster/contract.hpp"
#include "cluster/machine_deployment_logic.hpp"
#include "cluster/preflight.hpp"
#include "cluster/replica_logic.hpp"

namespace nestor::cluster {

using api::bootstrap::KubeadmConfig;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::infrastructure::KubevirtMachine;

namespace {

template <kube::Resource T>
void add_half_made(Context& context, const MachineSet& set, std::set<std::string>& names) {
  for (const auto& object : context.controlled_by<T>(set.metadata)) {
    if (object->metadata.deleting() || context.machines().get(object->metadata.key())) continue;
    names.insert(object->metadata.name);
  }
}

/// "<base>-" and five random characters, at most 63 in all.
std::string random_name(const std::string& base) {
  constexpr std::size_t kLongest = 63 - 6;
  return base.substr(0, kLongest) + "-" + SystemRandom().name_suffix();
}

}  // namespace

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
  context_.machines().subscribe([this](const auto& old, const auto& now) {
    if (!now) applier_.forget(Machine::kType, old->metadata.key());
  });
  watch_surroundings(controller);
}

std::vector<kube::ObjectKey> MachineSetController::sets_of(const Cluster& cluster) {
  std::vector<kube::ObjectKey> keys;
  for (const auto& set : context_.machine_sets().list(cluster.metadata.namespace_)) {
    if (set->spec.clusterName == cluster.metadata.name) keys.push_back(set->metadata.key());
  }
  return keys;
}

void MachineSetController::watch_surroundings(kube::Controller& controller) {
  context_.watch_clusters(controller, [this](const Cluster& cluster) { return sets_of(cluster); });
  auto& informers = context_.runtime.informers();
  controller.watch_owned(informers.of<KubeadmConfig>(), MachineSet::kType);
  controller.watch_owned(informers.of<KubevirtMachine>(), MachineSet::kType);
  // Checks before a Machine is made look at the control plane.
  const auto wake = [this, &controller](const std::string& kind, const kube::ObjectKey& key) {
    for (const auto& cluster : context_.clusters_referring_to(kind, key)) {
      for (auto& set : sets_of(*cluster)) controller.enqueue(std::move(set));
    }
  };
  context_.kinds.on_change(wake);
  using api::controlplane::KamajiControlPlane;
  informers.of<KamajiControlPlane>().subscribe([wake](const auto& old, const auto& now) {
    if (!old || !now || old->status.version != now->status.version ||
        old->spec.version != now->spec.version) {
      wake(std::string(KamajiControlPlane::kType.kind), (now ? now : old)->metadata.key());
    }
  });
  // Only what it wants matters, not what it counts.
  context_.machine_deployments().subscribe([this, &controller](const auto& old, const auto& now) {
    if (!now || (old && old->metadata.generation == now->metadata.generation)) return;
    for (const auto& set : context_.controlled_by<MachineSet>(now->metadata)) {
      controller.enqueue(set->metadata.key());
    }
  });
}

std::vector<MachinePtr> MachineSetController::candidates_of(const MachineSet& set) {
  auto machines = context_.controlled_by<Machine>(set.metadata);
  auto orphans = context_.orphans_of({set.metadata.namespace_, set.spec.clusterName});
  machines.insert(machines.end(), orphans.begin(), orphans.end());
  return machines;
}

std::set<std::string> MachineSetController::half_made(const MachineSet& set) {
  std::set<std::string> names;
  add_half_made<KubeadmConfig>(context_, set, names);
  add_half_made<KubevirtMachine>(context_, set, names);
  return names;
}

MachineSetController::Standing MachineSetController::standing_of(const MachineSet& set) {
  Standing standing;
  const auto found = context_.controller_of<MachineDeployment>(set.metadata);
  if (!found) return standing;
  auto defaulted = std::make_shared<MachineDeployment>(*found);
  api::cluster::set_defaults(*defaulted);
  standing.outdated = !outdated_because(*defaulted, set, context_.runtime.clock().now()).empty();
  standing.deployment = std::move(defaulted);
  return standing;
}

Task<kube::ReconcileResult> MachineSetController::reconcile(kube::ObjectKey key) {
  const auto stored = context_.machine_sets().get(key);
  if (!stored) {
    created_.erase(key);
    co_return kube::ReconcileResult{};
  }
  const auto cluster = context_.clusters().get({key.ns, stored->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, stored->metadata)) {
    co_return co_await show_paused(context_, stored, cluster);
  }
  if (stored->metadata.deleting()) co_return co_await reconcile_delete(stored);
  auto defaulted = std::make_shared<MachineSet>(*stored);
  api::cluster::set_defaults(*defaulted);
  const SetPtr set = defaulted;
  if (const auto valid = validate(*set); !valid) {
    co_return co_await show_invalid(context_, stored, "MachinesReady", valid.error().message);
  }
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(
      const bool wrote,
      co_await ensure_metadata(context_, stored, api::cluster::kMachineSetFinalizer, cluster));
  if (wrote) co_return kube::ReconcileResult{};

  NESTOR_CO_TRY_VOID(co_await wait_for_own_writes(key));
  auto members = members_of(*set, candidates_of(*set));
  NESTOR_CO_TRY_VOID(co_await adopt_machines(set, members.orphans));
  members.owned.insert(members.owned.end(), members.orphans.begin(), members.orphans.end());

  const Standing standing = standing_of(*set);
  MachineSetView view;
  view.outdated = standing.outdated;
  auto scaled = co_await scale(set, cluster, members.owned, standing, view);
  if (!scaled && scaled.error().code == Code::kCancelled) co_return std::unexpected(scaled.error());
  members = members_of(*set, candidates_of(*set));
  if (scaled) scaled = co_await update_machines(set, members.owned);
  if (!scaled && scaled.error().code == Code::kCancelled) co_return std::unexpected(scaled.error());

  // Defaults are for decisions; only the status is written back.
  MachineSet after = *stored;
  after.status = observe(*set, members.owned, view, context_.now()).status;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *stored, after));
  if (!scaled) co_return std::unexpected(std::move(scaled).error());
  co_return kube::ReconcileResult{};
}

Task<> MachineSetController::scale(SetPtr set, kube::Informer<Cluster>::Ptr cluster,
                                   const std::vector<MachinePtr>& owned, const Standing& standing,
                                   MachineSetView& view) {
  const ScalePlan plan = plan_scale(*set, owned);
  const int wanted = set->spec.replicas.value_or(1);
  std::vector<MachinePtr> replace;
  // Those of an outdated set are replaced by the roll-out.
  if (!standing.outdated && plan.remove.empty()) {
    const Json limit =
        standing.deployment ? standing.deployment->spec.remediation.maxInFlight : Json();
    replace = plan_remediation(owned, resolve_count(limit, wanted, true, wanted));
  }
  if (plan.create > 0 || !replace.empty()) {
    NESTOR_CO_TRY(view.blocked, co_await preflight(set, cluster));
    if (!view.blocked.empty()) replace.clear();
  }
  if (!plan.remove.empty()) NESTOR_CO_TRY_VOID(co_await remove_machines(set, plan.remove));
  if (!replace.empty()) NESTOR_CO_TRY_VOID(co_await remove_machines(set, replace));
  if (plan.create == 0) co_return co_await remove_halves(set);
  if (!view.blocked.empty()) co_return Result<>{};
  auto created = co_await create_machines(set, plan.create);
  if (!created) view.blocked = created.error().message;
  co_return created;
}

Task<std::string> MachineSetController::preflight(SetPtr set,
                                                  kube::Informer<Cluster>::Ptr cluster) {
  const auto& ref = cluster->spec.controlPlaneRef;
  NESTOR_CO_TRY(const auto plane, co_await fetch(context_, ref, set->metadata.namespace_));
  std::string text;
  if (!plane && !ref.empty() && !context_.kinds.knows(ref)) co_return absence_of(ref, false);
  if (!plane) co_return text;
  for (const std::string& one : failed_preflight_checks(*set, plane->object)) {
    text += (text.empty() ? "" : "; ") + one;
  }
  co_return text;
}

Task<> MachineSetController::update_machines(SetPtr set, std::vector<MachinePtr> owned) {
  for (const MachinePtr& machine : owned) {
    NESTOR_CO_TRY_VOID(co_await update_machine(set, machine));
  }
  co_return Result<>{};
}

Task<> MachineSetController::update_machine(SetPtr set, MachinePtr machine) {
  const Machine wanted = updated_machine(*set, *machine);
  if (machine->metadata.deleting()) {
    // How long its end may take can still be changed.
    Machine after = *machine;
    after.spec.deletion = wanted.spec.deletion;
    co_return co_await kube::patch_changes(context_.client(), *machine, after);
  }
  Json object = kube::to_object(wanted);
  if (applier_.is_current(Machine::kType, object, &machine->metadata)) co_return Result<>{};
  auto written = co_await applier_.apply(context_.client(), Machine::kType, std::move(object));
  if (!written) co_return std::unexpected(std::move(written).error());
  co_return Result<>{};
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
  const Machine machine = machine_of(*set, name);
  const kube::ObjectKey key = machine.metadata.key();
  // Applied, so that the manager owns what it may have to take back.
  Json object = kube::to_object(machine);
  auto created = co_await applier_.apply(context_.client(), Machine::kType, std::move(object));
  if (!created) co_return std::unexpected(std::move(created).error());
  created_[set->metadata.key()].insert(key);
  co_return Result<>{};
}

Task<> MachineSetController::clone(SetPtr set, api::cluster::ContractReference ref,
                                   std::string name) {
  if (ref.empty()) co_return Result<>{};
  NESTOR_CO_TRY(const auto source, co_await fetch(context_, ref, set->metadata.namespace_));
  if (!source) {
    co_return fail(Code::kFailedPrecondition, absence_of(ref, context_.kinds.knows(ref)));
  }
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
  const auto members = members_of(*set, candidates_of(*set));
  std::vector<MachinePtr> going;
  for (const auto& machine : members.owned) {
    if (!machine->metadata.deleting()) going.push_back(machine);
  }
  if (!going.empty()) NESTOR_CO_TRY_VOID(co_await remove_machines(set, going));
  NESTOR_CO_TRY_VOID(co_await remove_halves(set));
  MachineSet after = *set;
  MachineSetView view;
  view.outdated = standing_of(*set).outdated;
  after.status = observe(*set, members.owned, view, context_.now()).status;
  if (members.owned.empty()) {
    std::erase(after.metadata.finalizers, api::cluster::kMachineSetFinalizer);
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *set, after));
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::cluster
