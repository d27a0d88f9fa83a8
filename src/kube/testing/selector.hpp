#pragma once

#include <string_view>

#include "base/json.hpp"

namespace nestor::kube::testing {

/// Whether an object's labels fit a label selector (=, ==, !=, in, notin, key, !key).
bool labels_match(const Json& object, std::string_view selector);
/// Whether an object's members fit a field selector (=, ==, !=; any string member).
bool fields_match(const Json& object, std::string_view selector);

}  // namespace nestor::kube::testing
