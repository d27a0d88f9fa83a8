#include "api/descriptions.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/all_crds.hpp"
#include "api/cluster/machine.hpp"
#include "base/text.hpp"

namespace nestor::api {
namespace {

struct Undescribed {
  std::string text;
};

TEST(Descriptions, AreTheCommentsOfStructsAndMembers) {
  EXPECT_TRUE(description_of(typeid(cluster::Machine)).starts_with("A machine of a Cluster"));
  EXPECT_TRUE(description_of(typeid(kube::Condition), "status").find("Unknown") !=
              std::string::npos);
  // Of several lines one is made.
  const auto phase = description_of(typeid(cluster::MachineStatus), "phase");
  EXPECT_GT(phase.size(), 100);
  EXPECT_EQ(phase.find('\n'), std::string_view::npos);
}

TEST(Descriptions, AreEmptyForWhatIsNotInTheHeaders) {
  EXPECT_EQ(description_of(typeid(Undescribed)), "");
  EXPECT_EQ(description_of(typeid(cluster::Machine), "nothing"), "");
  EXPECT_EQ(description_of(typeid(std::string)), "");
}

TEST(Descriptions, TableIsSorted) {
  const auto key = [](const detail::Description& one) { return std::pair(one.type, one.member); };
  EXPECT_TRUE(std::ranges::is_sorted(detail::description_table(), {}, key));
}

/// Every property below `schema` without a description, as a path.
void find_undescribed(const Json& schema, const std::string& path, std::vector<std::string>& out) {
  if (const Json* items = find(schema, {"items"})) find_undescribed(*items, path + "[]", out);
  if (const Json* values = find(schema, {"additionalProperties"})) {
    find_undescribed(*values, path + "{}", out);
  }
  const Json* properties = find(schema, {"properties"});
  if (properties == nullptr) return;
  for (const auto& [name, property] : properties->get_object()) {
    const std::string at = path + "." + std::string(name);
    if (find_string(property, {"description"}).empty()) out.push_back(at);
    find_undescribed(property, at, out);
  }
}

TEST(AllCrds, DescribeEveryField) {
  for (const Json& crd : all_crds()) {
    const std::string kind(find_string(crd, {"spec", "names", "kind"}));
    const Json& schema = crd.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
    EXPECT_FALSE(find_string(schema, {"description"}).empty()) << kind;
    std::vector<std::string> undescribed;
    for (const char* part : {"spec", "status"}) {
      const Json* property = find(schema, {"properties", part});
      if (property == nullptr) continue;
      if (find_string(*property, {"description"}).empty()) {
        undescribed.push_back(std::string(".") + part);
      }
      find_undescribed(*property, std::string(".") + part, undescribed);
    }
    EXPECT_TRUE(undescribed.empty()) << kind << " has no comment for " << joined(undescribed);
  }
}

}  // namespace
}  // namespace nestor::api
