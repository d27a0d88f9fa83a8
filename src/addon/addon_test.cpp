#include "addon/addon.hpp"

#include <gtest/gtest.h>

#include "addon/testing/fake_helm.hpp"
#include "api/addons/helm_chart_proxy.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "api/core/config_map.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::addon {
namespace {

using api::addons::HelmChartProxy;
using api::addons::HelmReleaseProxy;
using api::cluster::Cluster;
using api::core::ConfigMap;
using std::chrono::minutes;
using std::chrono::seconds;

struct AddonRoom : ::testing::Test {
  AddonRoom() {
    world.stop();
    auto fake = std::make_unique<testing::FakeHelm>();
    helm = fake.get();
    world.processes = std::move(fake);
    boot();
    world.tenant_up();
    world.add_cluster();
    world.add_kubeconfig();
    label_cluster("web", "yes");
  }
  ~AddonRoom() override { EXPECT_EQ(helm->leaks, std::vector<std::string>{}); }

  void boot() {
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
  }
  void restart() {
    world.stop();
    boot();
  }
  /// With an answering control plane.
  void label_cluster(const std::string& label, const std::string& value) {
    auto cluster = world.management.peek<Cluster>(world.demo).value();
    cluster.metadata.labels = {{label, value}};
    cluster.status.initialization.controlPlaneInitialized = true;
    world.management.put(cluster);
    world.run();
  }
  HelmChartProxy wanted(const std::string& values = "a: 1\n") {
    HelmChartProxy proxy;
    proxy.metadata.name = "app";
    proxy.metadata.namespace_ = "default";
    proxy.spec.clusterSelector.matchLabels["web"] = "yes";
    proxy.spec.chartName = "app";
    proxy.spec.repoURL = "https://charts.example.org";
    proxy.spec.releaseName = "app";
    proxy.spec.namespace_ = "web";
    proxy.spec.valuesTemplate = values;
    return proxy;
  }
  void put(const HelmChartProxy& proxy) {
    auto now = proxy;
    if (const auto before = world.management.peek<HelmChartProxy>(key)) {
      now.metadata = before->metadata;
      now.status = before->status;
    }
    world.management.put(now);
    world.run();
  }
  HelmChartProxy proxy() { return world.management.peek<HelmChartProxy>(key).value(); }
  std::vector<HelmReleaseProxy> releases() { return world.management.all<HelmReleaseProxy>(); }
  HelmReleaseProxy release() {
    const auto all = releases();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? HelmReleaseProxy{} : all.front();
  }
  static std::string said(const std::vector<kube::Condition>& conditions, const char* type) {
    const auto* found = kube::find_condition(conditions, type);
    return found == nullptr ? "none" : found->status + " " + found->reason + " " + found->message;
  }
  std::string ready() { return said(proxy().status.conditions, "Ready"); }

  const kube::ObjectKey key{"default", "app"};
  tenant::testing::World world;
  testing::FakeHelm* helm = nullptr;
};

TEST_F(AddonRoom, InstallsInMatchingClusters) {
  put(wanted());
  EXPECT_EQ(ready(), "True Ready ");
  ASSERT_EQ(proxy().status.matchingClusters.size(), 1U);
  EXPECT_EQ(proxy().status.matchingClusters[0].name, "demo");
  EXPECT_EQ(release().status.status, "deployed");
  EXPECT_EQ(release().status.revision, 1);
  EXPECT_EQ(release().metadata.labels.at("cluster.x-k8s.io/cluster-name"), "demo");
  EXPECT_EQ(helm->releases.at("app").values, "a: 1\n");
  EXPECT_NE(helm->last("upgrade").find("--namespace=web"), std::string::npos);
  EXPECT_NE(helm->last("pull").find("--repo=https://charts.example.org"), std::string::npos);
}

TEST_F(AddonRoom, RunsNothingWhenNothingChanges) {
  put(wanted());
  helm->commands.clear();
  label_cluster("web", "yes");
  world.pass(minutes(5));
  restart();
  world.pass(minutes(1));
  EXPECT_TRUE(helm->commands.empty());
}

TEST_F(AddonRoom, FindsItsReleaseAgainAfterACrash) {
  put(wanted());
  // As if the manager had died between helm's end and its own note.
  auto lost = release();
  lost.metadata.annotations.erase("nestor.dev/release-inputs");
  lost.status = {};
  world.management.put(lost);
  restart();
  EXPECT_EQ(helm->count("upgrade"), 1);
  EXPECT_EQ(release().status.revision, 1);
}

TEST_F(AddonRoom, ClearsWhatAnInterruptedHelmLeft) {
  helm->releases["app"] = {3, "pending-upgrade", "Preparing upgrade", "", ""};
  api::core::Secret record;
  record.metadata.name = "sh.helm.release.v1.app.v3";
  record.metadata.namespace_ = "web";
  world.tenant.put(record);
  put(wanted());
  EXPECT_FALSE(world.tenant.peek(api::core::Secret::kType, record.metadata.key()));
  EXPECT_EQ(release().status.status, "deployed");
}

TEST_F(AddonRoom, UpgradesWhenValuesChange) {
  put(wanted());
  put(wanted("a: 2\n"));
  EXPECT_EQ(helm->releases.at("app").values, "a: 2\n");
  EXPECT_EQ(release().status.revision, 2);
  EXPECT_EQ(ready(), "True Ready ");
  auto options = wanted("a: 2\n");
  options.spec.options.wait = true;
  put(options);
  EXPECT_EQ(release().spec.options.wait, true);
  EXPECT_EQ(helm->count("upgrade"), 2);
}

TEST_F(AddonRoom, RendersForTheClusterAndOnlyWhenItsInputsChange) {
  put(wanted("name: {{ .Cluster.metadata.name }}\n"));
  EXPECT_EQ(helm->releases.at("app").values, "rendered: 1");
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.status.phase = "Provisioned";
  world.management.put(cluster);
  world.run();
  restart();
  EXPECT_EQ(helm->count("template"), 1);
  cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.metadata.annotations["x"] = "y";
  world.management.put(cluster);
  world.run();
  EXPECT_EQ(helm->releases.at("app").values, "rendered: 2");
}

TEST_F(AddonRoom, ReadsWhatATemplateSeesOnlyWhenItChanges) {
  api::infrastructure::KubevirtCluster infra;
  infra.metadata.name = "demo";
  infra.metadata.namespace_ = "default";
  world.management.put(infra);
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "demo"};
  world.management.put(cluster);
  put(wanted("a: {{ .InfraCluster.metadata.name }}{{ .Cluster.metadata.name }}\n"));
  ASSERT_EQ(ready(), "True Ready ");
  world.management.clear_calls();
  const auto reads = [&] {
    return world.management.count("get", "clusters") +
           world.management.count("get", "kubevirtclusters");
  };
  // Its release moves.
  auto moved = release();
  moved.status.revision = 7;
  world.management.put(moved);
  world.run();
  EXPECT_EQ(reads(), 0U);
  infra = world.management.peek<api::infrastructure::KubevirtCluster>(infra.metadata.key()).value();
  infra.metadata.annotations["x"] = "y";
  world.management.put(infra);
  world.run();
  EXPECT_EQ(reads(), 2U);
  EXPECT_EQ(helm->releases.at("app").values, "rendered: 2");
  // Somebody takes back what was rendered.
  moved = release();
  moved.metadata.annotations.clear();
  moved.spec.values = "other";
  world.management.put(moved);
  world.run();
  EXPECT_EQ(helm->releases.at("app").values, "rendered: 3");
}

TEST_F(AddonRoom, TellsATemplatesFault) {
  helm->template_fault = "Error: x: template: gotpl:1: unclosed action\n";
  put(wanted("{{ .Cluster"));
  EXPECT_EQ(ready(), "False ValueParsingFailed demo: valuesTemplate:1: unclosed action");
  EXPECT_TRUE(releases().empty());
  helm->template_fault.clear();
  put(wanted("{{ .Cluster.metadata.name }}"));
  EXPECT_EQ(ready(), "True Ready ");
}

TEST_F(AddonRoom, TellsAFailureInHelmsWordsAndTriesAgain) {
  helm->fault = "timed out waiting for the condition";
  put(wanted());
  EXPECT_EQ(said(release().status.conditions, "HelmReleaseReady"),
            "False HelmInstallOrUpgradeFailed UPGRADE FAILED: timed out waiting for the condition");
  EXPECT_EQ(release().status.status, "failed");
  EXPECT_EQ(ready(),
            "False HelmInstallOrUpgradeFailed demo: UPGRADE FAILED: timed out waiting for the "
            "condition");
  EXPECT_EQ(helm->count("upgrade"), 1);
  helm->fault.clear();
  world.pass(seconds(15));
  EXPECT_EQ(release().status.status, "deployed");
  EXPECT_EQ(ready(), "True Ready ");
}

TEST_F(AddonRoom, TriesMoreSlowlyEachTime) {
  helm->fault = "no";
  put(wanted());
  world.pass(minutes(10));
  EXPECT_GE(helm->count("upgrade"), 5);
  EXPECT_LE(helm->count("upgrade"), 7);
}

TEST_F(AddonRoom, TriesOtherOptionsAtOnce) {
  helm->fault = "timed out waiting for the condition";
  HelmChartProxy patient = wanted();
  put(patient);
  world.pass(minutes(10));
  const auto tries = helm->count("upgrade");
  helm->fault.clear();
  patient.spec.options.timeout = "10m";
  put(patient);
  EXPECT_EQ(helm->count("upgrade"), tries + 1);
  EXPECT_EQ(ready(), "True Ready ");
}

TEST_F(AddonRoom, UninstallsWhereItMatchesNoMore) {
  put(wanted());
  label_cluster("web", "no");
  EXPECT_TRUE(releases().empty());
  EXPECT_TRUE(helm->releases.empty());
  EXPECT_TRUE(proxy().status.matchingClusters.empty());
  EXPECT_EQ(ready(), "True Ready ");
}

TEST_F(AddonRoom, UninstallsWhenItIsDeleted) {
  put(wanted());
  helm->uninstall_fault = "webhook says no";
  world.management.erase(HelmChartProxy::kType, key);
  world.run();
  EXPECT_EQ(said(release().status.conditions, "HelmReleaseReady"),
            "False HelmReleaseDeletionFailed webhook says no");
  EXPECT_TRUE(world.management.peek<HelmChartProxy>(key));
  helm->uninstall_fault.clear();
  world.pass(seconds(15));
  EXPECT_TRUE(helm->releases.empty());
  EXPECT_TRUE(releases().empty());
  EXPECT_FALSE(world.management.peek<HelmChartProxy>(key));
}

TEST_F(AddonRoom, ANameThatHelmRefusesIsMended) {
  auto typo = wanted();
  typo.spec.releaseName = "My_App";
  put(typo);
  EXPECT_NE(ready().find("releaseName 'My_App'"), std::string::npos);
  helm->uninstall_fault = "Release name is invalid: My_App";
  put(wanted());
  world.pass(seconds(15));
  EXPECT_EQ(helm->count("uninstall"), 0);
  EXPECT_EQ(ready(), "True Ready ");
  EXPECT_EQ(helm->releases.count("app"), 1U);
}

TEST_F(AddonRoom, ATimeoutThatIsNoneKeepsNothing) {
  put(wanted());
  auto typo = wanted();
  typo.spec.options.timeout = "5 minutes";
  put(typo);
  world.management.erase(HelmChartProxy::kType, key);
  world.run();
  EXPECT_NE(helm->last("uninstall").find("--timeout=600000ms"), std::string::npos);
  EXPECT_TRUE(releases().empty());
}

TEST_F(AddonRoom, ARemovalWithHistoryThatWasHalfDoneIsDone) {
  auto keeping = wanted();
  keeping.spec.options.uninstall.keepHistory = true;
  put(keeping);
  helm->releases.at("app").status = "uninstalled";
  world.management.erase(HelmChartProxy::kType, key);
  world.run();
  EXPECT_TRUE(releases().empty());
}

TEST_F(AddonRoom, WhatHangsInOneClusterLeavesTheOthersTheirTurn) {
  helm->hangs = true;
  const auto put_release = [&](const std::string& name, const std::string& cluster) {
    HelmReleaseProxy one;
    one.metadata.name = name;
    one.metadata.namespace_ = "default";
    one.spec.clusterRef.name = cluster;
    one.spec.chartName = "app";
    one.spec.repoURL = "https://charts.example.org";
    one.spec.releaseName = name;
    world.management.put(one);
    world.run();
  };
  for (int i = 0; i < 10; ++i) put_release("app-" + std::to_string(i), "demo");
  world.add_cluster("quiet");
  world.add_kubeconfig("https://10.0.0.2:6443", "quiet");
  auto quiet = world.management.peek<Cluster>({"default", "quiet"}).value();
  quiet.status.initialization.controlPlaneInitialized = true;
  world.management.put(quiet);
  world.run();
  put_release("other", "quiet");
  EXPECT_EQ(helm->count("upgrade"), 3);
  EXPECT_NE(helm->last("upgrade").find(" other "), std::string::npos);
}

TEST_F(AddonRoom, ADeletedClusterHoldsNothingUp) {
  put(wanted());
  helm->commands.clear();
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.metadata.finalizers = {"test"};
  world.management.put(cluster);
  world.management.erase(Cluster::kType, world.demo);
  world.run();
  EXPECT_TRUE(releases().empty());
  EXPECT_TRUE(helm->commands.empty());
}

TEST_F(AddonRoom, AHelmThatWaitsIsGivenUpWithItsCluster) {
  helm->hangs = true;
  put(wanted());
  EXPECT_EQ(ready(), "False HelmReleasePending demo");
  world.management.erase(Cluster::kType, world.demo);
  world.run();
  EXPECT_TRUE(releases().empty());
}

TEST_F(AddonRoom, AHelmThatWaitsIsGivenUpWithItsProxy) {
  helm->hangs = true;
  put(wanted());
  world.management.erase(HelmChartProxy::kType, key);
  world.run();
  EXPECT_EQ(helm->count("uninstall"), 1);
  EXPECT_FALSE(world.management.peek<HelmChartProxy>(key));
}

TEST_F(AddonRoom, WaitsForTheControlPlane) {
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.status = {};
  world.management.put(cluster);
  put(wanted());
  EXPECT_EQ(ready(),
            "False ControlPlaneNotInitialized demo: the control plane of Cluster demo does not "
            "answer yet");
  label_cluster("web", "yes");
  EXPECT_EQ(ready(), "True Ready ");
}

TEST_F(AddonRoom, InstallsOnce) {
  auto once = wanted();
  once.spec.reconcileStrategy = "InstallOnce";
  put(once);
  once.spec.valuesTemplate = "a: 2\n";
  put(once);
  EXPECT_EQ(helm->count("upgrade"), 1);
  label_cluster("web", "no");
  EXPECT_EQ(releases().size(), 1U);
  EXPECT_EQ(helm->releases.size(), 1U);
}

TEST_F(AddonRoom, AnotherNameIsAnotherRelease) {
  put(wanted());
  auto other = wanted();
  other.spec.releaseName = "other";
  put(other);
  ASSERT_EQ(helm->releases.size(), 1U);
  EXPECT_TRUE(helm->releases.contains("other"));
  other.spec.releaseName.clear();
  put(other);
  ASSERT_EQ(helm->releases.size(), 1U);
  const std::string generated = helm->releases.begin()->first;
  EXPECT_TRUE(generated.starts_with("app-"));
  EXPECT_EQ(release().spec.releaseName, generated);
  put(other);
  restart();
  EXPECT_EQ(helm->releases.begin()->first, generated);
}

TEST_F(AddonRoom, FollowsAChartInTheManagementCluster) {
  auto inside = wanted();
  inside.spec.repoURL = "configmap://charts";
  put(inside);
  EXPECT_EQ(said(release().status.conditions, "Ready").substr(0, 33),
            "False HelmInstallOrUpgradeFailed ");
  ConfigMap charts;
  charts.metadata.name = "charts";
  charts.metadata.namespace_ = "default";
  charts.metadata.labels["nestor.dev/helm-chart"] = "";
  charts.data = {{"Chart.yaml", "name: app"}, {"a.yaml", "kind: ConfigMap"}};
  world.management.put(charts);
  world.run();
  EXPECT_EQ(release().status.revision, 1);
  EXPECT_TRUE(helm->releases.at("app").chart_file.ends_with("/charts/chart"));
  charts.data["a.yaml"] = "kind: Secret";
  world.management.put(charts);
  world.run();
  EXPECT_EQ(release().status.revision, 2);
  EXPECT_EQ(helm->count("pull"), 0);
}

TEST_F(AddonRoom, ReachesNoForeignSecret) {
  auto thief = wanted();
  thief.spec.credentials = api::addons::Credentials{{"logins", "kube-system"}, "config.json"};
  put(thief);
  EXPECT_EQ(said(release().status.conditions, "Ready"),
            "False HelmInstallOrUpgradeFailed credentials: Secret logins must be in the own "
            "namespace default");
  EXPECT_TRUE(helm->commands.empty());
}

TEST_F(AddonRoom, LeavesAPausedClusterAlone) {
  put(wanted());
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.spec.paused = true;
  cluster.metadata.labels.clear();
  world.management.put(cluster);
  put(wanted("a: 2\n"));
  EXPECT_EQ(helm->releases.at("app").values, "a: 1\n");
  EXPECT_EQ(releases().size(), 1U);
}

}  // namespace
}  // namespace nestor::addon
