#pragma once

#include <string>

#include "kube/client.hpp"

namespace nestor::tunnel {

/// Whose token is good: that of one service account, made for one audience.
struct TokenRule {
  std::string audience;
  std::string ns;
  std::string service_account;
};

/// What the API server's answer, a TokenReview, means. Errors: kUnauthenticated, kPermissionDenied
/// (another user), kInvalidArgument.
Result<> judge(const Json& review, const TokenRule& rule);

/// Asks the API server (TokenReview). Errors: kUnauthenticated, kPermissionDenied (another user),
/// and those of the client.
Task<> review_token(kube::Client& client, TokenRule rule, std::string token);

}  // namespace nestor::tunnel
