#include "cluster/machine_health_check_controller.hpp"

#include <algorithm>

#include "cluster/external_remediation.hpp"
#include "cluster/machine_logic.hpp"
#include "cluster/machine_set_logic.hpp"

namespace nestor::cluster {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineHealthCheck;
using api::core::Node;

void MachineHealthCheckController::add() {
  auto& controller = context_.runtime.add_controller(
      "cluster.machinehealthcheck",
      [this](kube::ObjectKey key) { return reconcile(std::move(key)); },
      {.concurrency = 20, .group = context_.by_cluster<MachineHealthCheck>()});
  controller.watch(context_.machine_health_checks());
  controller.watch_mapped<Machine>(context_.machines(),
                                   [this](const Machine& machine) { return checks_of(machine); });
  context_.watch_clusters(controller, [this](const Cluster& cluster) {
    return checks_of_cluster(cluster.metadata.key());
  });
  const auto wake_cluster = [this, &controller](const kube::ObjectKey& cluster) {
    for (auto& key : checks_of_cluster(cluster)) controller.enqueue(std::move(key));
  };
  // Templates and requests of whoever remediates instead.
  context_.kinds.on_change([this, &controller](const std::string& kind, const auto&) {
    for (const auto& check : context_.machine_health_checks().list()) {
      const auto& source = check->spec.remediation.templateRef.kind;
      if (source == kind || kind_of_template(source) == kind) {
        controller.enqueue(check->metadata.key());
      }
    }
  });
  context_.sessions.on_change(
      [wake_cluster](const kube::ObjectKey& cluster, bool) { wake_cluster(cluster); });
  context_.sessions.watch_nodes(
      [this, &controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        // Most changes of a Node are its kubelet's word that it is as it was.
        if (old && now && old->status.conditions == now->status.conditions) return;
        for (const auto& machine : context_.machines_of(cluster, now ? *now : *old)) {
          for (auto& key : checks_of(*machine)) {
            controller.enqueue_after(std::move(key), kNodePace);
          }
        }
      });
}

std::vector<kube::ObjectKey> MachineHealthCheckController::checks_of(const Machine& machine) {
  std::vector<kube::ObjectKey> keys;
  for (const auto& check : context_.machine_health_checks().list(machine.metadata.namespace_)) {
    if (check->spec.clusterName == machine.spec.clusterName &&
        api::matches(check->spec.selector, machine.metadata.labels)) {
      keys.push_back(check->metadata.key());
    }
  }
  return keys;
}

std::vector<kube::ObjectKey> MachineHealthCheckController::checks_of_cluster(
    const kube::ObjectKey& cluster) {
  std::vector<kube::ObjectKey> keys;
  for (const auto& check : context_.machine_health_checks().list(cluster.ns)) {
    if (check->spec.clusterName == cluster.name) keys.push_back(check->metadata.key());
  }
  return keys;
}

Task<kube::ReconcileResult> MachineHealthCheckController::reconcile(kube::ObjectKey key) {
  const auto stored = context_.machine_health_checks().get(key);
  if (!stored || stored->metadata.deleting()) co_return kube::ReconcileResult{};
  const auto cluster = context_.clusters().get({key.ns, stored->spec.clusterName});
  if (cluster && api::cluster::paused(*cluster, stored->metadata)) {
    co_return co_await show_paused(context_, stored, cluster);
  }
  if (const auto valid = validate(*stored); !valid) {
    co_return co_await show_invalid(context_, stored, "RemediationAllowed", valid.error().message);
  }
  if (!cluster || cluster->metadata.deleting()) co_return kube::ReconcileResult{};
  NESTOR_CO_TRY(const bool wrote, co_await ensure_metadata(context_, stored, "", cluster));
  if (wrote) co_return kube::ReconcileResult{};
  const auto session = context_.sessions.find(cluster->metadata.key());
  // Of a tenant that cannot be asked nothing new is known: a control plane that is away must not
  // cost its nodes. Its return wakes the check.
  const bool up = cluster->status.initialization.controlPlaneInitialized.value_or(false);
  if (up && !session) co_return kube::ReconcileResult{};
  co_return co_await examine(stored, cluster, session);
}

Task<kube::ReconcileResult> MachineHealthCheckController::examine(
    CheckPtr stored, ClusterPtr cluster, std::shared_ptr<tenant::Session> session) {
  auto defaulted = std::make_shared<MachineHealthCheck>(*stored);
  api::cluster::set_defaults(*defaulted);
  const CheckPtr check = defaulted;
  NESTOR_CO_TRY(const auto targets, co_await find_targets(check, session));
  std::vector<Health> verdicts;
  kube::ReconcileResult result;
  int unhealthy = 0;
  for (const HealthTarget& target : targets) {
    NESTOR_CO_TRY(Health verdict, co_await verdict_on(check, cluster, session, target));
    verdicts.push_back(std::move(verdict));
    const Health& health = verdicts.back();
    if (!health.healthy()) ++unhealthy;
    result.look_again(health.until_unhealthy);
  }
  const int total = static_cast<int>(targets.size());
  const Allowance allowed = allowance(*check, total, unhealthy, context_.runtime.clock().now());
  result.look_again(allowed.wait);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Health health = verdicts[i];
    if (health.repeated) continue;
    const auto& machine = targets[i].machine;
    NESTOR_CO_TRY_VOID(
        co_await mark(check, machine, std::move(health), may_remediate(*machine, allowed)));
  }
  MachineHealthCheck after = *stored;
  after.status = observe(*check, targets, total - unhealthy, allowed, context_.now()).status;
  const auto* before = kube::find_condition(stored->status.conditions, "RemediationAllowed");
  if (!allowed.allowed && (before == nullptr || before->status == "True")) {
    context_.runtime.events().warning(*check, "RemediationRestricted", allowed.message);
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *stored, after));
  co_return result;
}

std::optional<Duration> MachineHealthCheckController::until_settled(
    const kube::ObjectKey& cluster) {
  const auto settled = context_.sessions.probe(cluster).since + kTenantGrace;
  const auto left = time_until(settled, context_.runtime.clock().now());
  return left > Duration(0) ? std::optional(left) : std::nullopt;
}

Task<Health> MachineHealthCheckController::verdict_on(CheckPtr check, ClusterPtr cluster,
                                                      std::shared_ptr<tenant::Session> session,
                                                      HealthTarget target) {
  const auto unsettled = until_settled(cluster->metadata.key());
  const WallTime now = context_.runtime.clock().now();
  Health health = judge(*check, *cluster, target, now, unsettled);
  if (!session || !newly_blames_node(*target.machine, health)) co_return health;
  // The cache may lag behind its Node, and a Machine does not come back.
  NESTOR_CO_TRY(auto node, co_await read_node(session, target.machine->status.nodeRef.name));
  target.node = node ? std::make_shared<const Node>(*std::move(node)) : nullptr;
  co_return judge(*check, *cluster, target, now, unsettled);
}

Task<std::vector<HealthTarget>> MachineHealthCheckController::find_targets(
    CheckPtr check, std::shared_ptr<tenant::Session> session) {
  std::vector<HealthTarget> targets;
  for (const auto& machine : context_.machines().list(check->metadata.namespace_)) {
    if (is_target(*check, *machine)) targets.push_back({machine, nullptr});
  }
  if (!session) co_return targets;
  auto nodes = session->informers().of<Node>();
  // Before the cache is complete a Node that it lacks may well be there.
  NESTOR_CO_TRY_VOID(co_await nodes.wait_until([nodes] { return nodes.synced(); }, kCacheTimeout));
  for (HealthTarget& target : targets) {
    target.node = nodes.get({"", target.machine->status.nodeRef.name});
  }
  co_return targets;
}

Task<> MachineHealthCheckController::mark(CheckPtr check, std::shared_ptr<const Machine> machine,
                                          Health health, bool allowed) {
  const bool external = !check->spec.remediation.templateRef.empty();
  Machine after = marked(*machine, health, allowed && !external, context_.now());
  if (external) {
    NESTOR_CO_TRY_VOID(
        co_await remediate_externally(context_, check, after, !health.healthy(), allowed));
  }
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(context_.client(), *machine, after));
  const auto* before = kube::find_condition(machine->status.conditions, "HealthCheckSucceeded");
  if (!health.healthy() && (before == nullptr || before->status == "True")) {
    context_.runtime.events().warning(*machine, "MachineMarkedUnhealthy",
                                      health.reason + ": " + health.message);
  }
  co_return Result<>{};
}

}  // namespace nestor::cluster
