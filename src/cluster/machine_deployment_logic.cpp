#include "cluster/machine_deployment_logic.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/cluster/labels.hpp"
#include "kube/client.hpp"

namespace nestor::cluster {

namespace names = api::cluster;
using api::cluster::MachineDeployment;
using api::cluster::MachineSet;
using api::cluster::MachineTemplate;

namespace {

kube::Condition condition(std::string_view type, bool status, std::string_view reason,
                          std::string message = {}) {
  kube::Condition out;
  out.type = type;
  out.status = status ? "True" : "False";
  out.reason = reason;
  out.message = std::move(message);
  return out;
}

int replicas_of(const MachineSet& set) { return set.spec.replicas.value_or(1); }
int actual_of(const MachineSet& set) { return set.status.replicas.value_or(0); }
int available_of(const MachineSet& set) { return set.status.availableReplicas.value_or(0); }

std::vector<MachineSetPtr> all_of(const MachineSets& sets) {
  auto all = sets.old;
  if (sets.current) all.push_back(sets.current);
  return all;
}

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

struct Limits {
  int surge = 1;
  int unavailable = 0;
};
Limits limits_of(const MachineDeployment& deployment) {
  const int total = deployment.spec.replicas.value_or(1);
  const auto& rolling = deployment.spec.rollout.strategy.rollingUpdate;
  Limits limits{resolve_count(rolling.maxSurge, total, true, 1),
                resolve_count(rolling.maxUnavailable, total, false, 0)};
  if (limits.surge == 0 && limits.unavailable == 0) limits.unavailable = 1;
  return limits;
}

/// Takes up to `budget` Machines off the old sets, by `most` for each, oldest set first.
int shrink(std::vector<int>& replicas, const std::vector<int>& most, int budget) {
  int taken = 0;
  for (std::size_t i = 0; i < replicas.size() && taken < budget; ++i) {
    const int now = std::min({replicas[i], most[i], budget - taken});
    replicas[i] -= now;
    taken += now;
  }
  return taken;
}

void plan_old_sets(const MachineDeployment& deployment, const MachineSets& sets,
                   const Limits& limits, RolloutPlan& plan) {
  const int wanted = deployment.spec.replicas.value_or(1);
  int total = 0;
  int available = 0;
  for (const auto& set : all_of(sets)) {
    total += replicas_of(*set);
    available += std::min(available_of(*set), replicas_of(*set));
  }
  const int least = wanted - limits.unavailable;
  const int new_missing =
      sets.current ? std::max(0, replicas_of(*sets.current) - available_of(*sets.current)) : 0;
  int budget = total - least - new_missing;
  if (budget <= 0) return;
  // Machines that serve nothing go first: that costs no availability.
  std::vector<int> broken;
  for (const auto& set : sets.old) {
    broken.push_back(std::max(0, replicas_of(*set) - available_of(*set)));
  }
  budget -= shrink(plan.old, broken, budget);
  const std::vector<int> any(plan.old.size(), wanted + total);
  shrink(plan.old, any, std::min(budget, std::max(0, available - least)));
}

RolloutPlan plan_on_delete(const MachineDeployment& deployment, const MachineSets& sets) {
  RolloutPlan plan;
  int old_total = 0;
  for (const auto& set : sets.old) {
    // An old set never makes up for a Machine that a person deleted.
    plan.old.push_back(std::min(replicas_of(*set), actual_of(*set)));
    old_total += plan.old.back();
  }
  plan.current = std::max(0, deployment.spec.replicas.value_or(1) - old_total);
  return plan;
}

}  // namespace

bool same_machines(const MachineTemplate& a, const MachineTemplate& b) {
  return identity_of(a) == identity_of(b);
}

std::string template_hash(const MachineTemplate& machine_template) {
  // FNV-1a, 32 bits: only has to tell apart the few templates of one deployment.
  std::uint32_t hash = 2166136261U;
  for (const char c : to_text(identity_of(machine_template))) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return std::to_string(hash);
}

MachineSets sort_sets(const MachineDeployment& deployment,
                      const std::vector<MachineSetPtr>& owned) {
  auto sorted = owned;
  std::ranges::sort(sorted, {}, [](const MachineSetPtr& set) {
    return std::pair(set->metadata.creationTimestamp, set->metadata.name);
  });
  MachineSets sets;
  for (auto& set : sorted) {
    const bool current = !sets.current && !set->metadata.deleting() &&
                         same_machines(set->spec.template_, deployment.spec.template_);
    if (current) {
      sets.current = std::move(set);
    } else {
      sets.old.push_back(std::move(set));
    }
  }
  return sets;
}

MachineSet machine_set_of(const MachineDeployment& deployment, const MachineSets& sets,
                          const std::string& suffix) {
  const std::string hash_label(names::kTemplateHashLabel);
  const std::string hash = template_hash(deployment.spec.template_) + "-" + suffix;
  int revision = 0;
  for (const auto& set : all_of(sets)) {
    const auto text = set->metadata.annotation(names::kRevisionAnnotation);
    int one = 0;
    std::from_chars(text.data(), text.data() + text.size(), one);
    revision = std::max(revision, one);
  }
  MachineSet set;
  set.metadata.name = deployment.metadata.name.substr(0, 57) + "-" + suffix;
  set.metadata.namespace_ = deployment.metadata.namespace_;
  set.metadata.labels = deployment.spec.template_.metadata.labels;
  set.metadata.labels[std::string(names::kClusterNameLabel)] = deployment.spec.clusterName;
  set.metadata.labels[std::string(names::kDeploymentNameLabel)] = deployment.metadata.name;
  set.metadata.labels[hash_label] = hash;
  set.metadata.annotations[std::string(names::kRevisionAnnotation)] = std::to_string(revision + 1);
  set.metadata.ownerReferences = {kube::owner_reference(deployment)};
  set.metadata.finalizers = {std::string(names::kMachineSetFinalizer)};
  set.spec.clusterName = deployment.spec.clusterName;
  set.spec.replicas = 0;
  set.spec.selector = deployment.spec.selector;
  set.spec.selector.matchLabels[hash_label] = hash;
  set.spec.template_ = deployment.spec.template_;
  set.spec.template_.metadata.labels[hash_label] = hash;
  set.spec.machineNaming = deployment.spec.machineNaming;
  set.spec.deletion = deployment.spec.deletion;
  return set;
}

MachineSet propagated(const MachineDeployment& deployment, const MachineSet& current) {
  const std::string hash_label(names::kTemplateHashLabel);
  MachineSet set = current;
  auto& to = set.spec.template_;
  const auto& from = deployment.spec.template_;
  const auto hash = current.spec.template_.metadata.labels.find(hash_label);
  to.metadata = from.metadata;
  if (hash != current.spec.template_.metadata.labels.end()) {
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
      std::to_string(wanted + limits_of(deployment).surge);
  return set;
}

int resolve_count(const Json& number_or_percent, int total, bool round_up, int fallback) {
  if (number_or_percent.is_number()) {
    std::int32_t number = 0;
    return read_json(number_or_percent, number) ? std::max(0, number) : fallback;
  }
  if (!number_or_percent.is_string()) return fallback;
  const std::string_view text = number_or_percent.get_string();
  int percent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (read.ec != std::errc{} || percent < 0) return fallback;
  if (read.ptr == text.data() + text.size()) return percent;
  return (percent * total + (round_up ? 99 : 0)) / 100;
}

RolloutPlan plan_rollout(const MachineDeployment& deployment, const MachineSets& sets) {
  if (deployment.spec.rollout.strategy.type == "OnDelete") {
    return plan_on_delete(deployment, sets);
  }
  const int wanted = deployment.spec.replicas.value_or(1);
  const Limits limits = limits_of(deployment);
  RolloutPlan plan;
  int old_spec = 0;
  int old_actual = 0;
  for (const auto& set : sets.old) {
    plan.old.push_back(replicas_of(*set));
    old_spec += replicas_of(*set);
    old_actual += std::max(replicas_of(*set), actual_of(*set));
  }
  const int now = sets.current ? replicas_of(*sets.current) : 0;
  if (old_actual == 0 || now > wanted) {
    plan.current = wanted;
  } else {
    // Machines that are still going count: the surge is a limit of real machines.
    const int room = wanted + limits.surge - (now + old_actual);
    plan.current = std::min(wanted, now + std::max(0, room));
  }
  if (old_spec > 0) plan_old_sets(deployment, sets, limits, plan);
  return plan;
}

MachineDeployment observe(const MachineDeployment& deployment, const MachineSets& sets,
                          std::string_view now) {
  MachineDeployment out = deployment;
  auto& status = out.status;
  const int wanted = deployment.spec.replicas.value_or(1);
  int have = 0;
  int ready = 0;
  int available = 0;
  std::map<std::string, std::int32_t> versions;
  for (const auto& set : all_of(sets)) {
    have += actual_of(*set);
    ready += set->status.readyReplicas.value_or(0);
    available += available_of(*set);
    for (const auto& one : set->status.versions) {
      versions[one.version] += one.replicas.value_or(0);
    }
  }
  const int up_to_date = sets.current ? actual_of(*sets.current) : 0;
  status.selector = api::to_selector_text(deployment.spec.selector);
  status.replicas = have;
  status.readyReplicas = ready;
  status.availableReplicas = available;
  status.upToDateReplicas = up_to_date;
  status.versions.clear();
  for (const auto& [version, count] : versions) status.versions.push_back({version, count});
  status.observedGeneration = deployment.metadata.generation;

  const auto put = [&](kube::Condition one) {
    one.observedGeneration = deployment.metadata.generation;
    kube::set_condition(status.conditions, std::move(one), now);
  };
  const bool up = have < wanted;
  const bool down = have > wanted;
  const bool rolling = up_to_date < have;
  const bool enough = available >= wanted - limits_of(deployment).unavailable;
  const std::string counts = std::to_string(have) + " of " + std::to_string(wanted) + " Machines";
  put(condition(
      "Available", enough, enough ? "Available" : "NotAvailable",
      enough ? ""
             : std::to_string(available) + " available Machines of " + std::to_string(wanted)));
  put(condition("RollingOut", rolling, rolling ? "RollingOut" : "NotRollingOut"));
  put(condition("ScalingUp", up, up ? "ScalingUp" : "NotScalingUp", up ? counts : ""));
  put(condition("ScalingDown", down, down ? "ScalingDown" : "NotScalingDown", down ? counts : ""));
  put(condition("MachinesReady", ready == have, ready == have ? "Ready" : "NotReady"));
  put(condition("MachinesUpToDate", !rolling, rolling ? "NotUpToDate" : "UpToDate"));
  const bool deleting = deployment.metadata.deleting();
  put(condition("Deleting", deleting, deleting ? "Deleting" : "NotDeleting"));
  const bool paused = deployment.spec.paused.value_or(false);
  put(condition("Paused", paused, paused ? "Paused" : "NotPaused"));
  status.phase = up ? "ScalingUp" : (down ? "ScalingDown" : "Running");
  return out;
}

}  // namespace nestor::cluster
