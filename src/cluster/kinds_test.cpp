#include "cluster/kinds.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/testing/fake_client.hpp"

namespace nestor::cluster {
namespace {

constexpr kube::ResourceType kCrd{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                  "customresourcedefinitions", false};

void put_crd(kube::testing::FakeClient& client, const char* name, const char* label,
             const char* versions) {
  JsonObject labels;
  if (label != nullptr) labels[label] = versions;
  client.put(kCrd, JsonObject{{"apiVersion", "apiextensions.k8s.io/v1"},
                              {"kind", "CustomResourceDefinition"},
                              {"metadata", JsonObject{{"name", name}, {"labels", labels}}}});
}

TEST(PluralOf, FollowsEnglish) {
  EXPECT_EQ(plural_of("KubevirtMachine"), "kubevirtmachines");
  EXPECT_EQ(plural_of("AddressClass"), "addressclasses");
  EXPECT_EQ(plural_of("Policy"), "policies");
  EXPECT_EQ(plural_of("Gateway"), "gateways");
}

TEST(NewestVersion, PrefersStableThenNumber) {
  EXPECT_EQ(newest_version("v1alpha1"), "v1alpha1");
  EXPECT_EQ(newest_version("v1alpha3_v1beta1_v1alpha4"), "v1beta1");
  EXPECT_EQ(newest_version("v1beta2_v1_v1beta9"), "v1");
  EXPECT_EQ(newest_version("v1beta2_v1beta10"), "v1beta10");
  EXPECT_EQ(newest_version(""), "");
}

struct KindsTest : ::testing::Test {
  KindsTest() {
    kinds.on_change([this](const std::string& kind, const kube::ObjectKey& key) {
      heard.push_back(kind + " " + key.to_string());
    });
  }
  ~KindsTest() override { run_coroutine(io, informers.close()); }
  Result<kube::ResourceType> resolve(const std::string& kind) {
    auto type = run_coroutine(io, kinds.resolve("infra.example.org", kind));
    settle(io);
    return type;
  }
  asio::io_context io;
  ManualClock clock{io.get_executor()};
  kube::testing::FakeClient client;
  kube::InformerSet informers{client, clock, io.get_executor()};
  Kinds kinds{informers};
  std::vector<std::string> heard;
};

TEST_F(KindsTest, KnowsItsOwnWithoutAsking) {
  const auto type = run_coroutine(
      io, kinds.resolve("infrastructure.cluster.x-k8s.io", "KubevirtMachineTemplate"));
  EXPECT_EQ(type.value().plural, "kubevirtmachinetemplates");
  EXPECT_EQ(client.calls().size(), 0U);
}

TEST_F(KindsTest, LooksOthersUpByTheContractLabelOnce) {
  put_crd(client, "foomachines.infra.example.org", "cluster.x-k8s.io/v1beta1", "v1alpha1_v1beta1");
  for (int i = 0; i < 2; ++i) {
    const auto type = resolve("FooMachine");
    EXPECT_EQ(type.value().version, "v1beta1");
    EXPECT_EQ(type.value().plural, "foomachines");
    EXPECT_EQ(type.value().kind, "FooMachine");
  }
  EXPECT_EQ(client.count("list", "customresourcedefinitions"), 1U);
  EXPECT_EQ(client.count("list", "foomachines"), 1U);
}

TEST_F(KindsTest, SaysWhenAKindIsNotThereOrFollowsNoContract) {
  put_crd(client, "bars.infra.example.org", nullptr, "");
  EXPECT_EQ(resolve("Foo").error().code, Code::kNotFound);
  EXPECT_EQ(resolve("Bar").error().code, Code::kFailedPrecondition);
}

TEST_F(KindsTest, TellsOfItsObjectsAndOfTheKindItself) {
  EXPECT_FALSE(resolve("Foo"));
  put_crd(client, "foos.infra.example.org", "cluster.x-k8s.io/v1beta2", "v1");
  settle(io);
  EXPECT_EQ(heard, std::vector<std::string>{"Foo "});
  const auto type = resolve("Foo").value();
  client.put(type, JsonObject{{"metadata", JsonObject{{"name", "a"}, {"namespace", "default"}}}});
  settle(io);
  EXPECT_EQ(heard.back(), "Foo default/a");
  // Served by another version from now on.
  heard.clear();
  put_crd(client, "foos.infra.example.org", "cluster.x-k8s.io/v1beta2", "v1_v2");
  settle(io);
  EXPECT_EQ(heard, std::vector<std::string>{"Foo "});
  EXPECT_EQ(resolve("Foo").value().version, "v2");
  EXPECT_EQ(client.open_watches(), 2U) << "the CRDs and v2";
}

}  // namespace
}  // namespace nestor::cluster
