#include <gtest/gtest.h>

#include "addon/addon.hpp"
#include "addon/testing/fake_helm.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::addon {
namespace {

using api::addons::HelmReleaseProxy;
using api::cluster::Cluster;

/// Two HelmReleaseProxies of one release.
struct ReleaseOwner : ::testing::Test {
  ReleaseOwner() {
    world.stop();
    auto fake = std::make_unique<testing::FakeHelm>();
    helm = fake.get();
    world.processes = std::move(fake);
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
    world.tenant_up();
    world.add_cluster();
    world.add_kubeconfig();
    auto cluster = world.management.peek<Cluster>(world.demo).value();
    cluster.status.initialization.controlPlaneInitialized = true;
    world.management.put(cluster);
    world.run();
    put("old", "a: 1\n");
    world.pass(std::chrono::seconds(5));
    put("new", "a: 2\n");
  }
  void put(const std::string& name, const std::string& values) {
    HelmReleaseProxy proxy;
    proxy.metadata.name = name;
    proxy.metadata.namespace_ = "default";
    proxy.spec.clusterRef.name = "demo";
    proxy.spec.chartName = "app";
    proxy.spec.repoURL = "https://charts.example.org";
    proxy.spec.releaseName = "app";
    // The namespace that is the default and the one that is named are one.
    proxy.spec.namespace_ = name == "new" ? "default" : "";
    proxy.spec.values = values;
    world.management.put(proxy);
    world.run();
  }
  std::string ready(const std::string& name) {
    const auto proxy = world.management.peek<HelmReleaseProxy>({"default", name}).value();
    const auto* found = kube::find_condition(proxy.status.conditions, "HelmReleaseReady");
    return found == nullptr ? "none" : found->status + " " + found->reason + " " + found->message;
  }
  tenant::testing::World world;
  testing::FakeHelm* helm = nullptr;
};

TEST_F(ReleaseOwner, TheYoungerWaitsAndSaysForWhom) {
  EXPECT_EQ(ready("old").substr(0, 4), "True");
  EXPECT_EQ(ready("new"),
            "False ReleaseTaken release app in namespace default is of the older HelmReleaseProxy "
            "old");
  world.pass(std::chrono::minutes(5));
  EXPECT_EQ(helm->count("upgrade"), 1);
  EXPECT_EQ(helm->releases.at("app").values, "a: 1\n");
}

TEST_F(ReleaseOwner, TheYoungerHasItsTurnWhenTheOlderIsGone) {
  world.management.erase(HelmReleaseProxy::kType, {"default", "old"});
  world.run();
  EXPECT_EQ(ready("new").substr(0, 4), "True");
  EXPECT_EQ(helm->count("uninstall"), 1);
  EXPECT_EQ(helm->releases.at("app").values, "a: 2\n");
}

TEST_F(ReleaseOwner, ANewClusterOfTheNameHasNoReleaseYet) {
  auto cluster = world.management.peek<Cluster>(world.demo).value();
  world.management.erase(Cluster::kType, world.demo);
  world.run();
  helm->releases.clear();
  cluster.metadata.uid.clear();
  cluster.status = {};
  world.management.put(cluster);
  world.run();
  EXPECT_NE(ready("old").substr(0, 4), "True");
  cluster = world.management.peek<Cluster>(world.demo).value();
  cluster.status.initialization.controlPlaneInitialized = true;
  world.management.put(cluster);
  world.run();
  world.pass(std::chrono::seconds(30));
  EXPECT_EQ(ready("old").substr(0, 4), "True");
  EXPECT_EQ(helm->releases.at("app").values, "a: 1\n");
}

TEST_F(ReleaseOwner, AReleaseOfAManagerThatNotedNoClusterStays) {
  auto old = world.management.peek<HelmReleaseProxy>({"default", "old"}).value();
  EXPECT_EQ(old.metadata.annotations.erase("nestor.dev/release-cluster"), 1U);
  world.management.put(old);
  world.run();
  EXPECT_EQ(helm->count("upgrade"), 1);
  EXPECT_EQ(ready("old").substr(0, 4), "True");
}

TEST_F(ReleaseOwner, TheYoungerGoesWithoutTheRelease) {
  world.management.erase(HelmReleaseProxy::kType, {"default", "new"});
  world.run();
  EXPECT_FALSE(world.management.peek<HelmReleaseProxy>({"default", "new"}).has_value());
  EXPECT_EQ(helm->count("uninstall"), 0);
  EXPECT_EQ(ready("old").substr(0, 4), "True");
}

}  // namespace
}  // namespace nestor::addon
