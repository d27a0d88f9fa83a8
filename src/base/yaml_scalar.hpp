#pragma once

#include <string_view>

#include "base/json.hpp"

/// The scalar rules of YAML 1.2's core schema. Inner part of base/json.hpp.
/// Source: https://yaml.org/spec/1.2.2/, chapter 10.3.
namespace nestor::yaml {

/// What an unquoted scalar means. Errors: kInvalidArgument for infinity and NaN, which JSON lacks.
Result<Json> plain_scalar(std::string_view text);

/// Whether `text`, written without quotes, would be read as this same string, by YAML 1.2 readers
/// and by the YAML 1.1 readers of other Kubernetes tools.
bool safe_plain_string(std::string_view text);

}  // namespace nestor::yaml
