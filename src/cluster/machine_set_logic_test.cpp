#include "cluster/machine_set_logic.hpp"

#include <gtest/gtest.h>

namespace nestor::cluster {
namespace {

using api::cluster::Machine;
using api::cluster::MachineSet;

MachineSet set_of(int replicas) {
  MachineSet set;
  set.metadata.name = "demo-md-abcde";
  set.metadata.namespace_ = "default";
  set.metadata.uid = "set-uid";
  set.metadata.labels["cluster.x-k8s.io/deployment-name"] = "demo-md";
  set.spec.clusterName = "demo";
  set.spec.replicas = replicas;
  set.spec.selector.matchLabels = {{"a", "b"}};
  set.spec.template_.metadata.labels = {{"a", "b"}};
  set.spec.template_.spec.version = "v1.37.2";
  set.spec.template_.spec.bootstrap.configRef = {"bootstrap.cluster.x-k8s.io",
                                                 "KubeadmConfigTemplate", "demo-md"};
  set.spec.template_.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io",
                                               "KubevirtMachineTemplate", "demo-md"};
  return set;
}

std::shared_ptr<Machine> machine(const std::string& name, const std::string& born = "1") {
  auto out = std::make_shared<Machine>();
  out->metadata.name = name;
  out->metadata.namespace_ = "default";
  out->metadata.creationTimestamp = born;
  out->metadata.labels = {{"a", "b"}};
  out->spec.clusterName = "demo";
  out->status.nodeRef.name = name;
  return out;
}

std::string names_of(const std::vector<MachinePtr>& machines) {
  std::string out;
  for (const auto& one : machines) out += one->metadata.name + " ";
  return out;
}

TEST(MembersOf, TellsOwnedFromOrphansFromOthers) {
  const auto set = set_of(1);
  auto owned = machine("owned");
  owned->metadata.ownerReferences = {kube::owner_reference(set)};
  auto orphan = machine("orphan");
  auto foreign = machine("foreign");
  foreign->metadata.ownerReferences = {kube::owner_reference(set)};
  foreign->metadata.ownerReferences[0].uid = "another";
  auto unlike = machine("unlike");
  unlike->metadata.labels.clear();
  auto other_cluster = machine("other");
  other_cluster->spec.clusterName = "x";
  auto leaving = machine("leaving");
  leaving->metadata.deletionTimestamp = "now";
  const auto members = members_of(set, {owned, orphan, foreign, unlike, other_cluster, leaving});
  EXPECT_EQ(names_of(members.owned), "owned ");
  EXPECT_EQ(names_of(members.orphans), "orphan ");
}

TEST(PlanScale, CreatesWhatIsMissing) {
  EXPECT_EQ(plan_scale(set_of(3), {machine("a")}).create, 2);
  EXPECT_EQ(plan_scale(set_of(1), {machine("a")}).create, 0);
}

TEST(PlanScale, AMachineThatIsGoingIsReplacedOnlyOnceItIsGone) {
  auto going = machine("a");
  going->metadata.deletionTimestamp = "now";
  const auto plan = plan_scale(set_of(1), {going});
  EXPECT_EQ(plan.create, 0);
  EXPECT_TRUE(plan.remove.empty());
}

TEST(PlanScale, AMachineThatHasFailedAndIsGoingIsReplacedAtOnce) {
  auto failed = machine("a");
  kube::Condition ready;
  ready.type = "InfrastructureReady";
  ready.status = "False";
  ready.reason = api::cluster::kInfrastructureFailed;
  failed->status.conditions = {ready};
  EXPECT_EQ(plan_scale(set_of(1), {failed}).create, 0);
  failed->metadata.deletionTimestamp = "now";
  EXPECT_EQ(plan_scale(set_of(1), {failed}).create, 1);
  EXPECT_EQ(names_of(plan_scale(set_of(1), {failed, machine("b")}).remove), "");
}

TEST(PlanScale, AMachineThatIsGoingCountsForScalingDown) {
  auto going = machine("b");
  going->metadata.deletionTimestamp = "now";
  EXPECT_EQ(names_of(plan_scale(set_of(1), {machine("a"), going}).remove), "");
  EXPECT_EQ(names_of(plan_scale(set_of(1), {machine("a"), going, machine("c")}).remove), "a ");
}

TEST(PlanScale, StopsCreatingWhenToldSo) {
  auto set = set_of(2);
  set.metadata.annotations["cluster.x-k8s.io/disable-machine-create"] = "";
  EXPECT_EQ(plan_scale(set, {}).create, 0);
}

TEST(DeletePriority, MarkedThenUnhealthyThenByAge) {
  auto marked = machine("m1", "1");
  marked->metadata.annotations["cluster.x-k8s.io/delete-machine"] = "yes";
  auto no_node = machine("m2", "2");
  no_node->status.nodeRef.name.clear();
  const std::vector<MachinePtr> all{machine("m4", "4"), no_node, machine("m3", "3"), marked};
  EXPECT_EQ(names_of(by_delete_priority(all, "Oldest")), "m1 m2 m3 m4 ");
  EXPECT_EQ(names_of(by_delete_priority(all, "Newest")), "m1 m2 m4 m3 ");
  EXPECT_EQ(names_of(by_delete_priority(all, "")), "m1 m2 m3 m4 ");
}

std::shared_ptr<Machine> with(std::shared_ptr<Machine> machine, const char* type,
                              const char* status) {
  kube::Condition condition;
  condition.type = type;
  condition.status = status;
  machine->status.conditions.push_back(condition);
  return machine;
}

TEST(DeletePriority, ANodeThatCannotBeAskedIsNotUnhealthy) {
  const std::vector<MachinePtr> all{with(machine("away", "1"), "NodeHealthy", "Unknown"),
                                    with(machine("bad", "2"), "NodeHealthy", "False")};
  EXPECT_EQ(names_of(by_delete_priority(all, "Oldest")), "bad away ");
}

TEST(DeletePriority, WhatIsNotYetAvailableGoesBeforeWhatServes) {
  const auto fine = [](const char* name, const char* available) {
    return with(with(machine(name), "NodeHealthy", "True"), "Available", available);
  };
  for (const char* idle : {"a", "z"}) {
    const std::vector<MachinePtr> all{fine("m", "True"), fine(idle, "False")};
    EXPECT_EQ(names_of(by_delete_priority(all, "")), std::string(idle) + " m ");
  }
  const std::vector<MachinePtr> all{
      with(with(machine("away"), "NodeHealthy", "Unknown"), "Available", "False"),
      fine("idle", "False")};
  EXPECT_EQ(names_of(by_delete_priority(all, "")), "idle away ");
}

TEST(MachineOf, PointsToItsOwnObjectsAndCarriesTheMarks) {
  const auto made = machine_of(set_of(1), "demo-md-abcde-x");
  EXPECT_EQ(made.spec.bootstrap.configRef.kind, "KubeadmConfig");
  EXPECT_EQ(made.spec.bootstrap.configRef.name, "demo-md-abcde-x");
  EXPECT_EQ(made.spec.infrastructureRef.kind, "KubevirtMachine");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/set-name"), "demo-md-abcde");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/deployment-name"), "demo-md");
  EXPECT_EQ(made.metadata.label("cluster.x-k8s.io/cluster-name"), "demo");
  EXPECT_EQ(made.metadata.label("a"), "b");
  ASSERT_NE(made.metadata.controller(), nullptr);
  EXPECT_EQ(made.metadata.controller()->uid, "set-uid");
  EXPECT_TRUE(made.metadata.has_finalizer("machine.cluster.x-k8s.io"));
}

TEST(CloneTemplate, CopiesTheWholeSpecAndSaysWhereItCameFrom) {
  const Json source = parse_json(R"({"apiVersion":"infrastructure.cluster.x-k8s.io/v1alpha1",
      "kind":"KubevirtMachineTemplate","metadata":{"name":"demo-md","uid":"u"},
      "spec":{"template":{"metadata":{"labels":{"x":"y"}},"spec":{"anything":[1,{"b":2}]}}}})")
                          .value();
  const Json made = clone_template(set_of(1), source, "demo-x").value();
  EXPECT_EQ(find_string(made, {"kind"}), "KubevirtMachine");
  EXPECT_EQ(find_string(made, {"apiVersion"}), "infrastructure.cluster.x-k8s.io/v1alpha1");
  EXPECT_EQ(to_text(*find(made, {"spec"})), R"({"anything":[1,{"b":2}]})");
  EXPECT_EQ(find_string(made, {"metadata", "name"}), "demo-x");
  EXPECT_EQ(find_string(made, {"metadata", "uid"}), "");
  EXPECT_EQ(find_string(made, {"metadata", "labels", "x"}), "y");
  EXPECT_EQ(find_string(made, {"metadata", "annotations", "cluster.x-k8s.io/cloned-from-name"}),
            "demo-md");
  EXPECT_EQ(
      find_string(made, {"metadata", "annotations", "cluster.x-k8s.io/cloned-from-groupkind"}),
      "KubevirtMachineTemplate.infrastructure.cluster.x-k8s.io");
}

TEST(CloneTemplate, RefusesWhatIsNoTemplate) {
  const Json source = parse_json(R"({"kind":"X","metadata":{"name":"x"},"spec":{}})").value();
  ASSERT_FALSE(clone_template(set_of(1), source, "demo-x").has_value());
}

TEST(ObserveSet, CountsMachines) {
  auto ready = machine("a");
  kube::Condition yes;
  yes.type = "Ready";
  yes.status = "True";
  ready->status.conditions = {yes};
  ready->spec.version = "v1.37.2";
  const auto status = observe(set_of(3), {ready, machine("b")}, {}, "2026-01-01T00:00:00Z").status;
  EXPECT_EQ(status.replicas, 2);
  EXPECT_EQ(status.readyReplicas, 1);
  EXPECT_EQ(status.availableReplicas, 0);
  EXPECT_EQ(status.selector, "a=b");
  EXPECT_TRUE(kube::condition_true(status.conditions, "ScalingUp"));
  ASSERT_EQ(status.versions.size(), 1U);
  EXPECT_EQ(status.versions[0].version, "v1.37.2");
}

TEST(ObserveSet, MachinesThatAreGoingAreNeitherReadyNorAvailable) {
  auto going = with(with(machine("a"), "Ready", "True"), "Available", "True");
  going->metadata.deletionTimestamp = "now";
  const auto status = observe(set_of(1), {going}, {}, "2026-01-01T00:00:00Z").status;
  EXPECT_EQ(status.replicas, 1);
  EXPECT_EQ(status.readyReplicas, 0);
  EXPECT_EQ(status.availableReplicas, 0);
  EXPECT_EQ(kube::find_condition(status.conditions, "MachinesReady")->status, "False");
}

TEST(ObserveSet, IsUnsureAboutMachinesWhoseNodesCannotBeAsked) {
  const auto state = [](const std::vector<MachinePtr>& owned) {
    const auto after = observe(set_of(2), owned, {}, "2026-01-01T00:00:00Z");
    return kube::find_condition(after.status.conditions, "MachinesReady")->status;
  };
  const auto fine = with(machine("a"), "Ready", "True");
  const auto away = with(machine("b"), "NodeHealthy", "Unknown");
  EXPECT_EQ(state({fine, away}), "Unknown");
  EXPECT_EQ(state({with(machine("c"), "NodeHealthy", "False"), away}), "False");
  auto joining = with(machine("d"), "NodeHealthy", "Unknown");
  joining->status.nodeRef.name.clear();
  EXPECT_EQ(state({fine, joining}), "False");
}

std::shared_ptr<Machine> unhealthy(const std::string& name, const std::string& born = "1") {
  auto out = machine(name, born);
  for (const char* type : {"HealthCheckSucceeded", "OwnerRemediated"}) {
    kube::Condition condition;
    condition.type = type;
    condition.status = "False";
    out->status.conditions.push_back(condition);
  }
  return out;
}

TEST(PlanRemediation, TakesWhatWasAskedForThenTheNewestUpToTheLimit) {
  auto asked = unhealthy("asked", "1");
  asked->metadata.annotations["cluster.x-k8s.io/remediate-machine"] = "";
  const std::vector<MachinePtr> owned{machine("fine"), unhealthy("old", "1"), unhealthy("new", "2"),
                                      asked};
  EXPECT_EQ(names_of(plan_remediation(owned, 3)), "asked new old ");
  EXPECT_EQ(names_of(plan_remediation(owned, 1)), "asked ");
  EXPECT_EQ(names_of(plan_remediation(owned, 0)), "");
  auto going = unhealthy("going");
  going->metadata.deletionTimestamp = "now";
  EXPECT_EQ(names_of(plan_remediation({going, unhealthy("a")}, 1)), "") << "one is under way";
}

TEST(UpdatedMachine, TakesOnlyWhatNeedsNoNewMachine) {
  auto set = set_of(1);
  auto existing = machine("m");
  existing->spec = machine_of(set, "m").spec;
  existing->metadata.labels["own"] = "x";
  set.spec.template_.metadata.labels["new"] = "y";
  set.spec.template_.spec.version = "v1.38.0";
  set.spec.template_.spec.deletion.nodeDrainTimeoutSeconds = 7;
  const auto wanted = updated_machine(set, *existing);
  EXPECT_EQ(wanted.spec.version, "v1.37.2");
  EXPECT_EQ(wanted.spec.deletion.nodeDrainTimeoutSeconds, 7);
  EXPECT_EQ(wanted.metadata.labels.at("new"), "y");
  EXPECT_EQ(wanted.spec.infrastructureRef, existing->spec.infrastructureRef);
}

TEST(ObserveSet, SaysWhyNothingIsMade) {
  const auto after = observe(set_of(2), {machine("a")}, {true, "quota exceeded"}, "now");
  EXPECT_EQ(after.status.upToDateReplicas, 0);
  const auto* up = kube::find_condition(after.status.conditions, "ScalingUp");
  EXPECT_EQ(up->message, "1 of 2 Machines: quota exceeded");
  EXPECT_FALSE(kube::condition_true(after.status.conditions, "MachinesUpToDate"));
}

}  // namespace
}  // namespace nestor::cluster
