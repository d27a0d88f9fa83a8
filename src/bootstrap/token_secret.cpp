#include "bootstrap/token_secret.hpp"

#include "api/bootstrap/labels.hpp"
#include "base/base64.hpp"

namespace nestor::bootstrap {

api::core::Secret token_secret(const pki::BootstrapToken& token, WallTime now) {
  api::core::Secret secret;
  secret.metadata.name = std::string(api::bootstrap::kTokenSecretPrefix) + token.id;
  secret.metadata.namespace_ = "kube-system";
  secret.type = api::bootstrap::kTokenSecretType;
  const auto put = [&](const char* key, std::string_view value) {
    secret.data[key] = base64_encode(value);
  };
  put("token-id", token.id);
  put("token-secret", token.secret);
  put("expiration", format_rfc3339(now + kTokenTtl));
  put("usage-bootstrap-authentication", "true");
  put("usage-bootstrap-signing", "true");
  put("auth-extra-groups", api::bootstrap::kTokenGroups);
  put("description", "lets one machine join; kept by Nestor while it has not");
  return secret;
}

bool needs_refresh(const api::core::Secret& secret, WallTime now) {
  const auto value = secret.data.find("expiration");
  if (value == secret.data.end()) return true;
  const auto text = base64_decode(value->second);
  if (!text) return true;
  const auto expiration = parse_rfc3339(*text);
  return !expiration || *expiration - now < 2 * kTokenCheckPeriod;
}

}  // namespace nestor::bootstrap
