#include "bootstrap/token_secret.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace nestor::bootstrap {
namespace {

const WallTime kNow = parse_rfc3339("2026-01-01T00:00:00Z").value();
const pki::BootstrapToken kToken{.id = "abcdef", .secret = "0123456789abcdef"};

std::string value(const api::core::Secret& secret, const std::string& key) {
  return base64_decode(secret.data.at(key)).value();
}

TEST(TokenSecret, IsWhatKubeadmExpects) {
  const auto secret = token_secret(kToken, kNow);
  EXPECT_EQ(secret.metadata.name, "bootstrap-token-abcdef");
  EXPECT_EQ(secret.metadata.namespace_, "kube-system");
  EXPECT_EQ(secret.type, "bootstrap.kubernetes.io/token");
  EXPECT_EQ(value(secret, "token-id"), "abcdef");
  EXPECT_EQ(value(secret, "token-secret"), "0123456789abcdef");
  EXPECT_EQ(value(secret, "usage-bootstrap-signing"), "true");
  EXPECT_EQ(value(secret, "usage-bootstrap-authentication"), "true");
  EXPECT_EQ(value(secret, "auth-extra-groups"), "system:bootstrappers:kubeadm:default-node-token");
  EXPECT_EQ(value(secret, "expiration"), "2026-01-01T00:15:00Z");
}

TEST(TokenSecret, IsRefreshedInGoodTime) {
  const auto secret = token_secret(kToken, kNow);
  EXPECT_FALSE(needs_refresh(secret, kNow));
  EXPECT_FALSE(needs_refresh(secret, kNow + std::chrono::minutes(5)));
  EXPECT_TRUE(needs_refresh(secret, kNow + std::chrono::minutes(6)));
  EXPECT_TRUE(needs_refresh(secret, kNow + std::chrono::hours(1)));
}

TEST(TokenSecret, AnUnreadableExpirationIsRefreshed) {
  auto secret = token_secret(kToken, kNow);
  secret.data["expiration"] = base64_encode("soon");
  EXPECT_TRUE(needs_refresh(secret, kNow));
  secret.data.erase("expiration");
  EXPECT_TRUE(needs_refresh(secret, kNow));
}

}  // namespace
}  // namespace nestor::bootstrap
