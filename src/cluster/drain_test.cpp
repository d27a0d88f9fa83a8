#include "cluster/drain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/volumes.hpp"

namespace nestor::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

api::core::Pod pod_of(const std::string& name) {
  api::core::Pod pod;
  pod.metadata.name = name;
  pod.metadata.namespace_ = "apps";
  pod.metadata.uid = "uid-" + name;
  pod.metadata.labels["app"] = name;
  kube::Condition ready;
  ready.type = "Ready";
  ready.status = "True";
  pod.status.conditions = {ready};
  return pod;
}

api::policy::PodDisruptionBudget budget_of(const std::string& app, int allowed) {
  api::policy::PodDisruptionBudget budget;
  budget.metadata.name = app;
  budget.metadata.namespace_ = "apps";
  budget.metadata.resourceVersion = "1";
  budget.spec.selector.emplace().matchLabels["app"] = app;
  budget.status.disruptionsAllowed = allowed;
  budget.status.desiredHealthy = 2;
  budget.status.currentHealthy = 2 + allowed;
  return budget;
}

template <class T>
std::shared_ptr<const T> shared(T value) {
  return std::make_shared<const T>(std::move(value));
}

TEST(DrainBehavior, LeavesPodsThatBelongToTheNode) {
  EXPECT_EQ(drain_behavior(pod_of("a")), DrainBehavior::kEvict);
  auto pod = pod_of("finished");
  pod.status.phase = "Succeeded";
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kSkip);
  pod = pod_of("mirror");
  pod.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kSkip);
  pod = pod_of("labelled");
  pod.metadata.labels["cluster.x-k8s.io/drain"] = "Skip";
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kSkip);
  pod.metadata.labels["cluster.x-k8s.io/drain"] = "wait-completed";
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kWaitCompleted);
  pod = pod_of("owned");
  pod.metadata.ownerReferences.resize(1);
  pod.metadata.ownerReferences[0].kind = "DaemonSet";
  pod.metadata.ownerReferences[0].controller = true;
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kSkip);
  pod.metadata.ownerReferences[0].kind = "ReplicaSet";
  EXPECT_EQ(drain_behavior(pod), DrainBehavior::kEvict);
}

struct PlanDrain : ::testing::Test {
  PlanDrain() {
    view.pods = {shared(pod_of("web"))};
    view.budgets = {shared(budget_of("web", 0)), shared(budget_of("other", 0))};
    view.now = *parse_rfc3339("2026-01-01T00:00:00Z");
  }
  void refuse(Error error) {
    refusals["uid-web"] = refusal_of(view, *view.pods[0], error, view.now);
  }
  DrainPlan plan() { return plan_drain(view, refusals); }
  std::string text() { return describe(plan(), view, refusals); }

  DrainView view;
  Refusals refusals;
};

TEST_F(PlanDrain, AsksOnceAndThenWaitsForTheBudget) {
  EXPECT_EQ(plan().evict.size(), 1U);
  refuse({Code::kResourceExhausted, "would violate the budget", {}});
  EXPECT_EQ(plan().blocked.size(), 1U);
  EXPECT_EQ(until_retry(plan(), refusals, view.now), std::nullopt) << "only the budget decides";
  EXPECT_THAT(text(), HasSubstr("apps/web"));
  EXPECT_THAT(text(), HasSubstr("disruption budget web needs 2 healthy pods and has 2"));
  view.now += std::chrono::hours(1);
  EXPECT_EQ(plan().blocked.size(), 1U);
  auto changed = budget_of("web", 0);
  changed.metadata.resourceVersion = "2";
  view.budgets[0] = shared(changed);
  EXPECT_EQ(plan().blocked.size(), 1U) << "it changed, but still allows nothing";
  changed.status.disruptionsAllowed = 1;
  changed.metadata.resourceVersion = "3";
  view.budgets[0] = shared(changed);
  EXPECT_EQ(plan().evict.size(), 1U);
}

TEST_F(PlanDrain, AnUnreadyPodIsAskedForWhenItBecameSo) {
  refuse({Code::kResourceExhausted, "would violate the budget", {}});
  auto pod = pod_of("web");
  pod.status.conditions.clear();
  view.pods[0] = shared(pod);
  EXPECT_EQ(plan().evict.size(), 1U);
}

TEST_F(PlanDrain, AsksAgainWhenTheServerSaid) {
  refuse({Code::kResourceExhausted, "the budget is being computed", std::chrono::seconds(7)});
  EXPECT_EQ(until_retry(plan(), refusals, view.now), std::chrono::seconds(7));
  view.now += std::chrono::seconds(7);
  EXPECT_EQ(plan().evict.size(), 1U);
}

TEST_F(PlanDrain, OtherFaultsAreTriedAgainSoon) {
  refuse({Code::kInternal, "the webhook is down", {}});
  EXPECT_EQ(until_retry(plan(), refusals, view.now), std::chrono::seconds(10));
  view.budgets.clear();
  EXPECT_EQ(plan().evict.size(), 1U) << "and when the budgets changed";
  refuse({Code::kInternal, "the webhook is down", {}});
  EXPECT_THAT(text(), HasSubstr("the webhook is down"));
}

TEST_F(PlanDrain, WaitsForWhatIsEndingUnlessNobodyWillConfirmIt) {
  auto pod = pod_of("web");
  pod.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  view.pods[0] = shared(pod);
  EXPECT_EQ(plan().ending.size(), 1U);
  EXPECT_FALSE(plan().done());
  view.unreachable = true;
  EXPECT_TRUE(plan().done());
}

TEST_F(PlanDrain, NamesOnlyAFew) {
  view.pods.clear();
  for (int i = 0; i < 8; ++i) view.pods.push_back(shared(pod_of("p" + std::to_string(i))));
  EXPECT_THAT(text(), HasSubstr("apps/p4 and 3 more"));
}

TEST(Volumes, ThoseOfKeptPodsStayAttached) {
  auto agent = pod_of("agent");
  agent.metadata.ownerReferences.resize(1);
  agent.metadata.ownerReferences[0].kind = "DaemonSet";
  agent.metadata.ownerReferences[0].controller = true;
  agent.spec.volumes = {
      JsonObject{{"name", "data"}, {"persistentVolumeClaim", JsonObject{{"claimName", "c"}}}},
      JsonObject{{"name", "tmp"}, {"ephemeral", JsonObject{}}},
      JsonObject{{"name", "conf"}, {"configMap", JsonObject{}}}};
  auto web = pod_of("web");
  web.spec.volumes = {
      JsonObject{{"name", "data"}, {"persistentVolumeClaim", JsonObject{{"claimName", "w"}}}}};
  EXPECT_THAT(kept_claims({shared(agent), shared(web)}), ElementsAre("apps/agent-tmp", "apps/c"));

  api::core::Node node;
  node.status.volumesAttached = {JsonObject{{"name", "kubernetes.io/csi/d^1"}},
                                 JsonObject{{"name", "kubernetes.io/csi/d^2"}}};
  api::storage::VolumeAttachment kept;
  kept.spec.source.persistentVolumeName = "pv-1";
  api::storage::VolumeAttachment other;
  other.spec.source.persistentVolumeName = "pv-2";
  const KeptVolumes volumes{{"pv-1"}, {"kubernetes.io/csi/d^1"}};
  EXPECT_THAT(attached_volumes(node, {shared(kept), shared(other)}, volumes),
              ElementsAre("kubernetes.io/csi/d^2", "pv-2"));
  node.status.volumesAttached.pop_back();
  EXPECT_TRUE(attached_volumes(node, {shared(kept)}, volumes).empty());
}

}  // namespace
}  // namespace nestor::cluster
