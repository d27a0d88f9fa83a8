// The chart of a tenant cluster with the real helm on a real API server.

#include "cli/cluster_chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <map>
#include <set>

#include "cli/kinds.hpp"
#include "infrastructure/virtual_machine_builder.hpp"
#include "integration/management.hpp"
#include "kube/kubeconfig.hpp"
#include "storage/csi/csi.hpp"

namespace nestor::integration {
namespace {

using cli::ClusterChart;
using cli::ValueSources;
using ::testing::HasSubstr;

class ClusterChartTest : public ApiServerTest {
 protected:
  void SetUp() override {
    ApiServerTest::SetUp();
    if (IsSkipped()) return;
    if (helm_program().empty()) GTEST_SKIP() << "helm is not built, see upstream/build";
    ::setenv("NESTOR_HELM", helm_program().c_str(), 1);
    must(install_crds(*client_));
    const std::string path = server_->directory() + "/kubeconfig-" + ns_;
    std::ofstream(path) << kube::make_kubeconfig(server_->admin());
    auto chart = ClusterChart::open(io_.get_executor(), path, ns_);
    ASSERT_TRUE(chart) << chart.error().message;
    chart_.emplace(std::move(*chart));
  }
  static ValueSources values(const char* yaml) {
    ValueSources out;
    out.values = parse_yaml_documents(yaml).value().front();
    return out;
  }
  std::string refusal(const char* yaml) {
    const auto objects = run(chart_->render("demo", values(yaml)));
    return objects ? "accepted" : objects.error().message;
  }
  Json group(const std::string& name = "demo-md-0") {
    return must(client_->get(cli::kMachineDeployment, {ns_, name}));
  }
  static std::int64_t replicas(const Json& deployment) {
    const Json* value = find(deployment, {"spec", "replicas"});
    return value == nullptr ? -1 : value->to_number<std::int64_t>();
  }
  static std::string machine_template(const Json& deployment) {
    return std::string(
        find_string(deployment, {"spec", "template", "spec", "infrastructureRef", "name"}));
  }
  void scale(int to) {
    must(client_->patch(cli::kMachineDeployment, {ns_, "demo-md-0"}, kube::PatchType::kMerge,
                        JsonObject{{"spec", JsonObject{{"replicas", to}}}}));
  }

  std::optional<ClusterChart> chart_;
};

TEST_F(ClusterChartTest, ObjectsReferToEachOther) {
  const auto objects = must(chart_->render("demo", values(R"(
nodeGroups:
  web: {min: 1, max: 3, disk: 20Gi, labels: {tier: web}, taints: [{key: a, effect: NoSchedule}]}
  db: {replicas: 0}
addOns: {app: {chart: app, repoURL: "oci://example.org/charts", values: {a: "{{ x }}"}}})")));
  std::set<std::string> names;
  for (const Json& object : objects) {
    EXPECT_EQ(find_string(object, {"metadata", "namespace"}), ns_);
    names.insert(std::string(find_string(object, {"kind"})) + "/" +
                 std::string(find_string(object, {"metadata", "name"})));
  }
  int references = 0;
  for (const Json& object : objects) {
    for (const Json* ref :
         {find(object, {"spec", "controlPlaneRef"}), find(object, {"spec", "infrastructureRef"}),
          find(object, {"spec", "template", "spec", "infrastructureRef"}),
          find(object, {"spec", "template", "spec", "bootstrap", "configRef"})}) {
      if (ref == nullptr) continue;
      ++references;
      EXPECT_TRUE(names.contains(std::string(find_string(*ref, {"kind"})) + "/" +
                                 std::string(find_string(*ref, {"name"}))))
          << to_text(*ref);
    }
  }
  EXPECT_EQ(references, 6);
  EXPECT_TRUE(names.contains("HelmChartProxy/demo-app"));
}

TEST_F(ClusterChartTest, AGroupAtZeroSaysWhatItsNodesWillBe) {
  const std::string prefix = "capacity.cluster-autoscaler.kubernetes.io/";
  const auto capacity = [&](const char* yaml) {
    std::map<std::string, std::string> out;
    for (const Json& object : must(chart_->render("demo", values(yaml)))) {
      if (find_string(object, {"kind"}) != "MachineDeployment") continue;
      for (const auto& item : find(object, {"metadata", "annotations"})->as_object()) {
        const std::string name(item.key());
        if (name.starts_with(prefix)) out[name.substr(prefix.size())] = item.value().as_string();
      }
    }
    return out;
  };
  // CPU, memory and disk are left to the machine template's status.
  using Capacity = std::map<std::string, std::string>;
  EXPECT_EQ(capacity("nodeGroups: {a: {min: 0, max: 3, cpu: 4, memory: 8Gi, disk: 20Gi}}"),
            (Capacity{{"csi-driver", "csi.kubevirt.io=" +
                                         std::to_string(storage::CsiNodeOptions{}.max_volumes)}}));
  EXPECT_EQ(capacity("{storage: {enabled: false}, nodeGroups: {a: {min: 0, max: 3}}}"), Capacity());
  EXPECT_EQ(capacity(R"(nodeGroups: {a: {min: 0, max: 3, labels: {tier: web}, annotations:
{capacity.cluster-autoscaler.kubernetes.io/csi-driver: "csi.kubevirt.io=8"}}})"),
            (Capacity{{"csi-driver", "csi.kubevirt.io=8"}, {"labels", "tier=web"}}));
}

TEST_F(ClusterChartTest, ItsMachineTemplateTellsCpuMemoryAndDisk) {
  for (const Json& object : must(chart_->render(
           "demo", values("nodeGroups: {a: {min: 0, max: 3, cpu: 4, disk: 20Gi}}")))) {
    if (find_string(object, {"kind"}) != "KubevirtMachineTemplate") continue;
    EXPECT_EQ(infrastructure::capacity_of(*find(object, {"spec", "template", "spec"})),
              (std::map<std::string, std::string>{
                  {"cpu", "4"}, {"memory", "2Gi"}, {"ephemeral-storage", "20Gi"}}));
    return;
  }
  FAIL() << "no machine template";
}

TEST_F(ClusterChartTest, SwitchesReachTheControlPlane) {
  const auto annotations = [&](const char* yaml) {
    std::map<std::string, std::string> out;
    for (const Json& object : must(chart_->render("demo", values(yaml)))) {
      if (find_string(object, {"kind"}) != "KamajiControlPlane") continue;
      for (const auto& [key, value] : find(object, {"metadata", "annotations"})->as_object()) {
        if (key.starts_with("nestor.dev/")) out[key] = value.as_string();
      }
    }
    return out;
  };
  using Annotations = std::map<std::string, std::string>;
  EXPECT_EQ(annotations("{}"), Annotations());
  EXPECT_EQ(annotations("{network: {cni: none}, storage: {enabled: false}, "
                        "controlPlane: {addons: {metricsServer: false}}}"),
            (Annotations{{"nestor.dev/cni", "none"},
                         {"nestor.dev/metrics-server", "false"},
                         {"nestor.dev/storage", "false"}}));
}

TEST_F(ClusterChartTest, RefusesWrongValuesWithTheirPath) {
  EXPECT_THAT(refusal("nodeGroups: {md-0: {cpu: two}}"),
              HasSubstr("at '/nodeGroups/md-0/cpu': got string, want integer"));
  EXPECT_THAT(refusal("nodeGroups: {md-0: {colour: red}}"), HasSubstr("at '/nodeGroups/md-0'"));
  EXPECT_THAT(refusal("nodeGroups: {Bad_Name: {}}"), HasSubstr("at '/nodeGroups'"));
  EXPECT_THAT(refusal("nodeGroups: {a: {min: 1}}"), HasSubstr("at '/nodeGroups/a'"));
  EXPECT_THAT(refusal("nodeGroups: {a: {min: 3, max: 1}}"),
              HasSubstr("nodeGroups.a: min is above max"));
  EXPECT_THAT(refusal("kubernetesVersion: latest"), HasSubstr("at '/kubernetesVersion'"));
  EXPECT_THAT(refusal("nodes: 3"), HasSubstr("additional properties 'nodes' not allowed"));
}

TEST_F(ClusterChartTest, AnUpgradeKeepsTheNumberOfNodes) {
  must(chart_->apply("demo", values("nodeGroups: {md-0: {replicas: 2}}")));
  EXPECT_EQ(replicas(group()), 2);
  const std::string first = machine_template(group());
  scale(5);
  must(chart_->apply("demo", values("nodeGroups: {md-0: {replicas: 2, cpu: 4}}")));
  EXPECT_EQ(replicas(group()), 5);
  EXPECT_NE(machine_template(group()), first);
  EXPECT_FALSE(run(client_->get(cli::kKubevirtMachineTemplate, {ns_, first})));
  scale(7);
  must(chart_->apply("demo", values("nodeGroups: {md-0: {replicas: 2, cpu: 4}}")));
  EXPECT_EQ(replicas(group()), 7);
  // A new wish counts.
  must(chart_->apply("demo", values("nodeGroups: {md-0: {replicas: 3, cpu: 4}}")));
  EXPECT_EQ(replicas(group()), 3);
}

TEST_F(ClusterChartTest, AnUpgradeKeepsWhatTheAutoscalerChose) {
  const char* scaled = "nodeGroups: {md-0: {min: 1, max: 9}}";
  must(chart_->apply("demo", values(scaled)));
  EXPECT_EQ(replicas(group()), -1);
  scale(6);
  must(chart_->apply("demo", values("nodeGroups: {md-0: {min: 1, max: 9, memory: 4Gi}}")));
  EXPECT_EQ(replicas(group()), 6);
  // From a fixed number to the autoscaler and back.
  must(chart_->apply("demo", values("nodeGroups: {md-0: {replicas: 2}}")));
  EXPECT_EQ(replicas(group()), 2);
  scale(4);
  for (int i = 0; i < 2; ++i) {
    must(chart_->apply("demo", values(scaled)));
    EXPECT_EQ(replicas(group()), 4);
  }
}

TEST_F(ClusterChartTest, GoesInTheRightOrder) {
  EXPECT_FALSE(must(chart_->exists("demo")));
  must(chart_->apply("demo", {}));
  EXPECT_TRUE(must(chart_->exists("demo")));
  ValueSources nodes_wait = values("{kubernetesVersion: v1.38.0, nodeKubernetesVersion: v1.37.2}");
  nodes_wait.reuse = true;
  must(chart_->apply("demo", nodes_wait));
  EXPECT_EQ(find_string(group(), {"spec", "template", "spec", "version"}), "v1.37.2");
  const Json control_plane = must(client_->get(cli::kKamajiControlPlane, {ns_, "demo"}));
  EXPECT_EQ(find_string(control_plane, {"spec", "version"}), "v1.38.0");
  must(chart_->uninstall("demo"));
  EXPECT_FALSE(must(chart_->exists("demo")));
  EXPECT_FALSE(run(client_->get(cli::kCluster, {ns_, "demo"})));
  EXPECT_FALSE(run(client_->get(cli::kMachineDeployment, {ns_, "demo-md-0"})));
  // They go with the Cluster, when its nodes are gone.
  EXPECT_TRUE(run(client_->get(cli::kKamajiControlPlane, {ns_, "demo"})));
  EXPECT_TRUE(run(client_->get(cli::kKubevirtCluster, {ns_, "demo"})));
}

}  // namespace
}  // namespace nestor::integration
