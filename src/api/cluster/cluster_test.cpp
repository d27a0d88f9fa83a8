#include "api/cluster/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/cluster/labels.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/cluster/machine_set.hpp"
#include "base/json_convert.hpp"

namespace nestor::api::cluster {
namespace {

using testing::HasSubstr;

/// As people write it: without what defaulting adds.
MachineDeployment workers() {
  const auto document = parse_yaml_documents(R"(
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: demo-md-0, namespace: default}
spec:
  clusterName: demo
  selector: {matchLabels: null}
  template:
    spec:
      clusterName: demo
      version: 1.37.2
      bootstrap:
        configRef: {apiGroup: bootstrap.cluster.x-k8s.io, kind: KubeadmConfigTemplate, name: demo}
      infrastructureRef:
        apiGroup: infrastructure.cluster.x-k8s.io
        kind: KubevirtMachineTemplate
        name: demo
)");
  return *from_json<MachineDeployment>(document->front());
}

TEST(MachineDeployment, DefaultsAreThoseOfUpstream) {
  MachineDeployment deployment = workers();
  set_defaults(deployment);
  const MachineDeploymentSpec& spec = deployment.spec;
  EXPECT_EQ(spec.replicas, 1);
  EXPECT_EQ(spec.rollout.strategy.type, "RollingUpdate");
  EXPECT_EQ(spec.rollout.strategy.rollingUpdate.maxSurge, Json(1));
  EXPECT_EQ(spec.rollout.strategy.rollingUpdate.maxUnavailable, Json(0));
  EXPECT_EQ(spec.template_.spec.version, "v1.37.2");
  const std::map<std::string, std::string> labels{{std::string(kDeploymentNameLabel), "demo-md-0"},
                                                  {std::string(kClusterNameLabel), "demo"}};
  EXPECT_EQ(spec.selector.matchLabels, labels);
  EXPECT_EQ(spec.template_.metadata.labels, labels);
  EXPECT_EQ(deployment.metadata.label(kClusterNameLabel), "demo");
  EXPECT_TRUE(validate(deployment)) << validate(deployment).error().message;
}

TEST(MachineDeployment, DefaultingTwiceChangesNothing) {
  MachineDeployment once = workers();
  set_defaults(once);
  MachineDeployment twice = once;
  set_defaults(twice);
  EXPECT_EQ(once, twice);
}

TEST(MachineDeployment, OwnSelectorStaysAndGainsTheCluster) {
  MachineDeployment deployment = workers();
  deployment.spec.selector.matchLabels = {{"pool", "a"}};
  set_defaults(deployment);
  EXPECT_FALSE(deployment.spec.selector.matchLabels.contains(std::string(kDeploymentNameLabel)));
  EXPECT_TRUE(deployment.spec.selector.matchLabels.contains(std::string(kClusterNameLabel)));
  EXPECT_THAT(validate(deployment).error().message, HasSubstr("spec.selector"));
}

TEST(MachineDeployment, ReplicasStartAtTheAutoscalersLeast) {
  MachineDeployment deployment = workers();
  deployment.metadata.annotations[std::string(kAutoscalerMinSizeAnnotation)] = "3";
  deployment.metadata.annotations[std::string(kAutoscalerMaxSizeAnnotation)] = "5";
  set_defaults(deployment);
  EXPECT_EQ(deployment.spec.replicas, 3);
  deployment.spec.replicas = 0;
  set_defaults(deployment);
  EXPECT_EQ(deployment.spec.replicas, 0) << "a given number stays, also none";
}

TEST(MachineDeployment, EveryFaultIsNamedAtOnce) {
  MachineDeployment deployment = workers();
  deployment.metadata.name = "Not_A_Name";
  deployment.spec.replicas = -1;
  deployment.spec.template_.spec.clusterName = "other";
  deployment.spec.template_.spec.version = "latest";
  deployment.spec.template_.spec.bootstrap = {};
  deployment.spec.rollout.strategy = {"AllAtOnce", {Json(-1), Json("few")}};
  deployment.spec.remediation.maxInFlight = "some";
  const auto result = validate(deployment);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  for (const char* part : {"metadata.name", "spec.replicas", "spec.template.spec.clusterName",
                           "spec.template.spec.version", "spec.template.spec.bootstrap",
                           "strategy.type", "maxSurge", "maxUnavailable", "maxInFlight"}) {
    EXPECT_THAT(result.error().message, HasSubstr(part));
  }
}

TEST(MachineDeployment, NeitherSurgeNorUnavailableIsAllowed) {
  MachineDeployment deployment = workers();
  // The chart's way to say it: the other is 0 unless given.
  deployment.spec.rollout.strategy.rollingUpdate.maxSurge = 0;
  set_defaults(deployment);
  EXPECT_TRUE(validate(deployment));
}

TEST(MachineDeployment, SurgeMayBeAPercentage) {
  MachineDeployment deployment = workers();
  RollingUpdate& update = deployment.spec.rollout.strategy.rollingUpdate;
  for (const Json& good : {Json("20%"), Json("120%"), Json(0), Json("0%")}) {
    update.maxSurge = good;
    EXPECT_TRUE(validate(deployment)) << to_text(good);
  }
  for (const Json& bad : {Json("20"), Json(-1), Json("%"), Json("99999999999%"), Json(true),
                          Json(std::int64_t{1} << 31), Json(~std::uint64_t{0})}) {
    update.maxSurge = bad;
    EXPECT_FALSE(validate(deployment)) << to_text(bad);
  }
}

TEST(MachineDeployment, ReplicasHaveAnEnd) {
  MachineDeployment deployment = workers();
  deployment.spec.replicas = 1'000'000;
  EXPECT_TRUE(validate(deployment));
  deployment.spec.replicas = 1'000'001;
  EXPECT_THAT(validate(deployment).error().message, HasSubstr("spec.replicas"));
}

TEST(MachineSet, SelectsByItsOwnName) {
  MachineSet set;
  set.metadata.name = "demo-md-0-abcde";
  set.spec.clusterName = "demo";
  set_defaults(set);
  EXPECT_EQ(set.spec.selector.matchLabels.at(std::string(kSetNameLabel)), "demo-md-0-abcde");
  EXPECT_EQ(set.spec.replicas, 1);
  EXPECT_EQ(set.spec.deletion.order, "Random");
}

TEST(Machine, DefaultsAndControlPlaneTaint) {
  Machine machine{.metadata = {}, .spec = workers().spec.template_.spec, .status = {}};
  set_defaults(machine);
  EXPECT_EQ(machine.spec.version, "v1.37.2");
  EXPECT_EQ(machine.spec.deletion.nodeDeletionTimeoutSeconds, 10);
  EXPECT_EQ(machine.metadata.label(kClusterNameLabel), "demo");
  EXPECT_TRUE(validate(machine));
  machine.spec.taints = {{"node-role.kubernetes.io/control-plane", "", "NoSchedule", "Always"}};
  EXPECT_FALSE(validate(machine));
}

TEST(Machine, JsonIsReadBackAndLeavesOutWhatIsEmpty) {
  Machine machine{.metadata = {}, .spec = workers().spec.template_.spec, .status = {}};
  machine.metadata.name = "demo-1";
  machine.spec.deletion.nodeDrainTimeoutSeconds = 0;
  machine.status.nodeRef.name = "demo-1";
  machine.status.initialization.infrastructureProvisioned = false;
  const Json json = to_json(machine);
  EXPECT_EQ(*from_json<Machine>(json), machine);
  EXPECT_EQ(find(json, {"spec", "providerID"}), nullptr);
  EXPECT_NE(find(json, {"spec", "deletion", "nodeDrainTimeoutSeconds"}), nullptr)
      << "0 means no limit, absent means the default";
  EXPECT_NE(find(json, {"status", "initialization", "infrastructureProvisioned"}), nullptr);
}

TEST(MachineHealthCheck, DefaultsAndFaults) {
  MachineHealthCheck check;
  check.spec.clusterName = "demo";
  check.spec.selector.matchLabels["pool"] = "a";
  set_defaults(check);
  EXPECT_EQ(check.spec.checks.nodeStartupTimeoutSeconds, 600);
  EXPECT_TRUE(validate(check));
  check.spec.selector = {};
  check.spec.checks.nodeStartupTimeoutSeconds = 29;
  check.spec.remediation.triggerIf.unhealthyLessThanOrEqualTo = "many";
  for (const char* bad : {"[5-2]", "[5]", "5-6", "[a-b]", "[-1-2]", "[]"}) {
    check.spec.remediation.triggerIf.unhealthyInRange = bad;
    const auto result = validate(check);
    ASSERT_FALSE(result);
    for (const char* part : {"spec.selector", "nodeStartupTimeoutSeconds",
                             "unhealthyLessThanOrEqualTo", "unhealthyInRange"}) {
      EXPECT_THAT(result.error().message, HasSubstr(part)) << bad;
    }
  }
  EXPECT_EQ(parse_range("[2-15]").value(), (std::pair{2, 15}));
}

TEST(Cluster, ValidationNamesThePlace) {
  Cluster cluster;
  cluster.metadata.name = "demo";
  cluster.spec.clusterNetwork.pods.cidrBlocks = {"10.244.0.0/16", "fd00::/48"};
  EXPECT_TRUE(validate(cluster));
  cluster.spec.controlPlaneEndpoint.port = 0;
  EXPECT_TRUE(validate(cluster)) << "not known yet";
  cluster.metadata.name = "Demo-";
  cluster.spec.clusterNetwork.services.cidrBlocks = {"10.96.0.0"};
  cluster.spec.controlPlaneEndpoint.port = 70000;
  cluster.spec.controlPlaneRef.name = "demo";
  const auto result = validate(cluster);
  ASSERT_FALSE(result);
  for (const char* part : {"metadata.name", "spec.clusterNetwork.services.cidrBlocks",
                           "spec.controlPlaneEndpoint.port", "spec.controlPlaneRef.kind"}) {
    EXPECT_THAT(result.error().message, HasSubstr(part));
  }
}

TEST(Cluster, IsPausedAsAWholeOrByAnnotation) {
  Cluster cluster;
  kube::ObjectMeta machine;
  EXPECT_FALSE(paused(cluster, machine));
  machine.annotations[std::string(kPausedAnnotation)] = "";
  EXPECT_TRUE(paused(cluster, machine));
  machine.annotations.clear();
  cluster.spec.paused = true;
  EXPECT_TRUE(paused(cluster, machine));
}

}  // namespace
}  // namespace nestor::api::cluster
