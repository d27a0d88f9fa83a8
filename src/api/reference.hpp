#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace nestor::api {

/// docs/reference/api.md: every field of these CustomResourceDefinitions, as Markdown.
std::string api_reference(const std::vector<Json>& crds);

}  // namespace nestor::api
