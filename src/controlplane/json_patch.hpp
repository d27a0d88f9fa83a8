#pragma once

#include <string>
#include <vector>

#include "api/kamaji/common.hpp"

namespace nestor::controlplane {

/// Applies RFC 6902 operations in order. A `remove` of what is not there changes nothing and is
/// named in `warnings`. Errors: kInvalidArgument (bad pointer or operation, missing parent),
/// kFailedPrecondition (a `test` that does not hold); `document` is then half done.
Result<> apply_json_patch(Json& document, const std::vector<api::kamaji::JsonPatch>& patches,
                          std::vector<std::string>& warnings);

}  // namespace nestor::controlplane
