#include "cli/cluster_request.hpp"

#include <gtest/gtest.h>

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
  for (const char* ns : {"", "Team", "team-", "-team", "a.b"}) {
    auto r = request("demo");
    r.ns = ns;
    EXPECT_FALSE(validate(r)) << ns;
  }
  auto good = request("demo");
  good.ns = "1team";
  EXPECT_TRUE(validate(good));
  good.ns = std::string(64, 'a');
  EXPECT_FALSE(validate(good));
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

std::string refused_beside(const ClusterRequest& request, const std::vector<const char*>& files) {
  std::vector<ValuesFile> read;
  for (const char* text : files) {
    read.push_back({std::to_string(read.size()) + ".yaml", parse_yaml_documents(text)->at(0)});
  }
  const auto valid = validate_groups(request, read);
  return valid ? "" : valid.error().message;
}

TEST(ClusterRequest, OptionsOfWorkersMakeNoFurtherGroup) {
  auto r = request("demo");
  EXPECT_EQ(refused_beside(r, {"{nodeGroups: {web: {}}}"}), "");
  r.cpu = 4;
  EXPECT_EQ(refused_beside(r, {}), "");
  EXPECT_EQ(refused_beside(r, {"{network: {cni: none}}"}), "");
  EXPECT_EQ(refused_beside(r, {"{nodeGroups: {md-0: {}, web: {}}}"}), "");
  EXPECT_EQ(refused_beside(r, {"{nodeGroups: {web: {}}}", "{nodeGroups: {web: null}}"}), "");
  EXPECT_EQ(refused_beside(r, {"{network: {}}", "{nodeGroups: {web: {}, db: {}}}"}),
            "--cpu is for the node group md-0, and 1.yaml has web, db: set it there");
  r.workers = 2;
  r.memory = "4Gi";
  r.worker_image = "a";
  EXPECT_EQ(refused_beside(r, {"{nodeGroups: {web: {}}}", "{nodeGroups: {db: {}}}"}),
            "--workers, --cpu, --memory, --worker-image are for the node group md-0, and 0.yaml, "
            "1.yaml have web, db: set it there");
}

TEST(ClusterRequest, BecomesValuesOfTheChart) {
  EXPECT_EQ(chart_values(request("demo")), parse_json("{}").value());
  auto r = request("demo");
  r.kubernetes_version = "1.37.2";
  r.workers = 3;
  r.memory = "4Gi";
  r.pod_cidr = "10.1.0.0/16";
  EXPECT_EQ(chart_values(r),
            parse_json(R"({"kubernetesVersion":"v1.37.2","network":{"podCidrs":["10.1.0.0/16"]},
                           "nodeGroups":{"md-0":{"replicas":3,"memory":"4Gi"}}})")
                .value());
}

}  // namespace
}  // namespace nestor::cli
