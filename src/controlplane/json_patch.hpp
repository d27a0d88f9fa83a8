#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/kamaji/common.hpp"

namespace nestor::controlplane {

/// A `copy` of the whole document into itself doubles it: without these bounds a short list of
/// patches would fill the memory of the manager.
constexpr std::size_t kMaxJsonPatches = 64;
/// Of the document as text, after each operation.
constexpr std::size_t kMaxPatchedBytes = 1 << 20;

/// Applies RFC 6902 operations in order. A `remove` of what is not there changes nothing and is
/// named in `warnings`. Errors: kInvalidArgument (bad pointer or operation, missing parent, more
/// than the bounds above), kFailedPrecondition (a `test` that does not hold); `document` is then
/// half done.
Result<> apply_json_patch(Json& document, const std::vector<api::kamaji::JsonPatch>& patches,
                          std::vector<std::string>& warnings);

}  // namespace nestor::controlplane
