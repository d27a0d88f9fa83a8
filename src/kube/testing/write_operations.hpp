#pragma once

#include "base/json.hpp"

/// What an API server does to plain JSON when it is written, for FakeClient.
namespace nestor::kube::testing {

/// Server-side apply, good enough: members of objects merge; lists of objects with `type`, `name`,
/// `uid`, `key` or `containerPort` merge by it, `finalizers` as a set, other lists are replaced.
/// What `before` (the same manager's last apply, or null) had and `now` has not is removed.
/// Unlike the real one: no conflicts between managers and no schema.
void apply_configuration(Json& target, const Json& before, const Json& now);

}  // namespace nestor::kube::testing
