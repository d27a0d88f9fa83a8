#include "cluster/preflight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace nestor::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json plane(const std::string& spec, const std::string& status) {
  JsonObject object{{"spec", JsonObject{{"version", spec}}}};
  if (!status.empty()) object["status"] = JsonObject{{"version", status}};
  return object;
}

struct Preflight : ::testing::Test {
  std::vector<std::string> check(const Json& control_plane) {
    return failed_preflight_checks(set, control_plane);
  }
  Preflight() { set.spec.template_.spec.version = "v1.37.2"; }
  api::cluster::MachineSet set;
};

TEST_F(Preflight, WaitsForAStableControlPlane) {
  EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), IsEmpty());
  EXPECT_THAT(check(plane("1.37.2", "v1.37.2")), IsEmpty());
  EXPECT_THAT(check(plane("v1.37.2", "")), ElementsAre(HasSubstr("ControlPlaneIsStable")));
  EXPECT_THAT(check(plane("v1.37.3", "v1.37.2")), ElementsAre(HasSubstr("ControlPlaneIsStable")));
  Json two = plane("v1.37.3", "v1.37.3");
  two.as_object()["status"].as_object()["versions"] =
      JsonArray{JsonObject{{"version", "v1.37.2"}}, JsonObject{{"version", "v1.37.3"}}};
  EXPECT_THAT(check(two), ElementsAre(HasSubstr("ControlPlaneIsStable")));
}

TEST_F(Preflight, ComparesVersions) {
  set.spec.template_.spec.version = "v1.37.3";
  EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), ElementsAre(HasSubstr("KubernetesVersionSkew")));
  set.spec.template_.spec.version = "v1.34.0";
  EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), IsEmpty());
  set.spec.template_.spec.version = "v1.33.9";
  EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), ElementsAre(HasSubstr("KubernetesVersionSkew")));
  set.spec.template_.spec.version = "v1.36.0";
  set.spec.template_.spec.bootstrap.configRef.kind = "KubeadmConfigTemplate";
  EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), ElementsAre(HasSubstr("KubeadmVersionSkew")));
}

TEST_F(Preflight, WhatIsNoVersionIsNotCompared) {
  for (const char* absurd : {"v1.2147483647.0", "v1.-2147483648.0", "latest"}) {
    set.spec.template_.spec.version = absurd;
    EXPECT_THAT(check(plane("v1.37.2", "v1.37.2")), IsEmpty()) << absurd;
  }
}

TEST_F(Preflight, MayBeSkipped) {
  auto& note = set.metadata.annotations["machineset.cluster.x-k8s.io/skip-preflight-checks"];
  note = "KubeadmVersionSkew, ControlPlaneIsStable";
  EXPECT_THAT(check(plane("v1.37.2", "")), IsEmpty());
  set.spec.template_.spec.version = "v1.38.0";
  EXPECT_THAT(check(plane("v1.37.2", "")), ElementsAre(HasSubstr("KubernetesVersionSkew")));
  note = "All";
  EXPECT_THAT(check(plane("v1.37.2", "")), IsEmpty());
}

TEST_F(Preflight, AsksNothingOfAControlPlaneWithoutVersion) {
  EXPECT_THAT(check(JsonObject{{"status", JsonObject{}}}), IsEmpty());
}

}  // namespace
}  // namespace nestor::cluster
