// What the API server itself makes of our CustomResourceDefinitions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "api/all_crds.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/descriptions.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "integration/api_server.hpp"
#include "integration/management.hpp"

namespace nestor::integration {
namespace {

using api::cluster::MachineDeployment;
using api::infrastructure::KubevirtMachineTemplate;
using kube::ObjectKey;
using kube::PatchType;
using testing::HasSubstr;

constexpr kube::ResourceType kCrds{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                   "customresourcedefinitions", false};

bool has_condition(const Json& crd, std::string_view type) {
  const Json* conditions = find(crd, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Json& condition : conditions->get_array()) {
    if (find_string(condition, {"type"}) == type && find_string(condition, {"status"}) == "True") {
      return true;
    }
  }
  return false;
}

/// Everything in `wanted` is in `got` too; null asks for nothing.
void expect_holds(const Json& got, const Json& wanted, const std::string& path) {
  if (wanted.is_null()) return;
  if (wanted.is_object()) {
    ASSERT_TRUE(got.is_object()) << path;
    for (const auto& [key, value] : wanted.get_object()) {
      const Json* part = find(got, {key});
      if (part == nullptr) {
        EXPECT_TRUE(value.is_null()) << path << "." << key << " is lost";
        continue;
      }
      expect_holds(*part, value, path + "." + std::string(key));
    }
  } else if (wanted.is_array()) {
    ASSERT_TRUE(got.is_array() && got.get_array().size() == wanted.get_array().size()) << path;
    for (std::size_t i = 0; i < wanted.get_array().size(); ++i) {
      expect_holds(got.at(i), wanted.at(i), path + "[" + std::to_string(i) + "]");
    }
  } else {
    EXPECT_EQ(got, wanted) << path;
  }
}

class CrdsTest : public ApiServerTest {
 protected:
  void SetUp() override {
    ApiServerTest::SetUp();
    if (IsSkipped()) return;
    must(install_crds(*client_));
  }

  /// Creates an object in this test's namespace. A kind just established answers 404 for a moment
  /// until the server's own cache has it.
  Result<Json> create(const kube::ResourceType& type, Json object) {
    JsonObject& metadata = object.at("metadata").as_object();
    metadata.erase("namespace");
    if (type.namespaced) metadata["namespace"] = ns_;
    Result<Json> created;
    for (int attempt = 0; attempt < 500; ++attempt) {
      created = run(client_->create(type, type.namespaced ? ns_ : "", object));
      if (created || created.error().code != Code::kNotFound) break;
    }
    return created;
  }

  static Json yaml(const char* text) {
    auto documents = parse_yaml_documents(text);
    EXPECT_TRUE(documents) << documents.error().message;
    return documents ? documents->front() : Json(JsonObject{});
  }

  static Json workers() {
    return yaml(R"(
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: demo-md-0}
spec:
  clusterName: demo
  selector: {matchLabels: null}
  inventedLater: {kept: true}
  template:
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
  }

  static Json machine_template() {
    return yaml(R"(
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: KubevirtMachineTemplate
metadata: {name: demo-md-0}
spec:
  template:
    spec:
      virtualMachineTemplate:
        metadata: {namespace: default}
        spec:
          runStrategy: Always
          template:
            spec:
              domain:
                cpu: {cores: 2}
                memory: {guest: 4Gi}
                devices: {}
)");
  }
};

TEST_F(CrdsTest, SchemasAreStructural) {
  const auto list = must(client_->list(kCrds, "", {}));
  EXPECT_GE(list.items.size(), api::all_crds().size());
  for (const Json& crd : list.items) {
    EXPECT_FALSE(has_condition(crd, "NonStructuralSchema")) << to_text(crd.at("status"));
    EXPECT_TRUE(has_condition(crd, "NamesAccepted")) << to_text(crd.at("status"));
  }
}

TEST_F(CrdsTest, FieldsAreExplained) {
  // What `kubectl explain` reads. The server makes it a moment after it knows the kinds.
  const std::string text(api::description_of(typeid(api::cluster::ClusterSpec), "paused"));
  std::string document;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (document.find(text) == std::string::npos && std::chrono::steady_clock::now() < until) {
    document = run(client_->get_raw("/openapi/v3/apis/cluster.x-k8s.io/v1beta2")).value_or("");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(document, HasSubstr(text));
}

TEST_F(CrdsTest, UnknownFieldsAndNullsAreTaken) {
  const Json wanted = workers();
  const auto created = create(MachineDeployment::kType, wanted);
  ASSERT_TRUE(created) << created.error().message;
  expect_holds(*created, wanted, "");
  EXPECT_EQ(find(*created, {"spec", "replicas"}), nullptr) << "defaults are the controllers'";
}

TEST_F(CrdsTest, ClusterNameAndTemplatesNeverChange) {
  ASSERT_TRUE(create(MachineDeployment::kType, workers()));
  ASSERT_TRUE(create(KubevirtMachineTemplate::kType, machine_template()));
  const ObjectKey key{ns_, "demo-md-0"};
  const auto renamed = run(client_->patch(MachineDeployment::kType, key, PatchType::kMerge,
                                          *parse_json(R"({"spec":{"clusterName":"other"}})")));
  ASSERT_FALSE(renamed);
  EXPECT_THAT(renamed.error().message, HasSubstr("immutable"));
  const auto bigger = run(
      client_->patch(KubevirtMachineTemplate::kType, key, PatchType::kMerge,
                     *parse_json(R"({"spec":{"template":{"spec":{"virtualMachineTemplate":{"spec":{
        "template":{"spec":{"domain":{"cpu":{"cores":4}}}}}}}}}})")));
  ASSERT_FALSE(bigger) << "also below parts without a schema";
  EXPECT_THAT(bigger.error().message, HasSubstr("immutable"));
  EXPECT_TRUE(run(client_->patch(KubevirtMachineTemplate::kType, key, PatchType::kMerge,
                                 *parse_json(R"({"metadata":{"labels":{"a":"b"}}})"))));
}

TEST_F(CrdsTest, WhatUpstreamRequiresIsRequired) {
  Json object = workers();
  object.at("spec").at("template").at("spec").as_object().erase("infrastructureRef");
  const auto created = create(MachineDeployment::kType, object);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kInvalidArgument);
  EXPECT_THAT(created.error().message, HasSubstr("infrastructureRef"));
}

TEST_F(CrdsTest, StatusAndScaleAreSubresources) {
  ASSERT_TRUE(create(MachineDeployment::kType, workers()));
  const ObjectKey key{ns_, "demo-md-0"};
  const MachineDeployment before = must(kube::get<MachineDeployment>(*client_, key));
  MachineDeployment after = before;
  after.status.replicas = 0;
  after.status.selector = "cluster.x-k8s.io/deployment-name=demo-md-0";
  after.status.conditions = {{.type = "Available",
                              .status = "False",
                              .observedGeneration = 1,
                              .lastTransitionTime = "2026-01-02T03:04:05Z",
                              .reason = "ScalingUp",
                              .message = ""}};
  must(kube::patch_changes(*client_, before, after));
  const MachineDeployment seen = must(kube::get<MachineDeployment>(*client_, key));
  EXPECT_EQ(seen.status, after.status);
  EXPECT_EQ(seen.metadata.generation, before.metadata.generation);

  must(client_->patch(MachineDeployment::kType, key, PatchType::kMerge,
                      *parse_json(R"({"spec":{"replicas":3}})"), {.subresource = "scale"}));
  EXPECT_EQ(must(kube::get<MachineDeployment>(*client_, key)).spec.replicas, 3);
}

TEST_F(CrdsTest, ConditionsOfTwoWritersStandSideBySide) {
  ASSERT_TRUE(create(MachineDeployment::kType, workers()));
  for (const char* type : {"Available", "Paused"}) {
    MachineDeployment part;
    part.metadata.name = "demo-md-0";
    part.metadata.namespace_ = ns_;
    part.status.conditions = {{.type = type,
                               .status = "True",
                               .observedGeneration = {},
                               .lastTransitionTime = "2026-01-02T03:04:05Z",
                               .reason = "Test",
                               .message = {}}};
    Json object = kube::to_object(part);
    object.as_object().erase("spec");
    kube::ApplyOptions options{.field_manager = std::string("nestor-") + type,
                               .subresource = "status"};
    must(client_->apply(MachineDeployment::kType, object, options));
  }
  const auto seen = must(kube::get<MachineDeployment>(*client_, {ns_, "demo-md-0"}));
  EXPECT_TRUE(kube::condition_true(seen.status.conditions, "Available"));
  EXPECT_TRUE(kube::condition_true(seen.status.conditions, "Paused"));
}

TEST_F(CrdsTest, UpstreamManifestsComeBackWhole) {
  const char* given = std::getenv("NESTOR_SHARED");
  const std::filesystem::path root =
      given != nullptr ? given : std::filesystem::path(NESTOR_SOURCE_DIR) / ".." / "shared";
  if (!std::filesystem::exists(root / "manifests")) GTEST_SKIP() << "no manifests at " << root;
  const auto crds = api::all_crds();
  int seen = 0;
  for (const char* name :
       {"capi-kamaji-kubevirt-controlplane", "capi-kamaji-kubevirt-workers",
        "kamaji-tenantcontrolplane", "kamaji-tenantcontrolplane-kine", "kamaji-datastore-etcd"}) {
    std::ifstream file(root / "manifests" / (std::string(name) + ".yaml"));
    std::ostringstream text;
    text << file.rdbuf();
    const auto documents = parse_yaml_documents(text.str());
    ASSERT_TRUE(documents) << name;
    for (Json object : *documents) {
      for (const Json& crd : crds) {
        if (find_string(crd, {"spec", "names", "kind"}) != find_string(object, {"kind"})) continue;
        const std::string group(find_string(crd, {"spec", "group"}));
        const std::string plural(find_string(crd, {"spec", "names", "plural"}));
        const std::string version(find_string(crd.at("spec").at("versions").at(0), {"name"}));
        const std::string kind(find_string(object, {"kind"}));
        const kube::ResourceType type{group, version, kind, plural,
                                      find_string(crd, {"spec", "scope"}) == "Namespaced"};
        object.at("metadata").as_object()["namespace"] = ns_;
        const auto created = create(type, object);
        ASSERT_TRUE(created) << kind << ": " << created.error().message;
        if (!type.namespaced) object.at("metadata").as_object().erase("namespace");
        expect_holds(*created, object, kind);
        ++seen;
      }
    }
  }
  EXPECT_GE(seen, 9);
}

}  // namespace
}  // namespace nestor::integration
