// Holds our CRDs against upstream's schemas where those are at hand (NESTOR_SHARED, or ../shared
// beside the checkout): every field we declare must exist there with the same type.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "api/all_crds.hpp"

namespace nestor::api {
namespace {

namespace fs = std::filesystem;

/// Fields of ours that upstream does not have, or has otherwise, each with the reason; for one kind
/// or for all.
const std::map<std::string, std::string> kDifferences{
    {"TenantControlPlane.status.conditions",
     "ours: what is wrong in the spec, where a user sees it"},
    {"VirtualMachine.status.conditions[]", "metav1.Condition; KubeVirt has a type of its own"},
    {"VirtualMachineInstance.status.conditions[]", "as above"},
};

bool is_known_difference(const std::string& kind, const std::string& path) {
  return kDifferences.contains(path) || kDifferences.contains(kind + path);
}

fs::path shared_directory() {
  if (const char* given = std::getenv("NESTOR_SHARED")) return given;
  // src/api/upstream_schema_test.cpp -> the checkout -> beside it.
  return fs::path(NESTOR_SOURCE_DIR).parent_path() / "shared";
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

const Json* version_schema(const Json& crd, std::string_view version) {
  for (const Json& candidate : crd.at("spec").at("versions").get_array()) {
    if (find_string(candidate, {"name"}) == version) {
      return find(candidate, {"schema", "openAPIV3Schema"});
    }
  }
  return nullptr;
}

/// Compares schemas; `definitions` resolves "$ref" of KubeVirt's OpenAPI document.
class Comparison {
 public:
  Comparison(std::string kind, const Json* definitions)
      : kind_(std::move(kind)), definitions_(definitions) {}

  void compare(const Json& ours, const Json& upstream_raw, const std::string& path) {
    const Json& upstream = resolve(upstream_raw);
    if (is_known_difference(kind_, path)) return;
    const std::string_view type = find_string(ours, {"type"});
    const std::string_view wanted = find_string(upstream, {"type"});
    if (type.empty()) {
      // A member of any content.
      compare_flag(ours, upstream, path);
      return;
    }
    EXPECT_EQ(type, wanted) << kind_ << path;
    if (type != wanted) return;
    compare_rules(ours, upstream, path);
    if (const Json* items = find(ours, {"items"})) {
      compare(*items, upstream.at("items"), path + "[]");
    }
    if (const Json* values = find(ours, {"additionalProperties"})) {
      const Json* theirs = find(upstream, {"additionalProperties"});
      ASSERT_NE(theirs, nullptr) << kind_ << path << " is no map there";
      compare(*values, *theirs, path + "{}");
    }
    if (const Json* properties = find(ours, {"properties"})) {
      for (const auto& [name, schema] : properties->get_object()) {
        compare_member(schema, upstream, name, path + "." + std::string(name));
      }
    }
  }

  int compared() const { return compared_; }

 private:
  const Json& resolve(const Json& schema) const {
    const std::string_view reference = find_string(schema, {"$ref"});
    if (reference.empty() || definitions_ == nullptr) return schema;
    return definitions_->at(reference.substr(std::string_view("#/definitions/").size()));
  }

  void compare_member(const Json& ours, const Json& upstream, std::string_view name,
                      const std::string& path) {
    if (is_known_difference(kind_, path)) return;
    const Json* theirs = find(upstream, {"properties", name});
    if (theirs == nullptr) {
      // Metadata in templates is free-form there.
      const bool free_form = find(upstream, {"x-kubernetes-preserve-unknown-fields"}) != nullptr;
      EXPECT_TRUE(free_form) << kind_ << path << " does not exist upstream";
      return;
    }
    ++compared_;
    compare(ours, *theirs, path);
  }

  /// What we ask of a value, upstream asks too; it may ask more.
  void compare_rules(const Json& ours, const Json& upstream, const std::string& path) {
    // KubeVirt keeps these in its webhooks.
    if (definitions_ != nullptr) return;
    for (const char* rule : {"enum", "default", "minimum", "maximum", "minItems", "format"}) {
      const Json* value = find(ours, {rule});
      if (value == nullptr || is_known_difference(kind_, path + " " + rule)) continue;
      // The width of a number comes from the C++ type.
      if (*value == Json("int32") || *value == Json("int64")) continue;
      const Json* theirs = find(upstream, {rule});
      EXPECT_TRUE(theirs != nullptr && normal(*theirs) == normal(*value))
          << kind_ << path << ": " << rule << " " << to_text(*value) << ", upstream "
          << (theirs == nullptr ? "none" : to_text(*theirs));
    }
    const Json* members = find(ours, {"required"});
    if (members == nullptr) return;
    const Json* theirs = find(upstream, {"required"});
    for (const Json& member : members->get_array()) {
      const bool there =
          theirs != nullptr && theirs->is_array() &&
          std::ranges::find(theirs->get_array(), member) != theirs->get_array().end();
      EXPECT_TRUE(there) << kind_ << path << ": " << to_text(member) << " is optional upstream";
    }
  }

  /// Lists of allowed values without their order; numbers as one type.
  static std::string normal(const Json& value) {
    if (!value.is_array()) return to_text(value);
    std::vector<std::string> items;
    for (const Json& item : value.get_array()) items.push_back(to_text(item));
    std::ranges::sort(items);
    std::string text;
    for (const std::string& item : items) text += item + ",";
    return text;
  }

  void compare_flag(const Json& ours, const Json& upstream, const std::string& path) {
    constexpr std::string_view kFlag = "x-kubernetes-int-or-string";
    const bool flagged = find(ours, {kFlag}) != nullptr;
    if (definitions_ == nullptr) {
      EXPECT_EQ(flagged, find(upstream, {kFlag}) != nullptr) << kind_ << path;
    }
  }

  std::string kind_;
  const Json* definitions_;
  int compared_ = 0;
};

void compare_group(const std::vector<Json>& crds, const std::string& folder) {
  const fs::path root = shared_directory() / "crds" / folder;
  if (!fs::exists(root)) GTEST_SKIP() << "no upstream schemas at " << root;
  for (const Json& crd : crds) {
    const std::string group(find_string(crd, {"spec", "group"}));
    const std::string plural(find_string(crd, {"spec", "names", "plural"}));
    const std::string kind(find_string(crd, {"spec", "names", "kind"}));
    const auto documents = parse_yaml_documents(read(root / (group + "_" + plural + ".yaml")));
    ASSERT_TRUE(documents) << plural << ": " << documents.error().message;
    const Json& theirs = documents->front();
    const Json& version = crd.at("spec").at("versions").at(0);
    const Json* schema = version_schema(theirs, find_string(version, {"name"}));
    ASSERT_NE(schema, nullptr) << plural;
    Comparison comparison(kind, nullptr);
    comparison.compare(version.at("schema").at("openAPIV3Schema"), *schema, "");
    EXPECT_GT(comparison.compared(), 5) << kind;
    for (const char* part : {"kind", "listKind", "plural", "singular"}) {
      EXPECT_EQ(find_string(crd, {"spec", "names", part}),
                find_string(theirs, {"spec", "names", part}));
    }
    EXPECT_EQ(find_string(crd, {"spec", "scope"}), find_string(theirs, {"spec", "scope"}));
  }
}

TEST(Chart, HoldsExactlyOurCrds) {
  const fs::path chart = fs::path(NESTOR_SOURCE_DIR) / "charts" / "nestor" / "crds" / "nestor.yaml";
  std::string wanted;
  for (const Json& crd : all_crds()) wanted += "---\n" + to_yaml(crd);
  // Not EXPECT_EQ: it would print both texts.
  EXPECT_TRUE(read(chart) == wanted) << "run 'make crds'";
}

TEST(UpstreamSchema, ClusterApiCore) { compare_group(cluster::crds(), "cluster-api"); }
TEST(UpstreamSchema, KubeadmBootstrap) { compare_group(bootstrap::crds(), "cluster-api"); }
TEST(UpstreamSchema, KubevirtInfrastructure) {
  compare_group(infrastructure::crds(), "cluster-api-kubevirt");
}
TEST(UpstreamSchema, KamajiControlPlane) {
  compare_group(controlplane::crds(), "cluster-api-kamaji");
}
TEST(UpstreamSchema, Kamaji) { compare_group(kamaji::crds(), "kamaji"); }
TEST(UpstreamSchema, HelmAddons) { compare_group(addons::crds(), "cluster-api-helm"); }

TEST(UpstreamSchema, Kubevirt) {
  const fs::path file = shared_directory() / "crds" / "kubevirt" / "openapi-definitions.json";
  if (!fs::exists(file)) GTEST_SKIP() << "no upstream schemas at " << file;
  const auto document = parse_json(read(file));
  ASSERT_TRUE(document) << document.error().message;
  const Json& definitions = document->at("definitions");
  for (const Json& crd : kubevirt::crds()) {
    const std::string kind(find_string(crd, {"spec", "names", "kind"}));
    Comparison comparison(kind, &definitions);
    const Json& version = crd.at("spec").at("versions").at(0);
    comparison.compare(version.at("schema").at("openAPIV3Schema"), definitions.at("v1." + kind),
                       "");
    EXPECT_GT(comparison.compared(), 5) << kind;
  }
}

}  // namespace
}  // namespace nestor::api
