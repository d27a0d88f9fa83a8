#include "api/kubernetes_version.hpp"

#include <gtest/gtest.h>

namespace nestor::api {
namespace {

TEST(KubernetesVersion, IsRead) {
  const KubernetesVersion version{1, 37, 2};
  for (const char* text : {"v1.37.2", "1.37.2", "v1.37.2-rc.1", "v1.37.2+k3s1", "v1.37.2.9"}) {
    EXPECT_EQ(parse_kubernetes_version(text), version) << text;
  }
  EXPECT_EQ(parse_kubernetes_version("v1.37"), (KubernetesVersion{1, 37, 0}));
  for (const char* text : {"", "v", "latest", "v1", "v1.", "1.37.", "v1.37.x", "v1.-3.0",
                           "vv1.37.2", "v1.2147483647.0", "v1.1000001.0", "v1.99999999999.0"}) {
    EXPECT_EQ(parse_kubernetes_version(text), std::nullopt) << text;
  }
}

TEST(KubernetesVersion, IsCompared) {
  EXPECT_LT((KubernetesVersion{1, 9, 7}), (KubernetesVersion{1, 10, 0}));
  EXPECT_LT((KubernetesVersion{1, 37, 2}), (KubernetesVersion{1, 37, 10}));
  EXPECT_LT((KubernetesVersion{1, 37, 2}), (KubernetesVersion{2, 0, 0}));
}

TEST(KubernetesVersion, IsWhole) {
  for (const char* text : {"v1.37.2", "1.37.2", "v1.37.2-rc.1", "v1.37.2+k3s1"}) {
    EXPECT_TRUE(is_kubernetes_version(text)) << text;
  }
  for (const char* text :
       {"", "v1.37", "v1.037.2", "v1.37.2-", "v1.37.2.9", "v1.37.2 ", "latest"}) {
    EXPECT_FALSE(is_kubernetes_version(text)) << text;
  }
}

}  // namespace
}  // namespace nestor::api
