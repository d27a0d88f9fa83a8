#include <gtest/gtest.h>

#include "autoscale/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::api_node;
using testing::api_pod;
using testing::count;
using testing::message;
using testing::Scene;

/// Two nodes; what is on them is the test's.
struct ScaleDown : ::testing::Test {
  Scene scene;
  ScaleDown() {
    scene.group("a", 0, 5);
    scene.node_of("a-1");
    scene.node_of("a-2");
    scene.pod(api_pod("busy", "3", "a-1"));
  }
  std::string says(const Decision& decision, const std::string& node) {
    return decision.groups[0].report.nodes.at(node);
  }
  std::optional<NodeMarks> marks(const Decision& decision, const std::string& node) {
    for (const NodeChange& change : decision.nodes) {
      if (change.node == node) return change.marks;
    }
    return std::nullopt;
  }
};

TEST_F(ScaleDown, AnIdleNodeGoesAfterItsTime) {
  Decision out = scene.decide();
  ASSERT_TRUE(marks(out, "a-2"));
  EXPECT_EQ(marks(out, "a-2")->candidate_since, scene.now);
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, scene.now + minutes(10));
  EXPECT_EQ(out.groups[0].report.scale_down, "CandidatesPresent");

  scene.carry_out(out, minutes(10));
  out = scene.decide();
  EXPECT_EQ(marks(out, "a-2")->to_be_deleted_since, scene.now);
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, scene.now + seconds(5));

  scene.carry_out(out, seconds(5));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 1);
  EXPECT_EQ(out.groups[0].mark, std::vector<std::string>{"m-a-2"});
  EXPECT_EQ(out.groups[0].state.removing, std::set<std::string>{"m-a-2"});
  EXPECT_EQ(count(out, "ScaleDownEmpty"), 1);
  EXPECT_EQ(count(out, "ScaleDown"), 1);

  scene.carry_out(out, seconds(1));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_TRUE(out.notes.empty());
  EXPECT_EQ(out.groups[0].state.removing, std::set<std::string>{"m-a-2"});

  scene.view.nodes.pop_back();
  scene.view.groups[0].machines.pop_back();
  out = scene.decide();
  EXPECT_TRUE(out.groups[0].state.removing.empty());
}

TEST_F(ScaleDown, PodsMoveToWhereTheyFit) {
  scene.pod(api_pod("small", "1", "a-2"));
  Decision out = scene.decide();
  EXPECT_TRUE(marks(out, "a-2"));
  scene.carry_out(out, minutes(10));
  out = scene.decide();
  scene.carry_out(out, seconds(5));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 1);
  EXPECT_EQ(message(out, "ScaleDown"), "node removed by cluster autoscaler");
  EXPECT_EQ(count(out, "ScaleDown"), 3);
}

TEST_F(ScaleDown, APodThatFindsNoPlaceKeepsTheNode) {
  scene.pod(api_pod("small", "1500m", "a-2"));
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
  EXPECT_EQ(says(out, "a-2"), "NoPlaceToMovePods: no other node has room for pod default/small");
  EXPECT_EQ(says(out, "a-1"), "NotUnderutilized: its pods ask for 75% of it, more than 50%");
}

TEST_F(ScaleDown, ANodeThatIsNeededAgainIsNoCandidateAnyMore) {
  scene.carry_out(scene.decide(), minutes(9));
  scene.pod(api_pod("big", "3", "a-2"));
  const Decision out = scene.decide();
  ASSERT_TRUE(marks(out, "a-2"));
  EXPECT_EQ(*marks(out, "a-2"), NodeMarks{});
}

TEST_F(ScaleDown, APodThatCameInTheLastMomentStopsIt) {
  scene.carry_out(scene.decide(), minutes(10));
  scene.carry_out(scene.decide(), seconds(5));
  scene.pod(api_pod("big", "3", "a-2"));
  const Decision out = scene.decide();
  EXPECT_EQ(*marks(out, "a-2"), NodeMarks{});
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(count(out, "ScaleDownFailed"), 1);
  EXPECT_EQ(out.groups[0].state.last_scale_down_failure, scene.now);
}

TEST_F(ScaleDown, PendingPodsTakeRoomOnExistingNodes) {
  scene.pod(api_pod("waits", "3"));
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
}

TEST_F(ScaleDown, TheMinimumHolds) {
  scene.view.groups[0].min = 2;
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
  EXPECT_EQ(says(out, "a-2"), "NodeGroupMinSizeReached: the group has its minimum size, 2");
}

TEST_F(ScaleDown, CooldownsAreOfTheWholeTenant) {
  scene.carry_out(scene.decide(), minutes(10));
  scene.group("b", 0, 5).state.last_scale_up = scene.now - minutes(4);
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
  EXPECT_EQ(out.next, scene.now + minutes(6));
  EXPECT_NE(says(out, "a-2").find("in cooldown after a scale-up until"), std::string::npos);
}

TEST_F(ScaleDown, AGroupBeingRolledIsLeftAlone) {
  scene.view.groups[0].rolling = true;
  EXPECT_FALSE(marks(scene.decide(), "a-2"));
}

TEST_F(ScaleDown, AnnotatedNodesStay) {
  auto node = api_node("a-2");
  node.metadata.annotations["cluster-autoscaler.kubernetes.io/scale-down-disabled"] = "true";
  scene.view.nodes[1] = std::make_shared<const api::core::Node>(node);
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
  EXPECT_TRUE(says(out, "a-2").starts_with("ScaleDownDisabledAnnotation"));
}

TEST_F(ScaleDown, AnAnnotationDelaysADeletionThatHasBegun) {
  auto node = api_node("a-2");
  node.metadata.annotations["delay-deletion.cluster-autoscaler.kubernetes.io/backup"] = "true";
  scene.view.nodes[1] = std::make_shared<const api::core::Node>(node);
  scene.carry_out(scene.decide(), minutes(10));
  Decision out = scene.decide();
  ASSERT_TRUE(marks(out, "a-2"));
  EXPECT_EQ(marks(out, "a-2")->to_be_deleted_since, scene.now);
  scene.carry_out(out, seconds(5));
  out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, std::nullopt);
  EXPECT_EQ(out.next, scene.now + minutes(2));
  EXPECT_EQ(says(out, "a-2"), "being removed; its deletion is delayed by an annotation");
  // It ends when the annotation goes, and after its time.
  const auto delayed = scene.view.nodes[1];
  node = *delayed;
  node.metadata.annotations.erase("delay-deletion.cluster-autoscaler.kubernetes.io/backup");
  scene.view.nodes[1] = std::make_shared<const api::core::Node>(node);
  EXPECT_EQ(scene.decide().groups[0].replicas, 1);
  scene.view.nodes[1] = delayed;
  scene.carry_out(out, minutes(2));
  EXPECT_EQ(scene.decide().groups[0].replicas, 1);
}

TEST_F(ScaleDown, ALostNodeGoesAfterALongerTime) {
  scene.view.nodes[1] = std::make_shared<const api::core::Node>(api_node("a-2", false));
  Decision out = scene.decide();
  scene.carry_out(out, minutes(19));
  EXPECT_EQ(scene.decide().next, scene.now + minutes(1));
  scene.now += minutes(1);
  out = scene.decide();
  EXPECT_TRUE(marks(out, "a-2")->to_be_deleted_since);
}

TEST_F(ScaleDown, ALargerSizeOvertakesARemoval) {
  scene.carry_out(scene.decide(), minutes(10));
  scene.carry_out(scene.decide(), seconds(5));
  scene.carry_out(scene.decide(), seconds(1));
  ASSERT_EQ(scene.view.groups[0].target, 1);
  scene.view.groups[0].machines[1].marked = true;
  scene.view.groups[0].target = 2;
  const Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].unmark, std::vector<std::string>{"m-a-2"});
  EXPECT_TRUE(out.groups[0].state.removing.empty());
}

TEST_F(ScaleDown, AGroupThatGrowsKeepsItsNodes) {
  scene.view.pods.clear();
  scene.pod(api_pod("busy", "2500m", "a-1"));
  scene.carry_out(scene.decide(), minutes(10));
  scene.carry_out(scene.decide(), seconds(6));
  scene.pod(api_pod("new", "3"));
  Decision out = scene.decide();
  EXPECT_EQ(out.groups[0].replicas, 3);
  EXPECT_EQ(says(out, "a-2"), "NotUnneededOtherReason: its group grows");
  ASSERT_TRUE(marks(out, "a-2"));
  EXPECT_EQ(*marks(out, "a-2"), NodeMarks{});
  EXPECT_TRUE(out.groups[0].mark.empty());
  EXPECT_EQ(count(out, "ScaleDownFailed"), 1);
  for (int i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    scene.carry_out(out, seconds(1));
    out = scene.decide();
    EXPECT_EQ(out.groups[0].replicas, std::nullopt);
    EXPECT_TRUE(out.groups[0].mark.empty());
    EXPECT_TRUE(out.nodes.empty());
    EXPECT_TRUE(out.notes.empty());
  }
}

TEST_F(ScaleDown, ANodeDoesNotBeginToGoWhileItsGroupGrows) {
  scene.view.options.scale_down_delay_after_add = Duration(0);
  scene.carry_out(scene.decide(), minutes(10));
  scene.view.groups[0].target = 3;
  const Decision out = scene.decide();
  EXPECT_FALSE(marks(out, "a-2"));
  EXPECT_NE(says(out, "a-2").find("; its group grows"), std::string::npos) << says(out, "a-2");
}

TEST_F(ScaleDown, PodsThatAreIgnoredTakeTheirPartOfTheNode) {
  auto node = api_node("a-2");
  node.status.allocatable["cpu"] = "2";
  scene.view.nodes[1] = std::make_shared<const api::core::Node>(node);
  scene.pod(api_pod("daemon", "500m", "a-2", "", "", "default", "DaemonSet"));
  scene.pod(api_pod("small", "800m", "a-2"));
  scene.view.options.utilization.ignore_daemons = true;
  EXPECT_EQ(says(scene.decide(), "a-2"),
            "NotUnderutilized: its pods ask for 53% of it, more than 50%");
}

TEST_F(ScaleDown, SwitchedOffOnlyWatches) {
  scene.view.options.scale_down_enabled = false;
  scene.carry_out(scene.decide(), minutes(11));
  EXPECT_FALSE(marks(scene.decide(), "a-2"));
}

TEST_F(ScaleDown, MarksOfOthersNodesAreTakenOff) {
  NodeMarks old;
  old.candidate_since = scene.now;
  scene.add(with_marks(api_node("x"), old));
  EXPECT_EQ(*marks(scene.decide(), "x"), NodeMarks{});
}

TEST(Marks, ATimeThatNoClockHasIsTheFirst) {
  NodeMarks begun;
  begun.candidate_since = testing::kNow;
  auto node = with_marks(api_node("n"), begun);
  node.spec.taints.at(0).value = "253402300799";
  EXPECT_EQ(read_marks(node).candidate_since, WallTime{});
}

TEST(Marks, LeaveAPersonsCordonAlone) {
  NodeMarks begun;
  begun.to_be_deleted_since = testing::kNow;
  auto node = with_marks(api_node("n"), begun);
  EXPECT_EQ(node.spec.unschedulable, true);
  EXPECT_EQ(read_marks(node), begun);
  EXPECT_EQ(node.spec.taints.at(0).effect, "NoSchedule");
  node = with_marks(node, {});
  EXPECT_EQ(node.spec.unschedulable, std::nullopt);
  EXPECT_TRUE(node.spec.taints.empty());
  node.spec.unschedulable = true;
  node = with_marks(with_marks(node, begun), {});
  EXPECT_EQ(node.spec.unschedulable, true);
}

/// One pod more on the idle node, and what it does to it.
struct DrainCase {
  const char* name;
  Json pod;
  const char* expected;
};
class Drain : public ::testing::TestWithParam<DrainCase> {};

TEST_P(Drain, FollowsUpstreamsRules) {
  Scene scene;
  scene.group("a", 0, 5);
  scene.node_of("a-1");
  scene.node_of("a-2");
  scene.pod(api_pod("busy", "2500m", "a-1"));
  Budget budget;
  budget.ns = "default";
  budget.name = "pdb";
  budget.selector = Requirements{{"pdb", Requirement::Operator::kExists, {}}};
  scene.view.budgets = {budget};
  scene.pod(GetParam().pod);
  const Decision out = scene.decide();
  const std::string says = out.groups[0].report.nodes.at("a-2");
  EXPECT_TRUE(says.starts_with(GetParam().expected)) << says;
}

Json extra(const std::string& metadata, const std::string& spec = "",
           const std::string& ns = "default", const std::string& owner = "ReplicaSet") {
  return api_pod("extra", "1", "a-2", metadata, spec, ns, owner);
}
std::string annotated(const std::string& key, const std::string& value) {
  return "annotations: {cluster-autoscaler.kubernetes.io/" + key + ": '" + value + "'}";
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Drain,
    ::testing::Values(
        DrainCase{"Replicated", extra(""), "unneeded since"},
        DrainCase{"Bare", extra("", "", "default", ""), "BlockedByPod: nothing would make"},
        DrainCase{"CustomOwner", extra("", "", "default", "Game"), "BlockedByPod: nothing"},
        DrainCase{"BareButSafe", extra(annotated("safe-to-evict", "true"), "", "default", ""),
                  "unneeded since"},
        DrainCase{"Daemon", extra("", "", "default", "DaemonSet"), "unneeded since"},
        DrainCase{"Mirror",
                  extra("annotations: {kubernetes.io/config.mirror: x}", "", "default", ""),
                  "unneeded since"},
        DrainCase{"NotSafe", extra(annotated("safe-to-evict", "false")), "BlockedByPod: pod"},
        DrainCase{"OnCompletion", extra(annotated("safe-to-evict", "on-completion")),
                  "BlockedByOnCompletionPod"},
        DrainCase{"System", extra("", "", "kube-system"), "BlockedByPod: pod kube-system/extra is"},
        DrainCase{"EmptyDir", extra("", "volumes: [{name: v, emptyDir: {}}]"), "BlockedByPod: pod"},
        DrainCase{"EmptyDirInMemory", extra("", "volumes: [{name: v, emptyDir: {medium: Memory}}]"),
                  "unneeded since"},
        DrainCase{"EmptyDirExcused",
                  extra(annotated("safe-to-evict-local-volumes", "u, v"),
                        "volumes: [{name: v, emptyDir: {}}]"),
                  "unneeded since"},
        DrainCase{"Claim", extra("", "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]"),
                  "unneeded since"}),
    [](const auto& info) { return info.param.name; });

Budget one_disruption() {
  Budget out;
  out.ns = "default";
  out.name = "web";
  out.selector = Requirements{{"app", Requirement::Operator::kIn, {"web"}}};
  out.allowed = 1;
  return out;
}

TEST(Budgets, BlockWhenExhausted) {
  Scene scene;
  scene.group("a", 0, 5);
  for (const char* name : {"a-1", "a-2", "a-3"}) scene.node_of(name);
  scene.pod(api_pod("busy", "2500m", "a-1"));
  scene.pod(api_pod("one", "500m", "a-2"));
  scene.pod(api_pod("two", "500m", "a-3"));
  scene.view.budgets = {one_disruption()};
  Decision out = scene.decide();
  // One disruption: one of the two can go.
  EXPECT_EQ(out.groups[0].report.candidates, 1);
  scene.view.budgets[0].allowed = 0;
  out = scene.decide();
  EXPECT_EQ(out.groups[0].report.candidates, 0);
  EXPECT_NE(out.groups[0].report.nodes.at("a-3").find("PodDisruptionBudget default/web"),
            std::string::npos);
}

TEST(Budgets, PodsOfOneNodeMayShareADisruption) {
  Scene scene;
  scene.group("a", 0, 5);
  for (const char* name : {"a-1", "a-2", "a-3"}) scene.node_of(name);
  scene.pod(api_pod("busy", "2500m", "a-1"));
  for (const char* name : {"one", "two"}) scene.pod(api_pod(name, "200m", "a-2"));
  scene.pod(api_pod("three", "500m", "a-3"));
  scene.view.budgets = {one_disruption()};
  const Decision out = scene.decide();
  const auto& says = out.groups[0].report.nodes;
  EXPECT_TRUE(says.at("a-2").starts_with("unneeded since")) << says.at("a-2");
  // The next node finds nothing left.
  EXPECT_NE(says.at("a-3").find("PodDisruptionBudget default/web"), std::string::npos);
}

TEST(Parallel, IdleNodesGoTogetherOthersOneByOne) {
  Scene scene;
  scene.group("a", 0, 9);
  for (int i = 0; i < 7; ++i) scene.node_of("a-" + std::to_string(i));
  scene.pod(api_pod("busy", "2500m", "a-0"));
  for (int i = 1; i < 4; ++i) {
    scene.pod(api_pod("p" + std::to_string(i), "100m", "a-" + std::to_string(i)));
  }
  scene.carry_out(scene.decide(), minutes(10));
  const Decision out = scene.decide();
  int begun = 0;
  for (const NodeChange& change : out.nodes) begun += change.marks.to_be_deleted_since ? 1 : 0;
  EXPECT_EQ(begun, 4);
}

}  // namespace
}  // namespace nestor::autoscale
