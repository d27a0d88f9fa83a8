#include "cluster/machine_deletion.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/text.hpp"
#include "cluster/contract.hpp"
#include "cluster/machine_logic.hpp"
#include "cluster/volumes.hpp"

namespace nestor::cluster {

using api::cluster::Machine;
using api::core::Node;
using enum MachineDeleteStep;

namespace {

/// After a failed call to the tenant, of which nothing tells when it would succeed.
constexpr Duration kDeleteAgain = std::chrono::seconds(10);
/// Seconds that a pod on a Node that does not report gets; its kubelet does not hear of it anyway.
constexpr int kUnreachableGrace = 1;
/// A webhook may take half a minute for each; other Machines of the tenant wait meanwhile.
constexpr std::size_t kEvictionsAtOnce = 10;
/// Unless the pods' end is seen earlier.
constexpr Duration kNextEvictions = std::chrono::seconds(1);
constexpr std::size_t kVolumesNamed = 5;
constexpr std::string_view kNoTenant = "the tenant cluster cannot be reached";

Task<> cordon(kube::Client& tenant, const Node& node) {
  if (node.spec.unschedulable.value_or(false)) co_return Result<>{};
  Json body = JsonObject{{"spec", JsonObject{{"unschedulable", true}}}};
  auto written = co_await tenant.patch(Node::kType, node.metadata.key(),
                                       kube::PatchType::kStrategicMerge, std::move(body));
  if (!written) co_return with_context(std::move(written).error(), "cordoning the Node");
  co_return Result<>{};
}

Task<> evict_pod(kube::Client& tenant, const api::core::Pod& pod, bool unreachable) {
  // The uid, because a StatefulSet's next pod has the same name.
  JsonObject options{{"preconditions", JsonObject{{"uid", pod.metadata.uid}}}};
  if (unreachable) options["gracePeriodSeconds"] = kUnreachableGrace;
  Json body = JsonObject{
      {"apiVersion", "policy/v1"},
      {"kind", "Eviction"},
      {"metadata", JsonObject{{"name", pod.metadata.name}, {"namespace", pod.metadata.namespace_}}},
      {"deleteOptions", std::move(options)}};
  std::string ns = pod.metadata.namespace_;
  auto answer =
      co_await tenant.create(api::core::Pod::kType, std::move(ns), std::move(body), "eviction");
  if (answer || answer.error().code == Code::kNotFound) co_return Result<>{};
  co_return std::unexpected(std::move(answer).error());
}

/// How the Machine tells the step it is at; at the last one it lets go.
void mark_deleting(Machine& machine, MachineDeleteStep step, const std::string& message,
                   WallTime now) {
  machine.status.phase = "Deleting";
  kube::set_condition(machine.status.conditions,
                      kube::make_condition("Deleting", true, deleting_reason(step), message,
                                           machine.metadata.generation),
                      format_rfc3339(now));
  summarize(machine, now);
  if (step == kDone) std::erase(machine.metadata.finalizers, api::cluster::kMachineFinalizer);
}

std::string reason_of(const Machine& machine) {
  const auto* deleting = kube::find_condition(machine.status.conditions, "Deleting");
  return deleting == nullptr ? "" : deleting->reason;
}

}  // namespace

Task<kube::ReconcileResult> MachineDeletion::reconcile(MachinePtr machine, ClusterPtr cluster) {
  Pass pass;
  pass.key = machine->metadata.key();
  if (!machine->metadata.has_finalizer(api::cluster::kMachineFinalizer)) {
    watches_.end(pass.key);
    co_return kube::ReconcileResult{};
  }
  NESTOR_CO_TRY_VOID(co_await look(machine, cluster, pass));
  Machine after = *machine;
  pass.view.machine = &after;
  MachineDeleteStep step = kDone;
  bool passed = true;
  while (passed) {
    step = next_delete_step(pass.view);
    mark_step_begun(after, step, pass.view.now);
    NESTOR_CO_TRY(passed, co_await do_step(step, pass));
  }
  // A tenant may be away since its caches are too large: what is kept for a drain is part of them.
  if (!pass.session || (step != kDrain && step != kVolumes)) watches_.end(pass.key);
  mark_deleting(after, step, pass.message, pass.view.now);
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *machine, after));
  announce(*machine, after, step, pass);

  kube::ReconcileResult result;
  result.look_again(pass.again);
  result.look_again(pass.next_evictions);
  if (const auto deadline = step_deadline(after, step)) {
    result.look_again(time_until(*deadline, pass.view.now));
  }
  co_return result;
}

Task<> MachineDeletion::look(MachinePtr machine, ClusterPtr cluster, Pass& pass) {
  const std::string& ns = machine->metadata.namespace_;
  NESTOR_CO_TRY(pass.infrastructure, co_await fetch(context_, machine->spec.infrastructureRef, ns));
  NESTOR_CO_TRY(pass.bootstrap, co_await fetch(context_, machine->spec.bootstrap.configRef, ns));
  using Infrastructure = MachineDeleteView::Infrastructure;
  auto& view = pass.view;
  view.now = context_.runtime.clock().now();
  view.cluster_deleting = !cluster || cluster->metadata.deleting();
  if (pass.infrastructure) {
    view.infrastructure =
        is_deleting(pass.infrastructure->object) ? Infrastructure::kGoing : Infrastructure::kThere;
  }
  view.bootstrap_exists = pass.bootstrap.has_value();
  if (view.cluster_deleting) co_return Result<>{};
  co_return co_await look_into_tenant(machine, cluster, pass);
}

Task<> MachineDeletion::look_into_tenant(MachinePtr machine, ClusterPtr cluster, Pass& pass) {
  pass.session = context_.sessions.find(cluster->metadata.key());
  if (pass.session) {
    auto found = co_await find_node(pass.session, machine);
    if (!found && found.error().code == Code::kCancelled) co_return std::unexpected(found.error());
    if (found) {
      pass.node = *std::move(found);
    } else {
      pass.session = nullptr;
      pass.again = kDeleteAgain;
    }
  }
  pass.view.node_unknown = !pass.session && !machine->status.nodeRef.name.empty();
  if (pass.node) pass.view.node = &*pass.node;
  co_return Result<>{};
}

Task<std::optional<Node>> MachineDeletion::find_node(std::shared_ptr<tenant::Session> session,
                                                     MachinePtr machine) {
  std::string name = machine->status.nodeRef.name;
  if (name.empty()) {
    const auto cached = tenant::Sessions::find_node(*session, machine->spec.providerID);
    if (!cached) co_return std::optional<Node>{};
    name = cached->metadata.name;
  }
  co_return co_await read_node(session, std::move(name));
}

Task<bool> MachineDeletion::do_step(MachineDeleteStep step, Pass& pass) {
  switch (step) {
    case kDrain:
    case kVolumes:
    case kNode:
      co_return co_await do_tenant_step(step, pass);
    case kInfrastructure: {
      Referenced object = *pass.infrastructure;
      NESTOR_CO_TRY_VOID(co_await begin_removal(context_, std::move(object)));
      co_return false;
    }
    case kBootstrap: {
      Referenced object = *pass.bootstrap;
      NESTOR_CO_TRY_VOID(co_await begin_removal(context_, std::move(object)));
      co_return false;
    }
    default:
      co_return false;
  }
}

/// A tenant that fails holds the step up, but never beyond its time limit: failures are messages.
Task<bool> MachineDeletion::do_tenant_step(MachineDeleteStep step, Pass& pass) {
  if (pass.view.node == nullptr) {
    pass.message = kNoTenant;
    co_return false;
  }
  auto done = step == kDrain ? drain(pass) : step == kVolumes ? detach(pass) : remove_node(pass);
  auto passed = co_await std::move(done);
  if (passed || passed.error().code == Code::kCancelled) co_return passed;
  pass.message = passed.error().message;
  pass.again = kDeleteAgain;
  co_return false;
}

Task<bool> MachineDeletion::drain(Pass& pass) {
  const Node& node = *pass.node;
  NESTOR_CO_TRY_VOID(co_await cordon(pass.session->client(), node));
  const auto watch = watches_.of(pass.key, pass.session, node.metadata.name);
  NESTOR_CO_TRY_VOID(co_await watch->wait_synced());
  DrainView view;
  view.pods = watch->list_pods();
  view.budgets = watch->list_budgets();
  view.unreachable = is_unreachable(node);
  view.now = pass.view.now;
  auto& refusals = watch->refusals;
  std::erase_if(refusals, [&](const auto& one) {
    return std::ranges::none_of(view.pods,
                                [&](const PodPtr& pod) { return pod->metadata.uid == one.first; });
  });
  DrainPlan plan = plan_drain(view, refusals);
  std::vector<PodPtr> asked = plan.evict;
  if (asked.size() > kEvictionsAtOnce) {
    // Those that were refused longest ago after those that were not: all have their turn.
    std::ranges::sort(asked, {}, [&](const PodPtr& pod) {
      const auto refused = refusals.find(pod->metadata.uid);
      const auto since = refused == refusals.end() ? std::nullopt : refused->second.again;
      return std::pair(since.value_or(WallTime::min()), pod->metadata.key());
    });
    asked.resize(kEvictionsAtOnce);
    pass.next_evictions = kNextEvictions;
  }
  NESTOR_CO_TRY_VOID(co_await evict(watch, view, asked));
  plan = plan_drain(view, refusals);
  pass.view.drained = plan.done();
  pass.message = describe(plan, view, refusals);
  pass.again = until_retry(plan, refusals, view.now);
  co_return pass.view.drained;
}

Task<> MachineDeletion::evict(std::shared_ptr<DrainWatches::Watch> watch, const DrainView& view,
                              std::vector<PodPtr> pods) {
  for (const PodPtr& pod : pods) {
    auto evicted = co_await evict_pod(watch->shared->session->client(), *pod, view.unreachable);
    if (evicted) {
      watch->refusals.erase(pod->metadata.uid);
      continue;
    }
    if (evicted.error().code == Code::kCancelled) co_return evicted;
    watch->refusals[pod->metadata.uid] =
        refusal_of(view, *pod, evicted.error(), context_.runtime.clock().now());
  }
  co_return Result<>{};
}

Task<bool> MachineDeletion::detach(Pass& pass) {
  const auto watch = watches_.of(pass.key, pass.session, pass.node->metadata.name);
  NESTOR_CO_TRY_VOID(co_await watch->wait_synced());
  const auto attachments = watch->list_attachments();
  auto claims = kept_claims(watch->list_pods());
  NESTOR_CO_TRY(const KeptVolumes kept,
                co_await find_kept_volumes(pass.session->client(), std::move(claims), attachments));
  const auto left = attached_volumes(*pass.node, attachments, kept);
  pass.view.detached = left.empty();
  pass.message =
      left.empty() ? "" : "volumes are still attached: " + joined_some(left, kVolumesNamed);
  co_return pass.view.detached;
}

Task<bool> MachineDeletion::remove_node(Pass& pass) {
  kube::ObjectKey key{"", pass.node->metadata.name};
  auto removed = co_await kube::ensure_deleted(pass.session->client(), Node::kType, key);
  const auto deadline = step_deadline(*pass.view.machine, kNode);
  const bool give_up = deadline && pass.view.now >= *deadline;
  if (!removed) {
    if (removed.error().code == Code::kCancelled || !give_up) {
      co_return std::unexpected(std::move(removed).error());
    }
    context_.runtime.events().warning(*pass.view.machine, "FailedDeleteNode",
                                      "Node " + key.name + " stays: " + removed.error().message);
  }
  pass.view.node = nullptr;
  pass.view.node_unknown = false;
  co_return true;
}

void MachineDeletion::announce(const Machine& before, const Machine& after, MachineDeleteStep step,
                               const Pass& pass) {
  auto& events = context_.runtime.events();
  const std::string was = reason_of(before);
  const std::string node = "Node " + after.status.nodeRef.name;
  const bool drain_ends = step > kDrain && !after.status.deletion.nodeDrainStartTime.empty() &&
                          (was.empty() || was == "NotDeleting" ||
                           was == deleting_reason(kPreDrainHook) || was == deleting_reason(kDrain));
  if (drain_ends && pass.view.drained) {
    events.normal(after, "SuccessfulDrainNode", node + " is drained");
  } else if (drain_ends) {
    events.warning(after, "FailedDrainNode", "gave up draining " + node);
  }
  if (step == kDrain && pass.again && was != deleting_reason(kDrain)) {
    events.warning(after, "FailedDrainNode", pass.message);
  }
  if (step > kVolumes && was == deleting_reason(kVolumes)) {
    if (pass.view.detached) {
      events.normal(after, "NodeVolumesDetached", "the volumes of " + node + " are detached");
    } else {
      events.warning(after, "FailedWaitForVolumeDetach",
                     "gave up waiting for the volumes of " + node);
    }
  }
}

}  // namespace nestor::cluster
