// What the charts make of values, and what they refuse, by the real helm; without a server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "autoscale/options.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "integration/management.hpp"

namespace nestor::integration {
namespace {

using ::testing::HasSubstr;

/// Where there is something else than a text, in a field that holds names.
std::string not_a_text(const Json& value, const std::string& path = "") {
  static const std::set<std::string> kTexts{
      "name",          "namespace",     "cluster.x-k8s.io/cluster-name",
      "clusterName",   "chartName",     "cluster.x-k8s.io/deployment-name",
      "releaseName",   "image",         "app.kubernetes.io/instance",
      "dataStoreName", "serviceDomain", "infraStorageClassName"};
  std::string out;
  if (const auto* list = value.if_array()) {
    for (const Json& item : *list) out += not_a_text(item, path);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      const std::string here = path + "/" + std::string(key);
      if (kTexts.contains(std::string(key)) && !item.is_string()) out += here + " ";
      out += not_a_text(item, here);
    }
  }
  return out;
}

class ChartValuesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (helm_program().empty()) GTEST_SKIP() << "helm is not built, see upstream/build";
  }
  /// What helm says: exit code 0 and manifests, or what is wrong.
  ProcessOutput helm(const std::string& values, std::vector<std::string> sets = {}) {
    ProcessSpec spec{.argv = {helm_program(), "template", name_,
                              NESTOR_SOURCE_DIR "/charts/" + chart_, "--namespace=" + ns_,
                              "--values=-"}};
    for (const std::string& set : sets) spec.argv.push_back("--set=" + set);
    spec.input = values;
    return run_coroutine<ProcessOutput>(io_, processes_->run(std::move(spec))).value();
  }
  std::vector<Json> render(const std::string& values, std::vector<std::string> sets = {}) {
    const ProcessOutput output = helm(values, std::move(sets));
    EXPECT_EQ(output.exit_code, 0) << output.err;
    auto objects = parse_yaml_documents(output.out);
    EXPECT_TRUE(objects) << objects.error().message;
    if (!objects) return {};
    std::erase_if(*objects, [](const Json& object) { return object.is_null(); });
    return std::move(*objects);
  }
  /// The first object of that kind.
  Json one(const std::string& kind, const std::string& values) {
    for (Json& object : render(values)) {
      if (find_string(object, {"kind"}) == kind) return std::move(object);
    }
    ADD_FAILURE() << "no " << kind;
    return JsonObject{};
  }
  std::string refusal(const std::string& values) {
    const ProcessOutput output = helm(values);
    return output.exit_code == 0 ? "accepted" : output.err;
  }
  /// What kubeadm hands to the kubelet of group `a`.
  std::map<std::string, std::string> kubelet_arguments(const std::string& values) {
    std::map<std::string, std::string> out;
    const Json join = one("KubeadmConfigTemplate", values);
    const Json* list = find(join, {"spec", "template", "spec", "joinConfiguration",
                                   "nodeRegistration", "kubeletExtraArgs"});
    if (list == nullptr) return out;
    for (const Json& argument : list->as_array()) {
      out[std::string(find_string(argument, {"name"}))] = find_string(argument, {"value"});
    }
    return out;
  }

  asio::io_context io_;
  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  std::string chart_ = "cluster";
  std::string name_ = "demo";
  std::string ns_ = "default";
};

TEST_F(ChartValuesTest, NumbersStayWhatTheyAre) {
  const std::string values = R"(
autoscaler: {max-nodes-total: 1000000, scale-down-utilization-threshold: 0.25, scale-down-enabled: false}
nodeGroups: {a: {maxSurge: 1000000, maxUnavailable: 25%, kubeletArgs: {max-open-files: 1000000, v: 4}}})";
  EXPECT_EQ(kubelet_arguments(values),
            (std::map<std::string, std::string>{{"max-open-files", "1000000"}, {"v", "4"}}));
  const Json cluster = one("Cluster", values);
  const auto option = [&](const char* name) {
    return find_string(cluster, {"metadata", "annotations", name});
  };
  EXPECT_EQ(option("autoscaler.nestor.dev/max-nodes-total"), "1000000");
  EXPECT_EQ(option("autoscaler.nestor.dev/scale-down-utilization-threshold"), "0.25");
  EXPECT_EQ(option("autoscaler.nestor.dev/scale-down-enabled"), "false");
  const Json deployment = one("MachineDeployment", values);
  const Json* pace = find(deployment, {"spec", "rollout", "strategy", "rollingUpdate"});
  ASSERT_NE(pace, nullptr);
  EXPECT_EQ(*pace, (Json{{"maxSurge", 1000000}, {"maxUnavailable", "25%"}})) << to_text(*pace);
}

TEST_F(ChartValuesTest, NodesGetLabelsFromWhoMayGiveThem) {
  const std::string values = R"(nodeGroups: {a: {labels: {tier: web, example.com/a: b,
node-role.kubernetes.io/web: "", x.node-restriction.kubernetes.io/y: z, node.cluster.x-k8s.io/n: "1",
node.kubernetes.io/instance-type: big, kubernetes.io/os: linux, topology.kubernetes.io/zone: z}}})";
  EXPECT_EQ(kubelet_arguments(values)["node-labels"],
            "example.com/a=b,kubernetes.io/os=linux,node.kubernetes.io/instance-type=big,tier=web,"
            "topology.kubernetes.io/zone=z");
  const Json deployment = one("MachineDeployment", values);
  const Json* labels = find(deployment, {"spec", "template", "metadata", "labels"});
  ASSERT_NE(labels, nullptr);
  EXPECT_EQ(*labels, (Json{{"node-role.kubernetes.io/web", ""},
                           {"x.node-restriction.kubernetes.io/y", "z"},
                           {"node.cluster.x-k8s.io/n", "1"}}))
      << to_text(*labels);
  const auto labelled = [&](const std::string& with) {
    return refusal("nodeGroups: {a: {labels: {" + with + "}}}");
  };
  EXPECT_THAT(labelled("app.kubernetes.io/name: a"),
              HasSubstr("nodeGroups.a.labels: the kubelet refuses app.kubernetes.io/name"));
  EXPECT_THAT(labelled("topology.kubernetes.io/rack: a"), HasSubstr("the kubelet refuses"));
  EXPECT_THAT(labelled("k8s.io/a: b"), HasSubstr("the kubelet refuses"));
  EXPECT_THAT(labelled("a b: c"), HasSubstr("at '/nodeGroups/a/labels'"));
  EXPECT_THAT(labelled("a: b c"), HasSubstr("at '/nodeGroups/a/labels/a'"));
  EXPECT_THAT(refusal("nodeGroups: {a: {taints: [{key: x y, effect: NoSchedule}]}}"),
              HasSubstr("at '/nodeGroups/a/taints/0/key'"));
  EXPECT_THAT(refusal("nodeGroups: {a: {taints: [{key: x, value: y z, effect: NoSchedule}]}}"),
              HasSubstr("at '/nodeGroups/a/taints/0/value'"));
}

TEST_F(ChartValuesTest, NullTakesNothingAwayThatIsNeeded) {
  for (const std::string part : {"network", "controlPlane", "loadBalancers", "storage"}) {
    EXPECT_THAT(refusal(part + ": null"), HasSubstr("at '': missing property '" + part + "'"));
  }
  EXPECT_THAT(refusal("network: {podCidrs: null}"),
              HasSubstr("at '/network': missing property 'podCidrs'"));
  EXPECT_THAT(refusal("controlPlane: {addons: null}"),
              HasSubstr("at '/controlPlane': missing property 'addons'"));
  EXPECT_THAT(refusal("controlPlane: {addons: {coreDNS: null}}"),
              HasSubstr("at '/controlPlane/addons': missing property 'coreDNS'"));
  // What may be missing.
  EXPECT_EQ(refusal("{labels: null, nodeGroups: null, autoscaler: null, storageClasses: null, "
                    "addOns: null, nodeKubernetesVersion: null, loadBalancers: {class: null}, "
                    "controlPlane: {certSANs: null, apiServer: null}}"),
            "accepted");
}

TEST_F(ChartValuesTest, TheServiceRefusesWrongValuesWithTheirPath) {
  chart_ = "nestor";
  EXPECT_THAT(refusal("vm: {fnce: {enabled: false}}"),
              HasSubstr("at '/vm': additional properties 'fnce' not allowed"));
  EXPECT_THAT(refusal("vm: {fence: null}"), HasSubstr("at '/vm': missing property 'fence'"));
  EXPECT_THAT(refusal("vm: {fence: {open: [10.1.0.0/33]}}"), HasSubstr("at '/vm/fence/open/0'"));
  EXPECT_EQ(refusal("vm: {fence: {open: [10.1.0.0/16, 10.2.0.1, fd00::/8, '::1']}}"), "accepted");
  EXPECT_THAT(refusal("vm: {kubeletFolder: var/lib/kubelet}"), HasSubstr("at '/vm/kubeletFolder'"));
  EXPECT_THAT(refusal("manager: {logLevel: trace}"), HasSubstr("at '/manager/logLevel'"));
  EXPECT_THAT(refusal("cloud: {zones: null}"), HasSubstr("missing property 'zones'"));
  EXPECT_THAT(refusal("addressPool: {enabled: true}"), HasSubstr("at '/addressPool/first'"));
  EXPECT_THAT(refusal("addressPool: {enabled: true, first: 10.0.0.1, last: 10.0.0.300}"),
              HasSubstr("at '/addressPool/last'"));
}

TEST_F(ChartValuesTest, TheServiceTakesWhatUpSets) {
  chart_ = "nestor";
  std::string manager;
  for (const Json& object :
       render("", {"localPath.grow=true,addressPool.enabled=true,addressPool.first=10.0.0.1,"
                   "addressPool.last=10.0.0.9,vm.kvm.runtimeClassName="})) {
    if (find_string(object, {"kind"}) == "Deployment") manager = to_text(object);
  }
  EXPECT_THAT(manager, HasSubstr("--address-pool=10.0.0.1-10.0.0.9"));
  EXPECT_THAT(manager, HasSubstr("--grow-local-path"));
}

TEST_F(ChartValuesTest, NamesThatLookLikeSomethingElseStayNames) {
  name_ = "true";
  ns_ = "456";
  std::string classes;
  for (const Json& object : render(R"(
network: {serviceDomain: "1"}
controlPlane: {dataStore: "1"}
nodeGroups: {"1": {image: "a: b"}}
storageClasses: {"2": {infraStorageClass: "3"}}
addOns: {"4": {chart: "5", repoURL: "https://x", releaseName: "6", namespace: "7"}})")) {
    EXPECT_EQ(not_a_text(object), "") << to_text(object);
    classes += find_string(object, {"data", "classes.yaml"});
  }
  const auto made = parse_yaml_documents(classes).value();
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(not_a_text(made.front()), "") << classes;
  // An ordinary image has the text it always had: else all machines would be replaced.
  EXPECT_THAT(helm("nodeGroups: {a: {image: 'example.org/a:1'}}").out,
              HasSubstr("image: example.org/a:1\n"));
  chart_ = "nestor";
  for (const Json& object : render("")) EXPECT_EQ(not_a_text(object), "") << to_text(object);
}

TEST_F(ChartValuesTest, NothingIsMadeTwice) {
  EXPECT_THAT(refusal("labels: {cluster.x-k8s.io/cluster-name: x}"), HasSubstr("labels: "));
  EXPECT_THAT(refusal("storageClasses: {kubevirt: {}}"),
              HasSubstr("storageClasses.kubevirt: every cluster has this class already"));
  EXPECT_EQ(refusal("{storage: {enabled: false}, storageClasses: {kubevirt: {}}}"), "accepted");
  const std::string addon = R"(addOns: {storage-classes: {chart: a, repoURL: "https://x"}})";
  EXPECT_THAT(refusal("{storageClasses: {fast: {}}, " + addon + "}"),
              HasSubstr("addOns.storage-classes: storageClasses makes an add-on of this name"));
  EXPECT_EQ(refusal("{storageClasses: {fast: null}, " + addon + "}"), "accepted");
  EXPECT_EQ(refusal("{storageClasses: {fast: {}}, addOns: {storage-classes: null}}"), "accepted");
  EXPECT_EQ(refusal("{storageClasses: {fast: {}}, addOns: null}"), "accepted");
}

TEST_F(ChartValuesTest, TyposAreRefused) {
  EXPECT_THAT(refusal("autoscaler: {foo-bar: 1}"),
              HasSubstr("at '/autoscaler': additional properties 'foo-bar' not allowed"));
  const auto addon = [&](const std::string& with) {
    return refusal("addOns: {x: {chart: a, " + with + "}}");
  };
  EXPECT_THAT(addon(R"(repoURL: "https://x", options: {timeot: 5m})"),
              HasSubstr("at '/addOns/x/options'"));
  EXPECT_THAT(addon(R"(repoURL: "https://")"), HasSubstr("at '/addOns/x/repoURL'"));
  EXPECT_THAT(addon(R"(repoURL: "configmap://A B")"), HasSubstr("at '/addOns/x/repoURL'"));
  EXPECT_EQ(addon(R"(repoURL: "https://example.org:8443/a?b", options: {timeout: 5m30s})"),
            "accepted");
  EXPECT_EQ(addon(R"(repoURL: "configmap://default/a")"), "accepted");
  for (const char* network : {"999.1.1.1/99", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "dead/8"}) {
    EXPECT_THAT(refusal("network: {podCidrs: ['" + std::string(network) + "']}"),
                HasSubstr("at '/network/podCidrs/0'"));
  }
  EXPECT_EQ(refusal("network: {podCidrs: [10.0.0.0/8, 'fd00:1::/64']}"), "accepted");
}

TEST_F(ChartValuesTest, ANodeHasAtLeastOneGibibyte) {
  for (const char* memory : {"1", "1000M", "1023Mi", "0.5Gi", "1048575Ki"}) {
    EXPECT_THAT(refusal("nodeGroups: {a: {memory: '" + std::string(memory) + "'}}"),
                HasSubstr("nodeGroups.a.memory: a node needs at least 1Gi"));
  }
  for (const char* memory : {"1Gi", "0.5Ti", "1024Mi", "1073741824", "1.5G", "1048576Ki"}) {
    EXPECT_EQ(refusal("nodeGroups: {a: {memory: '" + std::string(memory) + "'}}"), "accepted");
  }
  EXPECT_THAT(refusal("nodeGroups: {a: {disk: '0.0Gi'}}"), HasSubstr("at '/nodeGroups/a/disk'"));
}

TEST_F(ChartValuesTest, TheAutoscalersFlagsAreThoseItReads) {
  std::ifstream file(NESTOR_SOURCE_DIR "/charts/cluster/values.schema.json");
  const Json schema = parse_json(std::string(std::istreambuf_iterator<char>(file), {})).value();
  std::set<std::string> listed;
  for (const auto& flag : find(schema, {"properties", "autoscaler", "properties"})->as_object()) {
    listed.emplace(flag.key());
  }
  const auto names = autoscale::option_names();
  EXPECT_EQ(listed, std::set<std::string>(names.begin(), names.end()));
}

TEST_F(ChartValuesTest, EtcdsQuotaIsBelowItsDisk) {
  chart_ = "nestor";
  EXPECT_THAT(helm("").out, HasSubstr("- --quota-backend-bytes=4294967296\n"));
  EXPECT_THAT(helm("", {"etcd.storage=4Gi,etcd.quota=3221225472"}).out,
              HasSubstr("- --quota-backend-bytes=3221225472\n"));
  EXPECT_THAT(refusal("etcd: {quota: 6Gi}"), HasSubstr("at '/etcd/quota'"));
}

}  // namespace
}  // namespace nestor::integration
