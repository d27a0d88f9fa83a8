#include "tunnel/token_review.hpp"

#include <utility>

namespace nestor::tunnel {

namespace {

constexpr kube::ResourceType kTokenReview{"authentication.k8s.io", "v1", "TokenReview",
                                          "tokenreviews", false};

struct User {
  std::string username;
};
BOOST_DESCRIBE_STRUCT(User, (), (username))

struct ReviewStatus {
  bool authenticated = false;
  std::string error;
  std::vector<std::string> audiences;
  User user;
};
BOOST_DESCRIBE_STRUCT(ReviewStatus, (), (authenticated, error, audiences, user))

struct Review {
  ReviewStatus status;
};
BOOST_DESCRIBE_STRUCT(Review, (), (status))

}  // namespace

Result<> judge(const Json& review, const TokenRule& rule) {
  NESTOR_TRY(const Review read, from_json<Review>(review));
  const ReviewStatus& status = read.status;
  if (!status.authenticated) {
    return fail(Code::kUnauthenticated,
                status.error.empty() ? "the token is not good" : status.error);
  }
  const std::string wanted = "system:serviceaccount:" + rule.ns + ":" + rule.service_account;
  if (status.user.username != wanted) {
    return fail(Code::kPermissionDenied, "the token is that of " + status.user.username);
  }
  // An API server that knows nothing of audiences would take any token for this one.
  if (std::ranges::find(status.audiences, rule.audience) == status.audiences.end()) {
    return fail(Code::kUnauthenticated, "the token is not for audience " + rule.audience);
  }
  return {};
}

Task<> review_token(kube::Client& client, TokenRule rule, std::string token) {
  Json review{
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenReview"},
      {"spec", {{"token", std::move(token)}, {"audiences", boost::json::array{rule.audience}}}}};
  NESTOR_CO_TRY(const Json answer, co_await client.create(kTokenReview, "", std::move(review)));
  co_return judge(answer, rule);
}

}  // namespace nestor::tunnel
