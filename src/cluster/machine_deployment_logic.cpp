#include "cluster/machine_deployment_logic.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "cluster/replica_logic.hpp"
#include "cluster/rollout_plan.hpp"
#include "kube/client.hpp"

namespace nestor::cluster {

namespace names = api::cluster;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::cluster::MachineTemplate;

namespace {

/// What decides whether two templates make the same Machines.
Json identity_of(const MachineTemplate& machine_template) {
  const auto& spec = machine_template.spec;
  JsonObject identity;
  identity["version"] = spec.version;
  identity["failureDomain"] = spec.failureDomain;
  identity["bootstrap"] = to_json(spec.bootstrap);
  identity["infrastructureRef"] = to_json(spec.infrastructureRef);
  return identity;
}

int revision_of(const MachineSet& set) {
  return parse_number<int>(set.metadata.annotation(names::kRevisionAnnotation)).value_or(0);
}

std::optional<WallTime> rollout_after(const MachineDeployment& deployment) {
  const auto& after = deployment.spec.rollout.after;
  if (after.empty()) return std::nullopt;
  const auto when = parse_rfc3339(after);
  return when ? std::optional(*when) : std::nullopt;
}

/// Behind the counts in the message of the set's condition.
std::string why_not_scaling_up(const MachineSet& set) {
  const auto* up = kube::find_condition(set.status.conditions, "ScalingUp");
  if (up == nullptr || up->status != "True") return {};
  const auto colon = up->message.find(": ");
  return colon == std::string::npos ? "" : up->message.substr(colon + 2);
}

/// Made before a time of roll-out that has passed. A set that was made because of it is not,
/// whatever the API server's clock, which may be behind ours and knows whole seconds only.
bool too_old(const MachineDeployment& deployment, const MachineSet& set, WallTime now) {
  const auto after = rollout_after(deployment);
  if (!after || *after > now) return false;
  if (set.metadata.annotation(names::kRolloutAfterAnnotation) == deployment.spec.rollout.after) {
    return false;
  }
  const auto born = parse_rfc3339(set.metadata.creationTimestamp);
  return born && *born < *after;
}

}  // namespace

bool same_machines(const MachineTemplate& a, const MachineTemplate& b) {
  return identity_of(a) == identity_of(b);
}

std::string template_hash(const MachineTemplate& machine_template) {
  // 32 bits tell apart the few templates of one deployment.
  return std::to_string(fnv1a32(to_text(identity_of(machine_template))));
}

std::vector<std::string> outdated_because(const MachineDeployment& deployment,
                                          const MachineSet& set, WallTime now) {
  std::vector<std::string> reasons;
  const auto& have = set.spec.template_.spec;
  const auto& want = deployment.spec.template_.spec;
  if (have.version != want.version) {
    reasons.push_back("version is " + have.version + ", wanted " + want.version);
  }
  if (have.failureDomain != want.failureDomain) {
    reasons.push_back("failure domain is " + have.failureDomain + ", wanted " + want.failureDomain);
  }
  if (have.bootstrap != want.bootstrap) {
    reasons.push_back("bootstrap is not " + want.bootstrap.configRef.kind + " " +
                      want.bootstrap.configRef.name + want.bootstrap.dataSecretName);
  }
  if (have.infrastructureRef != want.infrastructureRef) {
    reasons.push_back("infrastructure is not " + want.infrastructureRef.kind + " " +
                      want.infrastructureRef.name);
  }
  if (too_old(deployment, set, now)) {
    reasons.push_back("made before the roll-out of " + deployment.spec.rollout.after);
  }
  return reasons;
}

std::optional<Duration> until_rollout(const MachineDeployment& deployment, WallTime now) {
  const auto after = rollout_after(deployment);
  if (!after || *after <= now) return std::nullopt;
  return time_until(*after, now);
}

std::vector<MachineSetPtr> all_of(const MachineSets& sets) {
  auto all = sets.old;
  if (sets.current) all.push_back(sets.current);
  return all;
}

MachineSets sort_sets(const MachineDeployment& deployment, const std::vector<MachineSetPtr>& owned,
                      WallTime now) {
  auto sorted = owned;
  std::ranges::sort(sorted, {}, [](const MachineSetPtr& set) {
    return std::pair(set->metadata.creationTimestamp, set->metadata.name);
  });
  MachineSets sets;
  for (auto& set : sorted) {
    const bool current = !sets.current && !set->metadata.deleting() &&
                         same_machines(set->spec.template_, deployment.spec.template_) &&
                         !too_old(deployment, *set, now);
    if (current) {
      sets.current = std::move(set);
    } else {
      sets.old.push_back(std::move(set));
    }
  }
  return sets;
}

MachineSet machine_set_of(const MachineDeployment& deployment, const std::string& suffix,
                          WallTime now) {
  const std::string hash_label(names::kTemplateHashLabel);
  const std::string hash = template_hash(deployment.spec.template_) + "-" + suffix;
  MachineSet set;
  set.metadata.name = deployment.metadata.name.substr(0, 57) + "-" + suffix;
  set.metadata.namespace_ = deployment.metadata.namespace_;
  set.metadata.labels = deployment.spec.template_.metadata.labels;
  set.metadata.labels[std::string(names::kClusterNameLabel)] = deployment.spec.clusterName;
  set.metadata.labels[std::string(names::kDeploymentNameLabel)] = deployment.metadata.name;
  set.metadata.labels[hash_label] = hash;
  if (const auto after = rollout_after(deployment); after && *after <= now) {
    set.metadata.annotations[std::string(names::kRolloutAfterAnnotation)] =
        deployment.spec.rollout.after;
  }
  set.metadata.ownerReferences = {kube::owner_reference(deployment)};
  set.metadata.finalizers = {std::string(names::kMachineSetFinalizer)};
  set.spec.clusterName = deployment.spec.clusterName;
  set.spec.replicas = 0;
  set.spec.selector = deployment.spec.selector;
  set.spec.selector.matchLabels[hash_label] = hash;
  set.spec.template_ = deployment.spec.template_;
  set.spec.template_.metadata.labels[hash_label] = hash;
  return propagated(deployment, set, true);
}

MachineSet propagated(const MachineDeployment& deployment, const MachineSet& before, bool current) {
  const std::string hash_label(names::kTemplateHashLabel);
  MachineSet set = before;
  auto& to = set.spec.template_;
  const auto& from = deployment.spec.template_;
  to.metadata = from.metadata;
  const auto& labels = before.spec.template_.metadata.labels;
  if (const auto hash = labels.find(hash_label); hash != labels.end()) {
    to.metadata.labels[hash_label] = hash->second;
  }
  to.spec.minReadySeconds = from.spec.minReadySeconds;
  to.spec.readinessGates = from.spec.readinessGates;
  to.spec.deletion = from.spec.deletion;
  to.spec.taints = from.spec.taints;
  set.spec.deletion = deployment.spec.deletion;
  set.spec.machineNaming = deployment.spec.machineNaming;
  const int wanted = deployment.spec.replicas.value_or(1);
  auto& notes = set.metadata.annotations;
  notes[std::string(names::kDesiredReplicasAnnotation)] = std::to_string(wanted);
  notes[std::string(names::kMaxReplicasAnnotation)] =
      std::to_string(wanted + rollout_limits(deployment).surge);
  // A set that is replaced Machine by Machine as people delete them must not make them again.
  const std::string stop(names::kDisableMachineCreateAnnotation);
  if (!current && deployment.spec.rollout.strategy.type == "OnDelete") {
    notes[stop] = "true";
  } else {
    notes.erase(stop);
  }
  return set;
}

int current_revision(const MachineSets& sets) {
  int others = 0;
  for (const auto& set : sets.old) others = std::max(others, revision_of(*set));
  return std::max(sets.current ? revision_of(*sets.current) : 0, others + 1);
}

int missing_replicas(const MachineDeployment& deployment, const std::vector<MachineSetPtr>& owned) {
  MachineDeployment defaulted = deployment;
  defaulted.spec.replicas.reset();
  names::set_defaults(defaulted);
  const int begin = *defaulted.spec.replicas;
  const auto least =
      parse_number<int>(deployment.metadata.annotation(names::kAutoscalerMinSizeAnnotation));
  const auto most =
      parse_number<int>(deployment.metadata.annotation(names::kAutoscalerMaxSizeAnnotation));
  if (!least || !most || *least > *most || owned.empty()) return begin;
  int have = 0;
  std::optional<int> desired;
  for (const auto& set : owned) {
    have += set->spec.replicas.value_or(0);
    // In the middle of a roll-out there are more.
    if (const auto one =
            parse_number<int>(set->metadata.annotation(names::kDesiredReplicasAnnotation))) {
      desired = one;
    }
  }
  have = desired.value_or(have);
  return std::clamp(have, *least, *most);
}

MachineDeployment observe(const MachineDeployment& deployment, const MachineSets& sets,
                          std::string_view now) {
  MachineDeployment out = deployment;
  auto& status = out.status;
  ReplicaCounts counts;
  counts.wanted = deployment.spec.replicas.value_or(1);
  counts.deleting = deployment.metadata.deleting();
  counts.paused = deployment.spec.paused.value_or(false);
  std::map<std::string, std::int32_t> versions;
  for (const auto& set : all_of(sets)) {
    const auto& its = set->status;
    counts.have += its.replicas.value_or(0);
    counts.ready += its.readyReplicas.value_or(0);
    counts.available += its.availableReplicas.value_or(0);
    const auto* ready = kube::find_condition(its.conditions, "MachinesReady");
    if (ready != nullptr && ready->status == "Unknown") {
      counts.unknown += its.replicas.value_or(0) - its.readyReplicas.value_or(0);
    }
    for (const auto& one : its.versions) versions[one.version] += one.replicas.value_or(0);
    if (kube::condition_true(its.conditions, "Remediating")) ++counts.remediating;
  }
  if (sets.current) counts.blocked = why_not_scaling_up(*sets.current);
  counts.up_to_date = sets.current ? sets.current->status.replicas.value_or(0) : 0;
  write_counts(counts, status);
  status.selector = api::to_selector_text(deployment.spec.selector);
  status.versions.clear();
  for (const auto& [version, count] : versions) status.versions.push_back({version, count});
  status.observedGeneration = deployment.metadata.generation;

  auto conditions = replica_conditions(counts);
  const int least = counts.wanted - rollout_limits(deployment).unavailable;
  const bool enough = counts.available >= least;
  conditions.push_back(
      kube::make_condition("Available", enough, enough ? "Available" : "NotAvailable",
                           enough ? ""
                                  : std::to_string(counts.available) + " available Machines of " +
                                        std::to_string(counts.wanted) + ", at least " +
                                        std::to_string(least) + " are required"));
  const int outdated = counts.have - counts.up_to_date;
  conditions.push_back(kube::make_condition(
      "RollingOut", outdated > 0, outdated > 0 ? "RollingOut" : "NotRollingOut",
      outdated > 0 ? std::to_string(outdated) + " Machines are to be replaced" : ""));
  put_conditions(status.conditions, std::move(conditions), deployment.metadata.generation, now);
  status.phase = counts.have < counts.wanted   ? "ScalingUp"
                 : counts.have > counts.wanted ? "ScalingDown"
                                               : "Running";
  return out;
}

}  // namespace nestor::cluster
