#pragma once

#include <string_view>

#include "base/json.hpp"

/// The write operations of an API server on plain JSON, for FakeClient.
namespace nestor::kube::testing {

/// RFC 7386.
void apply_merge_patch(Json& target, const Json& patch);

/// RFC 6902: add, remove, replace, test. Errors: kInvalidArgument.
Result<> apply_json_patch(Json& target, const Json& operations);

/// Server-side apply, good enough: members of objects merge; lists of objects with `type`, `name`,
/// `uid`, `key` or `containerPort` merge by it, `finalizers` as a set, other lists are replaced.
/// What `before` (the same manager's last apply, or null) had and `now` has not is removed.
/// Unlike the real one: no conflicts between managers and no schema.
void apply_configuration(Json& target, const Json& before, const Json& now);

}  // namespace nestor::kube::testing
