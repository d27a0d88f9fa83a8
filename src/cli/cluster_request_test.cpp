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
