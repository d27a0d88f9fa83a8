#include "cluster/kinds.hpp"

#include <gtest/gtest.h>

#include "base/testing/co_test.hpp"
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

CO_TEST(Kinds, KnowsItsOwnWithoutAsking) {
  kube::testing::FakeClient client;
  Kinds kinds(client);
  CO_ASSERT_OK(const auto type, co_await kinds.resolve("infrastructure.cluster.x-k8s.io",
                                                       "KubevirtMachineTemplate"));
  EXPECT_EQ(type.plural, "kubevirtmachinetemplates");
  EXPECT_EQ(client.calls().size(), 0U);
  co_return Result<>{};
}

CO_TEST(Kinds, LooksOthersUpByTheContractLabelOnce) {
  kube::testing::FakeClient client;
  put_crd(client, "foomachines.infra.example.org", "cluster.x-k8s.io/v1beta1", "v1alpha1_v1beta1");
  Kinds kinds(client);
  for (int i = 0; i < 2; ++i) {
    CO_ASSERT_OK(const auto type, co_await kinds.resolve("infra.example.org", "FooMachine"));
    EXPECT_EQ(type.version, "v1beta1");
    EXPECT_EQ(type.plural, "foomachines");
    EXPECT_EQ(type.kind, "FooMachine");
  }
  EXPECT_EQ(client.count("get"), 1U);
  co_return Result<>{};
}

CO_TEST(Kinds, SaysWhenAKindIsNotThereOrFollowsNoContract) {
  kube::testing::FakeClient client;
  put_crd(client, "bars.infra.example.org", nullptr, "");
  Kinds kinds(client);
  const auto unknown = co_await kinds.resolve("infra.example.org", "Foo");
  CO_ASSERT_TRUE(!unknown);
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  const auto unlabelled = co_await kinds.resolve("infra.example.org", "Bar");
  CO_ASSERT_TRUE(!unlabelled);
  EXPECT_EQ(unlabelled.error().code, Code::kFailedPrecondition);
  co_return Result<>{};
}

}  // namespace
}  // namespace nestor::cluster
