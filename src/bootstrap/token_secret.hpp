#pragma once

#include <string>

#include "api/core/secret.hpp"
#include "base/clock.hpp"
#include "pki/pki.hpp"

/// The bootstrap token with which a machine joins: a Secret in the tenant's kube-system. Pure.
namespace nestor::bootstrap {

/// How long a token lives without being refreshed.
inline constexpr Duration kTokenTtl = std::chrono::minutes(15);
/// How often the tokens of machines that have not joined are looked after.
inline constexpr Duration kTokenCheckPeriod = kTokenTtl / 3;
/// How long a machine that was started anew may take to join again.
inline constexpr Duration kJoinsAgainFor = 2 * kTokenTtl;

/// The Secret of `token`, expiring kTokenTtl after `now`.
api::core::Secret token_secret(const pki::BootstrapToken& token, WallTime now);

/// Whether a token's Secret would expire before it is looked at twice more.
bool needs_refresh(const api::core::Secret& secret, WallTime now);

}  // namespace nestor::bootstrap
