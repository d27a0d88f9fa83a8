#include <gmock/gmock.h>

#include "api/policy/pod_disruption_budget.hpp"
#include "api/storage/volume_attachment.hpp"
#include "cluster/testing/room.hpp"

namespace nestor::cluster {
namespace {

using namespace testing;
using api::policy::PodDisruptionBudget;
using api::storage::VolumeAttachment;
using std::chrono::seconds;
using ::testing::HasSubstr;

/// A Machine with a Node, and what happens when it has to go.
struct DrainRoom : ClusterRoom {
  DrainRoom() {
    control_plane_up();
    add_deployment(1);
    join_all();
    name = only_machine();
    watches = world.tenant.open_watches();
  }
  std::string deleting_message() { return condition(read<Machine>(name), "Deleting").message; }
  std::string deleting_reason() { return condition(read<Machine>(name), "Deleting").reason; }
  void change_machine(const std::function<void(Machine&)>& change) {
    auto machine = read<Machine>(name);
    change(machine);
    world.management.put(machine);
    world.run();
  }
  void put_budget(int allowed) {
    PodDisruptionBudget budget;
    budget.metadata.name = "web";
    budget.metadata.namespace_ = "apps";
    budget.spec.selector.emplace().matchLabels["app"] = "web";
    budget.status.disruptionsAllowed = allowed;
    budget.status.desiredHealthy = 1;
    budget.status.currentHealthy = 1 + allowed;
    world.tenant.put(budget);
  }
  std::string name;
  std::size_t watches = 0;
};

TEST_F(DrainRoom, CordonsEvictsAndGoesOnWhenThePodsEnded) {
  auto pod = add_pod("web", name);
  pod.metadata.finalizers = {"held"};
  world.tenant.put(pod);
  scale(0);
  EXPECT_EQ(world.tenant.peek<Node>({"", name})->spec.unschedulable, true);
  EXPECT_EQ(world.tenant.count("create", "pods"), 1U);
  EXPECT_EQ(deleting_reason(), "DrainingNode");
  EXPECT_THAT(deleting_message(), HasSubstr("apps/web"));
  EXPECT_FALSE(read<Machine>(name).status.deletion.nodeDrainStartTime.empty());
  EXPECT_EQ(condition(read<Machine>(name), "Ready").status, "False");
  EXPECT_EQ(condition(read<Machine>(name), "Available").status, "False");
  EXPECT_EQ(read<MachineDeployment>("workers").status.availableReplicas, 0);
  // Nothing is asked again while nothing happens.
  world.tenant.clear_calls();
  world.pass(seconds(60));
  EXPECT_EQ(world.tenant.count("list") + world.tenant.count("create"), 0U);
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  world.tenant.erase_now(api::core::Pod::kType, {"apps", "web"});
  world.run();
  EXPECT_EQ(count<Machine>() + count<KubevirtMachine>(), 0U);
  EXPECT_EQ(world.tenant.all<Node>().size(), 0U);
  EXPECT_EQ(world.tenant.open_watches(), watches)
      << "what was watched for the drain is not any more";
}

TEST_F(DrainRoom, AsksForSoManyEvictionsAtATime) {
  for (int i = 0; i < 25; ++i) {
    auto pod = add_pod("web-" + std::to_string(i), name);
    pod.metadata.finalizers = {"held"};
    world.tenant.put(pod);
  }
  int asked = 0;
  int most = 0;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.subresource == "eviction") most = std::max(most, ++asked);
    return std::nullopt;
  });
  // Each pass begins with a look at what the Machine refers to.
  world.management.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.verb == "get") asked = 0;
    return std::nullopt;
  });
  scale(0);
  world.pass(seconds(5));
  EXPECT_EQ(most, 10);
  for (const auto& pod : world.tenant.all<api::core::Pod>()) {
    EXPECT_TRUE(pod.metadata.deleting()) << pod.metadata.name;
  }
}

TEST_F(DrainRoom, PodsThatCannotGoKeepNoOtherPodsFromTheirTurn) {
  for (int i = 10; i < 22; ++i) add_pod("web-" + std::to_string(i), name);
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.subresource != "eviction" || call.key.name >= "web-20") return std::nullopt;
    // Each answer takes its time.
    world.clock.advance(seconds(2));
    return Error{Code::kInternal, "failed calling webhook", {}};
  });
  scale(0);
  world.pass(seconds(60));
  EXPECT_EQ(world.tenant.all<api::core::Pod>().size(), 10U);
}

TEST_F(DrainRoom, HonoursTheBudgetAndGoesOnAtOnceWhenItAllows) {
  add_pod("web", name);
  put_budget(0);
  bool allowed = false;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (allowed || call.subresource != "eviction") return std::nullopt;
    return Error{Code::kResourceExhausted, "it would violate the pod's disruption budget", {}};
  });
  scale(0);
  world.pass(seconds(120));
  EXPECT_EQ(world.tenant.count("create", "pods"), 1U);
  EXPECT_THAT(deleting_message(), HasSubstr("pod disruption budget web"));
  allowed = true;
  put_budget(1);
  world.run();
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, TheSecondPodOfABudgetGoesAsSoonAsTheFirstIsReplaced) {
  for (const char* one : {"web-1", "web-2"}) {
    auto pod = add_pod(one, name);
    pod.metadata.labels["app"] = "web";
    world.tenant.put(pod);
  }
  put_budget(1);
  int allowed = 1;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (call.subresource != "eviction") return std::nullopt;
    if (allowed == 0) {
      return Error{Code::kResourceExhausted, "it would violate the pod's disruption budget", {}};
    }
    put_budget(--allowed);
    return std::nullopt;
  });
  scale(0);
  EXPECT_EQ(world.tenant.all<api::core::Pod>().size(), 1U);
  world.pass(seconds(25));
  EXPECT_EQ(count<Machine>(), 1U);
  // No time passes from here on.
  allowed = 1;
  put_budget(1);
  world.run();
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, GivesUpAtTheTimeLimit) {
  auto pod = add_pod("web", name);
  pod.metadata.finalizers = {"held"};
  world.tenant.put(pod);
  // The deployment's word counts: a Machine of a set does not keep limits of its own.
  auto deployment = read<MachineDeployment>("workers");
  deployment.spec.template_.spec.deletion.nodeDrainTimeoutSeconds = 30;
  world.management.put(deployment);
  world.run();
  scale(0);
  world.pass(seconds(29));
  EXPECT_EQ(count<Machine>(), 1U);
  world.pass(seconds(2));
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, WaitsForVolumesToBeDetached) {
  VolumeAttachment attachment;
  attachment.metadata.name = "csi-1";
  attachment.spec.nodeName = name;
  attachment.spec.source.persistentVolumeName = "pv-1";
  world.tenant.put(attachment);
  scale(0);
  EXPECT_EQ(deleting_reason(), "WaitingForVolumeDetach");
  EXPECT_THAT(deleting_message(), HasSubstr("pv-1"));
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  world.tenant.erase(VolumeAttachment::kType, {"", "csi-1"});
  world.run();
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, HooksOfOthersHoldItUp) {
  const std::string hook = "pre-drain.delete.hook.machine.cluster.x-k8s.io/backup";
  change_machine([&](Machine& machine) { machine.metadata.annotations[hook] = "me"; });
  scale(0);
  EXPECT_EQ(deleting_reason(), "WaitingForPreDrainHook");
  EXPECT_NE(world.tenant.peek<Node>({"", name})->spec.unschedulable, true);
  change_machine([&](Machine& machine) { machine.metadata.annotations.erase(hook); });
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, PodsOfANodeThatDoesNotReportAreNotWaitedFor) {
  auto node = world.tenant.peek<Node>({"", name}).value();
  node.status.conditions[0].status = "Unknown";
  world.tenant.put(node);
  auto pod = add_pod("web", name);
  pod.metadata.finalizers = {"held"};
  world.tenant.put(pod);
  scale(0);
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, ATenantThatIsAwayIsWaitedForAndThenDrained) {
  add_pod("web", name);
  bool away = true;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (!away || call.verb != "raw") return std::nullopt;
    return Error{Code::kUnavailable, "refused", {}};
  });
  world.pass(seconds(60));
  scale(0);
  world.pass(seconds(60));
  EXPECT_EQ(count<KubevirtMachine>(), 1U);
  EXPECT_THAT(deleting_message(), HasSubstr("cannot be reached"));
  away = false;
  world.pass(seconds(15));
  EXPECT_EQ(world.tenant.count("create", "pods"), 1U);
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, AFailingCallToTheTenantIsAMessageAndTriedAgain) {
  world.tenant.fail_next("list", {Code::kUnavailable, "overloaded", {}}, 1, "pods");
  add_pod("web", name);
  scale(0);
  world.pass(seconds(40));
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, PodsThatAreTooManyDoNotTakeTheTenantAway) {
  bool fits = false;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (fits || call.verb != "list" || call.plural != "pods") return std::nullopt;
    return Error{Code::kResourceExhausted, "too many objects", {}};
  });
  scale(0);
  world.pass(std::chrono::minutes(5));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(count<Machine>(), 1U);
  EXPECT_EQ(deleting_reason(), "DrainingNode");
  fits = true;
  world.pass(std::chrono::minutes(2));
  EXPECT_EQ(count<Machine>(), 0U);
}

TEST_F(DrainRoom, NothingIsWatchedForADrainOfATenantThatIsAway) {
  auto pod = add_pod("web", name);
  pod.metadata.finalizers = {"held"};
  world.tenant.put(pod);
  scale(0);
  EXPECT_GT(world.tenant.open_watches(), watches);
  bool away = true;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (!away || call.verb != "raw") return std::nullopt;
    return Error{Code::kUnavailable, "refused", {}};
  });
  world.pass(seconds(60));
  EXPECT_EQ(world.tenant.open_watches(), watches);
  away = false;
  world.pass(seconds(15));
  EXPECT_GT(world.tenant.open_watches(), watches);
}

TEST_F(DrainRoom, ARestartInTheMiddleGoesOn) {
  auto pod = add_pod("web", name);
  pod.metadata.finalizers = {"held"};
  world.tenant.put(pod);
  scale(0);
  const auto begun = read<Machine>(name).status.deletion.nodeDrainStartTime;
  restart();
  world.pass(seconds(2));
  EXPECT_EQ(read<Machine>(name).status.deletion.nodeDrainStartTime, begun);
  world.tenant.erase_now(api::core::Pod::kType, {"apps", "web"});
  world.pass(seconds(2));
  EXPECT_EQ(count<Machine>(), 0U);
}

}  // namespace
}  // namespace nestor::cluster
