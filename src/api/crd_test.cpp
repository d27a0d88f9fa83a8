#include "api/crd.hpp"

#include <gtest/gtest.h>

#include <set>

#include "api/all_crds.hpp"

namespace nestor::api {
namespace {

struct Part {
  std::string text;
  std::optional<std::int32_t> small;
  std::int64_t wide = 0;
};
BOOST_DESCRIBE_STRUCT(Part, (), (text, small, wide))

struct SampleSpec {
  bool flag = false;
  std::vector<Part> parts;
  std::map<std::string, std::string> names;
  std::optional<Part> maybe;
  Json free;
  Part template_;
};
BOOST_DESCRIBE_STRUCT(SampleSpec, (), (flag, parts, names, maybe, free, template_))

struct SampleStatus {
  std::vector<kube::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(SampleStatus, (), (conditions))

struct Sample {
  static constexpr kube::ResourceType kType{"sample.dev", "v1", "Sample", "samples", false};
  kube::ObjectMeta metadata;
  SampleSpec spec;
  SampleStatus status;
};
BOOST_DESCRIBE_STRUCT(Sample, (), (metadata, spec, status))

Json schema_of_sample(const CrdOptions& options) {
  const Json crd = make_crd<Sample>(options);
  return crd.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

TEST(Crd, TypesFollowTheStruct) {
  const Json schema = schema_of_sample({});
  const Json& spec = schema.at("properties").at("spec").at("properties");
  EXPECT_EQ(find_string(spec, {"flag", "type"}), "boolean");
  EXPECT_EQ(find_string(spec, {"parts", "type"}), "array");
  EXPECT_EQ(find_string(spec, {"parts", "items", "properties", "small", "format"}), "int32");
  EXPECT_EQ(find_string(spec, {"parts", "items", "properties", "wide", "format"}), "int64");
  EXPECT_EQ(find_string(spec, {"names", "additionalProperties", "type"}), "string");
  EXPECT_EQ(find_string(spec, {"maybe", "properties", "text", "type"}), "string");
  EXPECT_EQ(find_string(spec, {"template", "type"}), "object") << "without the underscore of C++";
  EXPECT_EQ(find(spec, {"free", "type"}), nullptr);
  EXPECT_EQ(to_text(schema.at("properties").at("metadata")), R"({"type":"object"})");
}

TEST(Crd, EveryObjectKeepsFieldsItDoesNotKnow) {
  const Json schema = schema_of_sample({});
  constexpr auto kKey = "x-kubernetes-preserve-unknown-fields";
  const Json& spec = schema.at("properties").at("spec");
  for (const Json* object :
       {&schema, &spec, find(spec, {"properties", "maybe"}),
        find(spec, {"properties", "parts", "items"}), find(spec, {"properties", "free"})}) {
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->at(kKey), Json(true)) << to_text(*object);
  }
}

TEST(Crd, RulesReachItemsAndValuesAndMerge) {
  const Json schema = schema_of_sample({.rules = {{"spec", required({"parts", "flag"})},
                                                  {"spec.parts[].text", one_of({"a", "b"})},
                                                  {"spec.parts[].text", default_value("a")},
                                                  {"spec.names{}", immutable("stays")},
                                                  {"spec.free", int_or_string()}}});
  const Json& spec = schema.at("properties").at("spec");
  EXPECT_EQ(to_text(spec.at("required")), R"(["flag","parts"])");
  EXPECT_EQ(to_text(*find(spec, {"properties", "parts", "items", "properties", "text"})),
            R"({"type":"string","enum":["a","b"],"default":"a"})");
  EXPECT_NE(find(spec, {"properties", "names", "additionalProperties", "x-kubernetes-validations"}),
            nullptr);
  EXPECT_EQ(to_text(*find(spec, {"properties", "free"})), R"({"x-kubernetes-int-or-string":true})");
}

TEST(Crd, ASettledMemberNeitherComesNorGoes) {
  const Json schema = schema_of_sample(
      {.rules = {{"spec", required({"parts"})}, {"spec", settled({"flag", "free"}, "stays")}}});
  const Json& spec = schema.at("properties").at("spec");
  EXPECT_EQ(to_text(spec.at("required")), R"(["parts"])");
  const auto& rules = spec.at("x-kubernetes-validations").get_array();
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(find_string(rules[0], {"rule"}), "has(self.flag) == has(oldSelf.flag)");
  EXPECT_EQ(find_string(rules[1], {"message"}), "free: stays");
}

TEST(Crd, ConditionsMergeByType) {
  const Json schema = schema_of_sample({});
  const Json* conditions = find(schema, {"properties", "status", "properties", "conditions"});
  ASSERT_NE(conditions, nullptr);
  EXPECT_EQ(find_string(*conditions, {"x-kubernetes-list-type"}), "map");
  EXPECT_EQ(to_text(conditions->at("x-kubernetes-list-map-keys")), R"(["type"])");
}

TEST(Crd, NamesScopeAndSubresources) {
  const Json crd = make_crd<Sample>({.short_names = {"sa"},
                                     .columns = {{"Age", "date", ".metadata.creationTimestamp"}},
                                     .scale = ScalePaths{}});
  EXPECT_EQ(find_string(crd, {"metadata", "name"}), "samples.sample.dev");
  EXPECT_EQ(find_string(crd, {"spec", "scope"}), "Cluster");
  EXPECT_EQ(find_string(crd, {"spec", "names", "listKind"}), "SampleList");
  EXPECT_EQ(find_string(crd, {"spec", "names", "singular"}), "sample");
  const Json& version = crd.at("spec").at("versions").at(0);
  EXPECT_NE(find(version, {"subresources", "status"}), nullptr);
  EXPECT_EQ(find_string(version, {"subresources", "scale", "specReplicasPath"}), ".spec.replicas");
}

TEST(AllCrds, AreTheSameEveryTimeAndEachNameOnce) {
  const auto first = all_crds();
  const auto second = all_crds();
  ASSERT_EQ(first.size(), second.size());
  std::set<std::string> names;
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(to_text(first[i]), to_text(second[i]));
    EXPECT_TRUE(names.emplace(find_string(first[i], {"metadata", "name"})).second);
  }
  for (const char* name :
       {"clusters.cluster.x-k8s.io", "machines.cluster.x-k8s.io", "machinesets.cluster.x-k8s.io",
        "machinedeployments.cluster.x-k8s.io", "kubeadmconfigs.bootstrap.cluster.x-k8s.io",
        "kubeadmconfigtemplates.bootstrap.cluster.x-k8s.io",
        "kamajicontrolplanes.controlplane.cluster.x-k8s.io",
        "kubevirtclusters.infrastructure.cluster.x-k8s.io",
        "kubevirtmachines.infrastructure.cluster.x-k8s.io",
        "kubevirtmachinetemplates.infrastructure.cluster.x-k8s.io", "datastores.kamaji.clastix.io",
        "tenantcontrolplanes.kamaji.clastix.io", "virtualmachines.kubevirt.io",
        "virtualmachineinstances.kubevirt.io"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(AllCrds, KubevirtClusterDoesNotPromiseTheNewerContract) {
  for (const Json& crd : all_crds()) {
    if (find_string(crd, {"spec", "names", "kind"}) != "KubevirtCluster") continue;
    EXPECT_EQ(find(crd, {"metadata", "labels", "cluster.x-k8s.io/v1beta2"}), nullptr);
    EXPECT_EQ(find_string(crd, {"metadata", "labels", "cluster.x-k8s.io/v1beta1"}), "v1alpha1");
    return;
  }
  FAIL() << "no KubevirtCluster";
}

}  // namespace
}  // namespace nestor::api
