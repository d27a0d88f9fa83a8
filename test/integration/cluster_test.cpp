// The core controllers on a real API server, which is the management cluster and the tenant at
// once: what only it knows (server-side apply that takes back, evictions under disruption budgets).

#include "cluster/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/core/node.hpp"
#include "api/core/secret.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "base/process.hpp"
#include "integration/api_server.hpp"
#include "integration/management.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::integration {
namespace {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::cluster::MachineDeployment;
using kube::PatchType;
using ::testing::HasSubstr;

constexpr kube::ResourceType kPods{"", "v1", "Pod", "pods"};
constexpr kube::ResourceType kServiceAccounts{"", "v1", "ServiceAccount", "serviceaccounts"};
constexpr kube::ResourceType kBudgets{"policy", "v1", "PodDisruptionBudget",
                                      "poddisruptionbudgets"};
constexpr kube::ResourceType kMachineTemplates{"infrastructure.cluster.x-k8s.io", "v1alpha1",
                                               "KubevirtMachineTemplate",
                                               "kubevirtmachinetemplates"};
constexpr kube::ResourceType kConfigTemplates{"bootstrap.cluster.x-k8s.io", "v1beta2",
                                              "KubeadmConfigTemplate", "kubeadmconfigtemplates"};

class ClusterRoomTest : public ApiServerTest {
 protected:
  void SetUp() override {
    ApiServerTest::SetUp();
    if (IsSkipped()) return;
    must(install_crds(*client_));
    create(Cluster::kType, R"({metadata: {name: demo}, spec: {}})");
    runtime_ =
        std::make_unique<kube::Runtime>(io_.get_executor(), *client_, clock_, *processes_, "test");
    sessions_ = std::make_unique<tenant::Sessions>(*runtime_);
    cluster::add_controllers(*runtime_, *sessions_);
    runtime_->start();
  }
  void TearDown() override {
    if (runtime_) {
      run_coroutine(io_, runtime_->close());
      run_coroutine(io_, sessions_->close());
    }
    sessions_.reset();
    runtime_.reset();
  }
  /// A kind just established answers 404 for a moment until the server's own cache has it.
  Json create(const kube::ResourceType& type, const std::string& yaml) {
    Json object = parse_yaml_documents(yaml).value().front();
    object.as_object()["apiVersion"] = type.api_version();
    object.as_object()["kind"] = type.kind;
    if (type.namespaced) object.at("metadata").as_object()["namespace"] = ns_;
    Result<Json> created;
    for (int attempt = 0; attempt < 500; ++attempt) {
      created = run(client_->create(type, type.namespaced ? ns_ : "", object));
      if (created || created.error().code != Code::kNotFound) break;
    }
    EXPECT_TRUE(created) << created.error().message;
    return created.value_or(Json());
  }
  void patch(const kube::ResourceType& type, const std::string& name, const char* yaml,
             std::string subresource = {}) {
    const kube::ObjectKey key{type.namespaced ? ns_ : "", name};
    Json body = parse_yaml_documents(yaml).value().front();
    must(client_->patch(type, key, PatchType::kMerge, std::move(body), {std::move(subresource)}));
  }
  kube::Informer<Machine> machines() { return runtime_->informers().of<Machine>(); }
  std::vector<kube::Informer<Machine>::Ptr> own_machines() { return machines().list(ns_); }
  bool until(std::function<bool()> predicate) {
    return run(machines().wait_until(std::move(predicate), std::chrono::seconds(30))).has_value();
  }

  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  std::unique_ptr<kube::Runtime> runtime_;
  std::unique_ptr<tenant::Sessions> sessions_;
};

TEST_F(ClusterRoomTest, WhatNeedsNoNewMachineIsAppliedAndTakenBack) {
  create(kMachineTemplates,
         "{metadata: {name: demo}, spec: {template: {spec: {virtualMachineTemplate: {spec: "
         "{runStrategy: Always, template: {spec: {domain: {devices: {}}}}}}}}}}");
  create(kConfigTemplates, "{metadata: {name: demo}, spec: {template: {spec: {}}}}");
  create(MachineDeployment::kType, R"(
metadata: {name: workers}
spec:
  clusterName: demo
  selector: {}
  template:
    metadata: {labels: {pool: a}}
    spec:
      clusterName: demo
      version: v1.37.2
      bootstrap:
        configRef: {apiGroup: bootstrap.cluster.x-k8s.io, kind: KubeadmConfigTemplate, name: demo}
      infrastructureRef:
        apiGroup: infrastructure.cluster.x-k8s.io
        kind: KubevirtMachineTemplate
        name: demo
)");
  ASSERT_TRUE(until([this] {
    return own_machines().size() == 1 && own_machines()[0]->metadata.label("pool") == "a";
  }));
  const std::string uid = own_machines()[0]->metadata.uid;
  patch(MachineDeployment::kType, "workers",
        "{spec: {template: {metadata: {labels: {pool: null, zone: b}}, "
        "spec: {deletion: {nodeDrainTimeoutSeconds: 5}}}}}");
  ASSERT_TRUE(until([this] {
    const auto all = own_machines();
    return all.size() == 1 && all[0]->metadata.label("zone") == "b" &&
           !all[0]->metadata.labels.contains("pool") &&
           all[0]->spec.deletion.nodeDrainTimeoutSeconds == 5;
  }));
  EXPECT_EQ(own_machines()[0]->metadata.uid, uid);
  EXPECT_EQ(must(kube::get<MachineDeployment>(*client_, {ns_, "workers"})).spec.replicas, 1);
}

TEST_F(ClusterRoomTest, ADrainWaitsForTheBudgetAndGoesOnWhenItAllows) {
  api::core::Secret secret;
  secret.metadata.name = "demo-kubeconfig";
  secret.metadata.namespace_ = ns_;
  secret.metadata.labels["cluster.x-k8s.io/cluster-name"] = "demo";
  api::core::set_secret_value(secret, "value", kube::make_kubeconfig(server_->admin()));
  must(kube::create(*client_, secret));
  const std::string node = "node-" + ns_;
  create(api::core::Node::kType,
         "{metadata: {name: " + node + "}, spec: {providerID: 'kubevirt://" + node + "'}}");
  create(kServiceAccounts, "{metadata: {name: default}}");
  create(kPods, "{metadata: {name: web, labels: {app: web}}, spec: {nodeName: " + node +
                    ", terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, "
                    "containers: [{name: c, image: none}]}}");
  patch(kPods, "web", "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
        "status");
  create(kBudgets,
         "{metadata: {name: keep}, spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}}");
  patch(kBudgets, "keep",
        "{status: {observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 1, "
        "desiredHealthy: 1, expectedPods: 1}}",
        "status");
  using api::infrastructure::KubevirtMachine;
  create(KubevirtMachine::kType,
         "{metadata: {name: m}, spec: {providerID: 'kubevirt://" + node +
             "', virtualMachineTemplate: {spec: {runStrategy: Always, template: {spec: {domain: "
             "{devices: {}}}}}}}}");
  patch(KubevirtMachine::kType, "m", "{status: {ready: true}}", "status");
  create(Machine::kType, R"(
metadata: {name: m}
spec:
  clusterName: demo
  version: v1.37.2
  bootstrap: {dataSecretName: m}
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: KubevirtMachine, name: m}
)");
  const kube::ObjectKey key{ns_, "m"};
  ASSERT_TRUE(until([this, key] {
    const auto machine = machines().get(key);
    return machine && !machine->status.nodeRef.name.empty();
  }));
  must(client_->remove(Machine::kType, key));
  ASSERT_TRUE(until([this, key] {
    const auto machine = machines().get(key);
    const auto* deleting =
        machine ? kube::find_condition(machine->status.conditions, "Deleting") : nullptr;
    return deleting != nullptr && deleting->message.find("keep") != std::string::npos;
  }));
  EXPECT_TRUE(run(client_->get(kPods, {ns_, "web"})));
  patch(kBudgets, "keep", "{status: {disruptionsAllowed: 1, currentHealthy: 2, expectedPods: 2}}",
        "status");
  ASSERT_TRUE(until([this, key] { return machines().get(key) == nullptr; }));
  EXPECT_EQ(run(client_->get(kPods, {ns_, "web"})).error().code, Code::kNotFound);
  EXPECT_EQ(run(client_->get(api::core::Node::kType, {"", node})).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace nestor::integration
