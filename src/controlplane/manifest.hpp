#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace nestor::controlplane {

/// Values for the `${NAME}` places of a manifest.
using Variables = std::map<std::string, Json, std::less<>>;

/// Puts variables into every string of `document`. A string that is only `${NAME}` becomes the
/// value with its type; inside a longer string the value must be a string or a number.
/// Errors: kInvalidArgument for an unknown name or a value that does not fit.
Result<> substitute(Json& document, const Variables& variables);

/// The objects of the manifest src/controlplane/manifests/<name>.yaml, which is part of the
/// program. Errors: kNotFound, and as substitute().
Result<std::vector<Json>> render_manifest(std::string_view name, const Variables& variables);

/// The text of an embedded manifest, or "" (generated from manifests/ at build time).
std::string_view embedded_manifest(std::string_view name);

}  // namespace nestor::controlplane
