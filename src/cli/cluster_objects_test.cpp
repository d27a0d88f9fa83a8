#include "cli/cluster_objects.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nestor::cli {
namespace {

ClusterRequest request(std::string name) {
  ClusterRequest r;
  r.name = std::move(name);
  return r;
}

TEST(ClusterRequest, RefusesWhatCannotBecomeACluster) {
  EXPECT_TRUE(validate(request("demo")));
  for (const char* name : {"", "Demo", "9lives", "a_b", "end-", "a.b",
                           "a-name-that-is-far-too-long-for-its-machines-names"}) {
    EXPECT_FALSE(validate(request(name))) << name;
  }
  auto bad = request("demo");
  bad.kubernetes_version = "latest";
  EXPECT_FALSE(validate(bad));
  bad = request("demo");
  bad.memory = "100Mi";
  EXPECT_FALSE(validate(bad));
  bad.memory = "lots";
  EXPECT_FALSE(validate(bad));
  bad = request("demo");
  bad.workers = -1;
  EXPECT_FALSE(validate(bad));
  bad.workers = 1;
  bad.cpu = 0;
  EXPECT_FALSE(validate(bad));
}

TEST(ClusterObjects, ReferToEachOther) {
  auto r = request("demo");
  r.ns = "team-a";
  r.kubernetes_version = "1.37.2";
  r.workers = 3;
  const auto objects = cluster_objects(r);
  std::set<std::string> names;
  for (const Json& object : objects) {
    EXPECT_EQ(find_string(object, {"metadata", "namespace"}), "team-a");
    names.insert(std::string(find_string(object, {"kind"})) + "/" +
                 std::string(find_string(object, {"metadata", "name"})));
  }
  const auto refers = [&](const Json& object, std::initializer_list<std::string_view> path) {
    const Json* ref = find(object, path);
    ASSERT_NE(ref, nullptr);
    EXPECT_TRUE(names.contains(std::string(find_string(*ref, {"kind"})) + "/" +
                               std::string(find_string(*ref, {"name"}))));
  };
  refers(objects[0], {"spec", "controlPlaneRef"});
  refers(objects[0], {"spec", "infrastructureRef"});
  const Json& deployment = objects.back();
  refers(deployment, {"spec", "template", "spec", "infrastructureRef"});
  refers(deployment, {"spec", "template", "spec", "bootstrap", "configRef"});
  EXPECT_EQ(find_string(deployment, {"spec", "template", "spec", "version"}), "v1.37.2");
  EXPECT_EQ(*find(deployment, {"spec", "replicas"}), Json(3));
}

}  // namespace
}  // namespace nestor::cli
